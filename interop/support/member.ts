import type { Changes } from './changes.ts'
import type { Count } from './numbered.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/** Whom a peer can be asked to join through, whatever it is made of. */
export interface Contact {
  /** 64 lower-case hex characters. */
  endpointId: string
  /** Where native iroh reaches it, as `ip:port`; empty if it does not. */
  addresses: string[]
  /** Where libp2p reaches it. */
  multiaddrs: Multiaddr[]
}

/** Ways to join a topic. */
export interface JoinOptions {
  bootstrap?: Contact[]
  /** Count numbered contents instead of keeping them. */
  count?: boolean
}

/** One message that a topic delivered. */
export interface Received {
  content: Uint8Array
  /** The endpoint id of the neighbor that brought it. */
  deliveredFrom: string
  scope: { type: 'swarm', round: number } | { type: 'neighbors' }
}

/** A topic that a member of either kind has joined. */
export interface MemberTopic {
  readonly member: Member
  /** Notifies after each event of the topic. */
  readonly changes: Changes
  /** What was delivered and not counted, oldest first. */
  readonly received: Received[]
  /** Endpoint ids, in the order in which the links came up. */
  neighbors (): string[]
  broadcast (content: Uint8Array): Promise<void>
  broadcastNeighbors (content: Uint8Array): Promise<void>
  joinPeers (contacts: Contact[]): Promise<void>
  /** Hands over the contents `first` to `first + count - 1` of a series as fast as they are taken. */
  flood (series: { tag: string, first: number, count: number, size: number }): Promise<void>
  /** Resolves when so many different numbers of a series have come. */
  counted (tag: string, count: number): Promise<void>
  /** What has come of a series, and how often the application lost events. */
  counts (tag: string): Promise<Count & { lagged: number }>
  leave (): Promise<void>
  /** Resolves when this holds; it is looked at after each event of the topic. */
  until (what: string, holds: (topic: this) => boolean, patienceMs?: number): Promise<void>
}

/** Ours, or Rust's. */
export type MemberKind = 'js' | 'rust'

/** A peer of either kind. */
export interface Member extends Contact {
  /** How it is called in messages: what it is and the start of its id. */
  readonly name: string
  readonly kind: MemberKind
  join (topic: string, options?: JoinOptions): Promise<MemberTopic>
}

/** Resolves when the topic has at least `count` neighbors. */
export async function linked (topic: MemberTopic, count = 1): Promise<void> {
  await topic.until(`${topic.member.name} has ${count} neighbors`, () => topic.neighbors().length >= count)
}

/** Resolves when both sides count the other as neighbor. */
export async function linkedBoth (a: MemberTopic, b: MemberTopic): Promise<void> {
  await Promise.all([[a, b], [b, a]].map(async ([one, other]) => {
    const id = other.member.endpointId
    await one.until(`${one.member.name} has ${other.member.name} as neighbor`, () => one.neighbors().includes(id))
  }))
}

/** Resolves to the first message with this content. */
export async function delivery (topic: MemberTopic, content: Uint8Array, patienceMs?: number): Promise<Received> {
  const found = (): Received | undefined => topic.received.find((received) => Buffer.compare(received.content, content) === 0)
  await topic.until(`${topic.member.name} receives ${Buffer.from(content.subarray(0, 40)).toString()}`, () => found() != null, patienceMs)
  const received = found()

  if (received == null) {
    throw new Error('found above and never removed')
  }

  return received
}

/** How often this content was delivered. */
export function deliveries (topic: MemberTopic, content: Uint8Array): number {
  return topic.received.filter((received) => Buffer.compare(received.content, content) === 0).length
}
