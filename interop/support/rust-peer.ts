import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { endpointIdOf, irohMultiaddr } from './address.ts'
import { buildRustPeer } from './cargo.ts'
import { Changes } from './changes.ts'
import { RustTopic } from './rust-topic.ts'
import type { Contact, JoinOptions, Member } from './member.ts'
import type { RustEvent } from './rust-topic.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'

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

interface Pending {
  resolve (value: unknown): void
  reject (err: Error): void
}

type Line =
  | { event: 'ready', endpointId: string, addresses: string[] }
  | ({ topic: string } & RustEvent)
  | { reply: number, value?: unknown, error?: string }

/** The longest that a peer may take to perform a command, in milliseconds. */
const ANSWER_PATIENCE_MS = 60_000

const running = new Set<ChildProcessWithoutNullStreams>()

process.once('exit', () => {
  for (const child of running) {
    child.kill('SIGKILL')
  }
})

/**
 * A process that is an unmodified Rust iroh-gossip peer. It listens on
 * loopback, without relay and discovery; `RUST_LOG` sets what it logs.
 */
export class RustPeer implements Member {
  readonly name: string
  readonly endpointId: string
  readonly addresses: string[]
  readonly multiaddrs: Multiaddr[]
  readonly #process: RustProcess

  private constructor (process: RustProcess, endpointId: string, addresses: string[]) {
    this.#process = process
    this.name = `rust:${endpointId.slice(0, 8)}`
    this.endpointId = endpointId
    this.addresses = addresses
    this.multiaddrs = addresses.map((address) => irohMultiaddr(endpointId, address))
  }

  /** Builds the peer if need be, starts it, and resolves when it listens. */
  static async spawn (options: RustPeerOptions = {}): Promise<RustPeer> {
    const child = new RustProcess(await buildRustPeer(), [
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

class RustProcess {
  readonly topics = new Map<string, RustTopic>()
  readonly #child: ChildProcessWithoutNullStreams
  readonly #pending = new Map<number, Pending>()
  readonly #changes = new Changes()
  #ready?: { endpointId: string, addresses: string[] }
  #ended = false
  #stderr = ''
  #requests = 0

  constructor (path: string, args: string[]) {
    this.#child = spawn(path, args, { stdio: 'pipe' })
    running.add(this.#child)
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => { this.#stderr += text })
    // a write after the process has ended; its end is told below
    this.#child.stdin.on('error', () => {})
    createInterface({ input: this.#child.stdout }).on('line', (line) => { this.#onLine(JSON.parse(line)) })
    this.#child.once('error', (err) => { this.#onEnd(err) })
    this.#child.once('close', (code, signal) => {
      this.#onEnd(new Error(`the Rust peer has ended (${signal ?? `code ${code}`})\n${this.#stderr.slice(-2000)}`))
    })
  }

  get pid (): number {
    return this.#ended ? 0 : this.#child.pid ?? 0
  }

  stderr (): string {
    return this.#stderr
  }

  async ready (): Promise<{ endpointId: string, addresses: string[] }> {
    await this.#changes.until('the Rust peer is ready', () => this.#ready != null)

    if (this.#ready == null) {
      throw new Error('ready was awaited')
    }

    return this.#ready
  }

  async ended (): Promise<void> {
    await this.#changes.until('the Rust peer has ended', () => this.#ended)
  }

  async ask (command: { do: string } & Record<string, unknown>): Promise<unknown> {
    const id = ++this.#requests

    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(new Error(`${command.do}: the Rust peer has ended`))
        return
      }

      const timeout = setTimeout(() => {
        this.#pending.delete(id)
        reject(new Error(`${command.do}: no answer of the Rust peer within ${ANSWER_PATIENCE_MS} ms`))
      }, ANSWER_PATIENCE_MS)
      const settled = <T>(settle: (value: T) => void) => (value: T): void => {
        clearTimeout(timeout)
        settle(value)
      }
      this.#pending.set(id, { resolve: settled(resolve), reject: settled(reject) })
      this.#child.stdin.write(JSON.stringify({ id, ...command }) + '\n')
    })
  }

  signal (signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  #onLine (line: Line): void {
    if ('reply' in line) {
      const pending = this.#pending.get(line.reply)
      this.#pending.delete(line.reply)
      line.error == null ? pending?.resolve(line.value) : pending?.reject(new Error(`the Rust peer says: ${line.error}`))
    } else if (line.event === 'ready') {
      this.#ready = line
      this.#changes.notify()
    } else {
      this.topics.get(line.topic)?.onEvent(line)
    }
  }

  #onEnd (reason: Error): void {
    this.#ended = true
    running.delete(this.#child)
    this.#changes.fail(reason)

    for (const { reject } of this.#pending.values()) {
      reject(reason)
    }

    for (const topic of this.topics.values()) {
      topic.onEnd(reason)
    }
  }
}
