import { fileURLToPath } from 'node:url'
import { isolated } from './isolated.ts'
import { ask } from './requests.ts'
import type { ContestantName, TransportName } from './contestants.ts'
import type { ChildProcess } from 'node:child_process'

/** A swarm to be started in one process. */
export interface SwarmInit {
  contestant: ContestantName
  nodes: number
  transport: TransportName
  /** Nodes that each node dials, of those started before it, by a seeded random graph. */
  dials: number
  seed: number
}

/** What is published. */
export interface Load {
  messages: number
  /** Bytes of each message, at least 12. */
  bytes: number
  /** Milliseconds from one message to the next; 0 for as fast as the swarm takes them. */
  intervalMs: number
  /** Nodes that publish in turns, evenly spread over the order of joining. */
  publishers: number
}

/** What a load took. */
export interface LoadResult {
  /** Deliveries that there should be, that there were, and beyond the first of each. */
  expected: number
  delivered: number
  duplicates: number
  /** Messages of an earlier load that came late. */
  foreign: number
  /** For each delivery: CPU time of the process, and what passed the interface, headers and acknowledgements included. */
  cpuMicros: number
  bytes: number
  packets: number
  /** Milliseconds from publishing to delivery. */
  p50: number
  p99: number
  p100: number
  publishedMs: number
  /** Deliveries in a second. */
  perSecond: number
}

/** A swarm in a process, and where possible a network, of its own. */
export class SwarmProcess {
  readonly #child: ChildProcess

  private constructor (child: ChildProcess) {
    this.#child = child
  }

  /** Starts and connects a swarm. `join` is what that took. */
  static async start (init: SwarmInit, nodeArgs: string[] = []): Promise<{ swarm: SwarmProcess, join: { cpuMs: number, bytes: number, ms: number } }> {
    const child = isolated(fileURLToPath(new URL('./swarm-process.ts', import.meta.url)), [], ['--expose-gc', ...nodeArgs])
    const swarm = new SwarmProcess(child)

    return { swarm, join: await ask(child, 'start', init) }
  }

  /** Puts a load on the swarm. */
  async load (load: Load): Promise<LoadResult> {
    return ask(this.#child, 'load', load)
  }

  /** CPU microseconds and interface bytes of each node in a second without messages. */
  async idle (ms: number): Promise<{ cpuMicros: number, bytes: number }> {
    return ask(this.#child, 'idle', { ms })
  }

  /** Lets so many milliseconds pass: meshes and trees take shape. */
  async settle (ms: number): Promise<void> {
    await ask(this.#child, 'settle', { ms })
  }

  /** Bytes of heap after a collection. */
  async heap (): Promise<number> {
    return (await ask<{ bytes: number }>(this.#child, 'heap')).bytes
  }

  /** Ends the process. */
  async stop (): Promise<void> {
    await ask(this.#child, 'stop')
  }
}
