import { now } from './clock.ts'

/** Bytes at the front of every message: its number, and the time at which it was sent. */
export const HEAD_BYTES = 12
/** Numbers of messages within a load; the bits above them are the load's. */
export const MAX_MESSAGES = 1 << 20

/** What the nodes of one process got of a load. */
export interface TallyReport {
  delivered: number
  /** Beyond the first of each. */
  duplicates: number
  /** Messages of another load. */
  foreign: number
  /** Milliseconds from publishing to the first delivery, ascending. */
  latencies: Float64Array
}

/** The content of a message, sent now. `bytes` is at least `HEAD_BYTES`. */
export function content (load: number, message: number, bytes: number): Uint8Array {
  const data = new Uint8Array(Math.max(bytes, HEAD_BYTES))
  const view = new DataView(data.buffer)
  view.setUint32(0, load * MAX_MESSAGES + message)
  view.setFloat64(4, now())

  return data
}

/**
 * Who got which message of a load, how often, and how late. All of its memory is
 * taken before the load.
 */
export class Tally {
  readonly #load: number
  readonly #publishers: number[]
  readonly #counts: Map<number, Uint8Array>
  readonly #latencies: Float64Array
  #delivered = 0
  #duplicates = 0
  #foreign = 0
  #wanted = Infinity
  #onReached = (): void => {}

  /**
   * @param publishers - of message 0, 1, …, in turns: their own messages, which floodsub brings back to them, are no deliveries
   * @param nodes - those that are to get every message of others
   */
  constructor (load: number, messages: number, publishers: number[], nodes: number[]) {
    this.#load = load
    this.#publishers = publishers
    this.#counts = new Map(nodes.map((node) => [node, new Uint8Array(messages)]))
    this.#latencies = new Float64Array(messages * nodes.length)
  }

  get delivered (): number {
    return this.#delivered
  }

  /** The number of deliveries as soon as it is so high, or after so many milliseconds. */
  async reached (wanted: number, atMostMs: number): Promise<number> {
    if (this.#delivered < wanted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, atMostMs)
        this.#wanted = wanted
        this.#onReached = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      this.#wanted = Infinity
    }

    return this.#delivered
  }

  onMessage (node: number, data: Uint8Array): void {
    const counts = this.#counts.get(node)
    const view = new DataView(data.buffer, data.byteOffset)
    const number = view.getUint32(0)
    const message = number % MAX_MESSAGES

    if (Math.floor(number / MAX_MESSAGES) !== this.#load) {
      this.#foreign++
    } else if (counts != null && node !== this.#publishers[message % this.#publishers.length]) {
      if (counts[message] > 0) {
        this.#duplicates++
      } else {
        this.#latencies[this.#delivered++] = now() - view.getFloat64(4)
        this.#delivered === this.#wanted && this.#onReached()
      }

      counts[message] = Math.min(counts[message] + 1, 255)
    }
  }

  report (): TallyReport {
    return { delivered: this.#delivered, duplicates: this.#duplicates, foreign: this.#foreign, latencies: this.#latencies.slice(0, this.#delivered).sort() }
  }
}

/** The latency that a share of all deliveries does not exceed; 0 if there was none. */
export function percentile (sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0
}
