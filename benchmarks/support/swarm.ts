import { fileURLToPath } from 'node:url'
import { isolated } from './isolated.ts'
import { ask } from './requests.ts'
import type { ContestantName, TransportName } from './contestants.ts'
import type { ChildProcess } from 'node:child_process'

/** A swarm to be started. */
export interface SwarmInit {
  contestant: ContestantName
  nodes: number
  /** Processes over which the nodes are spread. */
  processes: number
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
  /** Milliseconds from one burst to the next; 0 for as fast as the swarm takes them. */
  intervalMs: number
  /** Messages that are published at once; 1 if left out. */
  burst?: number
  /** Nodes that publish in turns, evenly spread over the order of joining. */
  publishers: number
  /** Nodes that leave during the load, at even distances of time, each followed by a new one that joins. */
  churn?: number
  /** With an interval of 0: publish no more after so many milliseconds. */
  forMs?: number
  /** With an interval of 0: messages under way at most; 256 if left out. */
  window?: number
}

/** What a load took. */
export interface LoadResult {
  /** Messages that were published. */
  published: number
  /** Deliveries to nodes that were there all the time: that there should be, that there were, and beyond the first of each. */
  expected: number
  delivered: number
  duplicates: number
  /** Messages of an earlier load that came late. */
  foreign: number
  /** For each delivery: CPU time of the swarm's processes, and what passed the interface, headers and acknowledgements included. */
  cpuMicros: number
  bytes: number
  packets: number
  /** Milliseconds from publishing to delivery. */
  p50: number
  p99: number
  p100: number
  /** Deliveries in a second, until the last one. */
  perSecond: number
}

/** What something took, or takes. */
export interface Cost {
  cpuMicros: number
  bytes: number
  ms: number
}

/** A swarm in processes of its own, and where possible a network of its own. */
export class SwarmProcess {
  readonly #child: ChildProcess

  private constructor (child: ChildProcess) {
    this.#child = child
  }

  /** Starts and connects a swarm; `join` tells what that took. */
  static async start (init: SwarmInit): Promise<{ swarm: SwarmProcess, join: Cost }> {
    const child = isolated(fileURLToPath(new URL('./swarm-process.ts', import.meta.url)), [])
    const swarm = new SwarmProcess(child)

    return { swarm, join: await ask(child, 'start', init) }
  }

  /** Puts a load on the swarm, and waits for the last delivery. */
  async load (load: Load): Promise<LoadResult> {
    return ask(this.#child, 'load', load)
  }

  /** What the swarm costs in so many milliseconds without messages. */
  async idle (ms: number): Promise<Cost> {
    return ask(this.#child, 'idle', { ms })
  }

  /** Subscribes every node to so many more topics. */
  async subscribe (topics: number): Promise<void> {
    await ask(this.#child, 'subscribe', { topics })
  }

  /** Connects so many nodes that are in no topic to every node; they live in a process that is not counted. */
  async visit (visitors: number): Promise<void> {
    await ask(this.#child, 'visit', { visitors })
  }

  /** A new node connects, then subscribes while messages flow: milliseconds until its first one. */
  async firstMessage (): Promise<number> {
    return ask(this.#child, 'firstMessage')
  }

  /** A new node connects, then subscribes in a quiet swarm: what is spent in so many milliseconds. */
  async subscribing (ms: number): Promise<Cost> {
    return ask(this.#child, 'subscribing', { ms })
  }

  /** Lets meshes, views and trees take shape: until next to nothing is said, at most so many milliseconds. */
  async settle (atMostMs: number): Promise<void> {
    await ask(this.#child, 'settle', { atMostMs })
  }

  /** Bytes of heap after a collection, of all processes. */
  async heap (): Promise<number> {
    return ask(this.#child, 'heap')
  }

  /** Ends the processes. */
  async stop (): Promise<void> {
    await ask(this.#child, 'stop')
  }
}
