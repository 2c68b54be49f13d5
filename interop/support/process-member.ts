import { multiaddr } from '@multiformats/multiaddr'
import { endpointIdOf, irohMultiaddr } from './address.ts'
import { RustTopic } from './rust-topic.ts'
import type { Contact, JoinOptions, Member, MemberKind, MemberTopic } from './member.ts'
import type { PeerProcess, ReadyPeer } from './peer-process.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/** A peer that runs in a process of its own, of either kind: the commands that both understand. */
export abstract class ProcessMember implements Member {
  readonly name: string
  readonly kind: MemberKind
  readonly endpointId: string
  readonly addresses: string[]
  readonly multiaddrs: Multiaddr[]
  readonly #process: PeerProcess

  /**
   * @param kind - what it is
   * @param process - one that is ready
   * @param ready - what it said when it was
   */
  protected constructor (kind: MemberKind, process: PeerProcess, { endpointId, addresses, multiaddrs }: ReadyPeer) {
    this.#process = process
    this.kind = kind
    this.name = `${kind}:${endpointId.slice(0, 8)}`
    this.endpointId = endpointId
    this.addresses = addresses
    this.multiaddrs = multiaddrs?.map((address) => multiaddr(address)) ?? addresses.map((address) => irohMultiaddr(endpointId, address))
  }

  abstract join (topic: string, options?: JoinOptions): Promise<MemberTopic>

  /** The process id, 0 once it has ended. */
  get pid (): number {
    return this.#process.pid
  }

  /** What the peer wrote to stderr, each line under its name. */
  log (): string {
    return this.#process.stderr().replace(/^(?=.)/gm, `[${this.name}] `)
  }

  /** Tells the peer where contacts can be dialed. */
  async meet (contacts: Contact[]): Promise<void> {
    await Promise.all(contacts.map(async ({ endpointId, addresses, multiaddrs }) => {
      await this.ask({ do: 'addPeer', peer: endpointId, addresses, multiaddrs: multiaddrs.map(String) })
    }))
  }

  /** Leaves all topics, closes what is open, ends the process. */
  async shutdown (): Promise<void> {
    await this.ask({ do: 'shutdown' })
    await this.#process.ended()
  }

  /** Sends a signal: `SIGSTOP` freezes the whole peer, `SIGCONT` lets it go on. */
  signal (signal: NodeJS.Signals): void {
    this.#process.signal(signal)
  }

  /** Ends the process without a goodbye. */
  async kill (): Promise<void> {
    this.#process.signal('SIGKILL')
    await this.#process.ended()
  }

  /** Has the process perform a command, and resolves to its answer. */
  protected async ask (command: { do: string } & Record<string, unknown>): Promise<unknown> {
    return this.#process.ask(command)
  }

  /** Joins a topic with options that the process knows. */
  protected async joinTopic (topic: string, options: JoinOptions & Record<string, unknown>): Promise<RustTopic<this>> {
    const { bootstrap = [], ...rest } = options
    await this.meet(bootstrap)
    const handle = new RustTopic<this>(this, topic, async (command) => this.ask(command))
    this.#process.topics.set(topic, handle)
    await this.ask({ do: 'join', topic, bootstrap: bootstrap.map(endpointIdOf), ...rest })

    return handle
  }
}
