import { endpointIdOf, irohMultiaddr } from './address.ts'
import { buildRustPeer } from './cargo.ts'
import { PeerProcess } from './peer-process.ts'
import { RustTopic } from './rust-topic.ts'
import type { Contact, JoinOptions, Member } from './member.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/** How a Rust peer is started. */
export interface RustPeerOptions {
  /** 64 hex characters; keeps the id of a peer that is started again. */
  secretKey?: string
  /** `ip:port` to listen on. */
  bind?: string
  /** The crate's own configuration, its names and units (durations are `{ secs, nanos }`), what is absent keeps its default. */
  config?: {
    membership?: Record<string, unknown>
    broadcast?: Record<string, unknown>
    max_message_size?: number
  }
}

/** Stream-ending frames that went over connections. */
export interface RustFrames {
  stopSendingReceived: number
  stopSendingSent: number
  resetStreamReceived: number
  resetStreamSent: number
}

/** The connections of a Rust peer. */
export interface RustConnections {
  open: Array<{ peer: string, dialed: boolean, frames: RustFrames }>
  closed: number
  closedFrames: RustFrames
}

/**
 * A process that is an unmodified Rust iroh-gossip peer. It listens on
 * loopback, without relay and discovery; `RUST_LOG` sets what it logs.
 */
export class RustPeer implements Member {
  readonly name: string
  readonly endpointId: string
  readonly addresses: string[]
  readonly multiaddrs: Multiaddr[]
  readonly #process: PeerProcess

  private constructor (process: PeerProcess, endpointId: string, addresses: string[]) {
    this.#process = process
    this.name = `rust:${endpointId.slice(0, 8)}`
    this.endpointId = endpointId
    this.addresses = addresses
    this.multiaddrs = addresses.map((address) => irohMultiaddr(endpointId, address))
  }

  /** Builds the peer if need be, starts it, and resolves when it listens. */
  static async spawn (options: RustPeerOptions = {}): Promise<RustPeer> {
    const child = new PeerProcess(await buildRustPeer(), [
      ...(options.secretKey == null ? [] : ['--secret-key', options.secretKey]),
      ...(options.bind == null ? [] : ['--bind', options.bind]),
      ...(options.config == null ? [] : ['--config', JSON.stringify(options.config)])
    ])
    const { endpointId, addresses } = await child.ready()

    return new RustPeer(child, endpointId, addresses)
  }

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
    await Promise.all(contacts.map(async ({ endpointId, addresses }) => {
      await this.#process.ask({ do: 'addPeer', peer: endpointId, addresses })
    }))
  }

  async join (topic: string, options: JoinOptions & { capacity?: number } = {}): Promise<RustTopic> {
    const { bootstrap = [], ...rest } = options
    await this.meet(bootstrap)
    const handle = new RustTopic(this, topic, async (command) => this.#process.ask(command))
    this.#process.topics.set(topic, handle)
    await this.#process.ask({ do: 'join', topic, bootstrap: bootstrap.map(endpointIdOf), ...rest })

    return handle
  }

  /** The crate's counters by name, such as `msgs_data_recv`. */
  async metrics (): Promise<Record<string, number>> {
    return await this.#process.ask({ do: 'metrics' }) as Record<string, number>
  }

  async connections (): Promise<RustConnections> {
    return await this.#process.ask({ do: 'connections' }) as RustConnections
  }

  /** Says goodbye on every topic, closes the endpoint, ends the process. */
  async shutdown (): Promise<void> {
    await this.#process.ask({ do: 'shutdown' })
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
}
