import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'
import { endpointIdOf } from './address.ts'
import { Changes } from './changes.ts'
import type { Contact, MemberTopic, Received } from './member.ts'
import type { Count } from './numbered.ts'
import type { ProcessMember } from './process-member.ts'
import type { RustPeer } from './rust-peer.ts'

/** A line that the Rust peer prints for a topic. */
export type RustEvent =
  | { event: 'neighborUp', peer: string }
  | { event: 'neighborDown', peer: string }
  | { event: 'received', content: string, deliveredFrom: string, scope: Received['scope'] }
  | { event: 'lagged' }
  | { event: 'ended' }

/** Has the process perform a command, and resolves to its answer. */
interface Ask {
  (command: { do: string } & Record<string, unknown>): Promise<unknown>
}

/** A topic that a peer in a process of its own has joined, by default a Rust peer. */
export class RustTopic<M extends ProcessMember = RustPeer> implements MemberTopic {
  readonly member: M
  readonly received: Received[] = []
  readonly #topic: string
  readonly #ask: Ask
  readonly #neighbors = new Set<string>()
  readonly changes = new Changes()
  /** How often the application lost events, of neighbors too, because it took them too slowly. */
  lagged = 0

  constructor (member: M, topic: string, ask: Ask) {
    this.member = member
    this.#topic = topic
    this.#ask = ask
  }

  neighbors (): string[] {
    return [...this.#neighbors]
  }

  async broadcast (content: Uint8Array): Promise<void> {
    await this.#command('broadcast', { content: toString(content, 'hex') })
  }

  async broadcastNeighbors (content: Uint8Array): Promise<void> {
    await this.#command('broadcastNeighbors', { content: toString(content, 'hex') })
  }

  async joinPeers (contacts: Contact[]): Promise<void> {
    await this.member.meet(contacts)
    await this.#command('joinPeers', { peers: contacts.map(endpointIdOf) })
  }

  async flood (series: { tag: string, first: number, count: number, size: number }): Promise<void> {
    await this.#command('flood', series)
  }

  async counted (tag: string, count: number): Promise<void> {
    await this.#command('awaitCount', { tag, count })
  }

  async counts (tag: string): Promise<Count & { lagged: number }> {
    const { tags, lagged } = await this.#command('counts', {}) as { tags: Record<string, Count>, lagged: number }

    return { ...(tags[tag] ?? { received: 0, distinct: 0 }), lagged }
  }

  /** Lets the application stop reading the topic's events, or go on. */
  async read (on: boolean): Promise<void> {
    await this.#command('read', { on })
  }

  async leave (): Promise<void> {
    await this.#command('leave', {})
  }

  async until (what: string, holds: (topic: this) => boolean, patienceMs?: number): Promise<void> {
    const seen = (): string => `${this.member.name} has ${this.#neighbors.size} neighbors and received ${this.received.length} messages`
    await this.changes.until(what, () => holds(this), seen, patienceMs)
  }

  /** Takes in what the peer printed. */
  onEvent (event: RustEvent): void {
    switch (event.event) {
      case 'neighborUp':
        this.#neighbors.add(event.peer)
        break
      case 'neighborDown':
        this.#neighbors.delete(event.peer)
        break
      case 'received':
        this.received.push({ ...event, content: fromString(event.content, 'hex') })
        break
      case 'lagged':
        this.lagged++
        break
      case 'ended':
        this.onEnd(new Error('the crate has ended the subscription'))
        break
      default:
        throw new Error(`unknown event ${JSON.stringify(event satisfies never)}`)
    }

    this.changes.notify()
  }

  /** The process is gone: nothing waits any longer. */
  onEnd (reason: Error): void {
    this.changes.fail(reason)
  }

  async #command (name: string, args: Record<string, unknown>): Promise<unknown> {
    return this.#ask({ do: name, topic: this.#topic, ...args })
  }
}
