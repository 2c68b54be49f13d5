import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { Changes } from './changes.ts'
import type { RustEvent } from './rust-topic.ts'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'

/** Where the lines of one topic go. */
export interface TopicEvents {
  onEvent (event: RustEvent): void
  /** The process is gone. */
  onEnd (reason: Error): void
}

/** What a peer says of itself once it listens. */
export interface ReadyPeer {
  endpointId: string
  /** `ip:port` of native iroh. */
  addresses: string[]
  /** Said by peers of ours. */
  multiaddrs?: string[]
}

interface Pending {
  resolve (value: unknown): void
  reject (err: Error): void
}

type Line =
  | ({ event: 'ready' } & ReadyPeer)
  | ({ topic: string } & RustEvent)
  | { reply: number, value?: unknown, error?: string }

/** The longest that a peer may take to perform a command, in milliseconds. */
const ANSWER_PATIENCE_MS = 60_000

const running = new Set<ChildProcessWithoutNullStreams>()

/** The process ids of all peers that have not ended: none once every stage was cleared. */
export function runningPeers (): number[] {
  return [...running].map(({ pid }) => pid ?? 0)
}

process.once('exit', () => {
  for (const child of running) {
    child.kill('SIGKILL')
  }
})

/**
 * A peer that runs in a process of its own and is driven by JSON lines: one
 * request per line on its stdin, replies and events on its stdout.
 */
export class PeerProcess {
  readonly topics = new Map<string, TopicEvents>()
  readonly #child: ChildProcessWithoutNullStreams
  readonly #pending = new Map<number, Pending>()
  readonly #changes = new Changes()
  #ready?: ReadyPeer
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
      this.#onEnd(new Error(`the peer has ended (${signal ?? `code ${code}`})\n${this.#stderr.slice(-2000)}`))
    })
  }

  get pid (): number {
    return this.#ended ? 0 : this.#child.pid ?? 0
  }

  stderr (): string {
    return this.#stderr
  }

  async ready (): Promise<ReadyPeer> {
    await this.#changes.until('the peer is ready', () => this.#ready != null)

    if (this.#ready == null) {
      throw new Error('ready was awaited')
    }

    return this.#ready
  }

  async ended (): Promise<void> {
    await this.#changes.until('the peer has ended', () => this.#ended)
  }

  async ask (command: { do: string } & Record<string, unknown>): Promise<unknown> {
    const id = ++this.#requests

    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(new Error(`${command.do}: the peer has ended`))
        return
      }

      const timeout = setTimeout(() => {
        this.#pending.delete(id)
        reject(new Error(`${command.do}: no answer of the peer within ${ANSWER_PATIENCE_MS} ms`))
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
      line.error == null ? pending?.resolve(line.value) : pending?.reject(new Error(`the peer says: ${line.error}`))
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
