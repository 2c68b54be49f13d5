import { fileURLToPath } from 'node:url'
import { endpointIdOf, irohMultiaddr } from './address.ts'
import { PeerProcess } from './peer-process.ts'
import { RustTopic } from './rust-topic.ts'
import type { Contact, JoinOptions } from './member.ts'
import type { ProcessMember } from './rust-topic.ts'
import type { IrohGossipInit } from '../../src/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/** How a JavaScript peer is started in a process of its own. */
export interface JsProcessOptions {
  /** 64 hex characters; keeps the id of a peer that is started again. */
  secretKey?: string
  gossip?: IrohGossipInit
}

/** What a JavaScript peer has open at the moment. */
export interface JsProcessUse {
  connections: Array<{ peer: string, dialed: boolean }>
  /** On all connections, in both directions. */
  streams: number
  /** Armed timers of the process. */
  timers: number
  heapBytes: number
}

const MAIN = fileURLToPath(new URL('../js-peer/main.ts', import.meta.url))

/** A node of ours in a process of its own, which can be killed, stopped and started again. */
export class JsProcess implements ProcessMember {
  readonly name: string
  readonly endpointId: string
  readonly addresses: string[]
  readonly multiaddrs: Multiaddr[]
  readonly #process: PeerProcess

  private constructor (process: PeerProcess, endpointId: string, addresses: string[]) {
    this.#process = process
    this.name = `js process:${endpointId.slice(0, 8)}`
    this.endpointId = endpointId
    this.addresses = addresses
    this.multiaddrs = addresses.map((address) => irohMultiaddr(endpointId, address))
  }

  static async spawn (options: JsProcessOptions = {}): Promise<JsProcess> {
    const child = new PeerProcess(process.execPath, [
      MAIN,
      ...(options.secretKey == null ? [] : ['--secret-key', options.secretKey]),
      ...(options.gossip == null ? [] : ['--config', JSON.stringify(options.gossip)])
    ])
    const { endpointId, addresses } = await child.ready()

    return new JsProcess(child, endpointId, addresses)
  }

  /** The process id, 0 once it has ended. */
  get pid (): number {
    return this.#process.pid
  }

  /** What the peer wrote to stderr, each line under its name. */
  log (): string {
    return this.#process.stderr().replace(/^(?=.)/gm, `[${this.name}] `)
  }

  async meet (contacts: Contact[]): Promise<void> {
    await Promise.all(contacts.map(async ({ endpointId, addresses }) => {
      await this.#process.ask({ do: 'addPeer', peer: endpointId, addresses })
    }))
  }

  async join (topic: string, options: JoinOptions = {}): Promise<RustTopic<JsProcess>> {
    const { bootstrap = [], ...rest } = options
    await this.meet(bootstrap)
    const handle = new RustTopic<JsProcess>(this, topic, async (command) => this.#process.ask(command))
    this.#process.topics.set(topic, handle)
    await this.#process.ask({ do: 'join', topic, bootstrap: bootstrap.map(endpointIdOf), ...rest })

    return handle
  }

  async use (): Promise<JsProcessUse> {
    return await this.#process.ask({ do: 'use' }) as JsProcessUse
  }

  /** Stops the node in order, and ends the process. */
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
