import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { JsProcess } from '../../interop/support/js-process.ts'
import { randomTag } from '../../interop/support/numbered.ts'
import { RustPeer } from '../../interop/support/rust-peer.ts'
import { whole } from '../../interop/support/swarm.ts'
import { randomTopic } from '../../interop/support/topic.ts'
import { interfaceBytes } from '../support/interface-bytes.ts'
import type { RustTopic } from '../../interop/support/rust-topic.ts'

/** What a swarm is made of: on native iroh, or libp2p's TCP, noise and yamux. */
export type Kind = 'js' | 'rust' | 'mixed' | 'js-tcp'

/** What is published by one member. */
export interface ProcessLoad {
  messages: number
  bytes: number
  intervalMs: number
  /** So many are handed over at a time; 1 if it is not given. */
  burst?: number
}

/** For each delivery: CPU of all processes, and bytes at the interface. */
export interface ProcessResult {
  expected: number
  delivered: number
  duplicates: number
  /** How often an application missed messages that had come. */
  lagged: number
  cpuMicros: number
  bytes: number
  perSecond: number
}

/** `/proc/<pid>/stat` counts in hundredths of a second on every Linux. */
const TICK_MICROS = 10_000
/** A Rust application is told of at most 256 messages that it has not taken. */
const WINDOW = 128

type Peer = RustPeer | JsProcess

/** User and system time of a process so far, in microseconds. */
function cpuMicros (pid: number): number {
  // the name, in brackets, may hold anything
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')

  return (Number(fields[11]) + Number(fields[12])) * TICK_MICROS
}

/** Members in a process each that joined through one of those before them. */
export class ProcessSwarm {
  readonly #peers: Peer[] = []
  readonly #topics: Array<RustTopic<RustPeer> | RustTopic<JsProcess>> = []

  async start (kind: Kind, members: number): Promise<void> {
    const topic = randomTopic()

    for (let i = 0; i < members; i++) {
      const isRust = kind === 'rust' || (kind === 'mixed' && i % 2 === 1)
      const peer = isRust ? await RustPeer.spawn() : await JsProcess.spawn({ transport: kind === 'js-tcp' ? 'tcp' : 'iroh' })
      const bootstrap = i === 0 ? [] : [this.#peers[(i - 1) >> 1]]
      this.#peers.push(peer)
      this.#topics.push(await peer.join(topic, { bootstrap, count: true }))
    }

    await whole(this.#topics, 30_000)
  }

  /** One member publishes; ends half a second after the last delivery. */
  async load ({ messages, bytes, intervalMs, burst = 1 }: ProcessLoad): Promise<ProcessResult> {
    const tag = randomTag()
    const [publisher, ...others] = this.#topics
    const cpu = this.#cpu()
    const before = interfaceBytes().bytes
    const startedAt = performance.now()

    for (let i = 0; i < messages; i += burst) {
      await publisher.flood({ tag, first: i, count: Math.min(burst, messages - i), size: bytes })
      const wait = startedAt + (i + burst) * intervalMs - performance.now()

      if (wait > 0) {
        await delay(wait)
      }

      if (i >= WINDOW && i % 32 === 0) {
        await Promise.all(others.map(async (topic) => topic.counted(tag, i - WINDOW)))
      }
    }

    // what does not come is seen in the counts
    await Promise.allSettled(others.map(async (topic) => topic.counted(tag, messages)))
    const tookMs = performance.now() - startedAt
    await delay(500)
    const spent = this.#cpu() - cpu
    const passed = interfaceBytes().bytes - before
    const counts = await Promise.all(others.map(async (topic) => topic.counts(tag)))
    const sum = (key: 'received' | 'distinct' | 'lagged'): number => counts.reduce((total, count) => total + count[key], 0)
    const delivered = sum('distinct')

    return {
      expected: messages * others.length,
      delivered,
      duplicates: sum('received') - delivered,
      lagged: sum('lagged'),
      cpuMicros: spent / Math.max(delivered, 1),
      bytes: passed / Math.max(delivered, 1),
      perSecond: delivered * 1_000 / tookMs
    }
  }

  async stop (): Promise<void> {
    await Promise.all(this.#peers.map(async (peer) => peer.kill()))
  }

  #cpu (): number {
    return this.#peers.reduce((sum, { pid }) => sum + cpuMicros(pid), 0)
  }
}
