import { Rng } from '../proto/index.ts'

/** One-way delays between nodes, in milliseconds. All but `fixed` are drawn for each pair once, the same in both directions. */
export type LatencyConfig =
  | { type: 'fixed', ms: number }
  /** Uniform from `minMs` to `maxMs`, independently for each pair: near peers of near peers are not near. */
  | { type: 'uniform', minMs: number, maxMs: number }
  /** Nodes belong to regions in turn; pairs of the same region draw from `inside`, others from `between`. */
  | { type: 'regions', regions: number, insideMs: readonly [number, number], betweenMs: readonly [number, number] }

/** The delay from one node to another, by their indexes. */
export interface Latency {
  (from: number, to: number): number
}

/**
 * The latency model of a simulation: a pure function of seed and pair, so that
 * it takes no memory and does not depend on who talks first.
 *
 * @param config - ranges in one-way milliseconds
 * @param seed - of the simulation
 */
export function createLatency (config: LatencyConfig, seed: number): Latency {
  const salt = new Rng(seed ^ 0x6c61).next()

  switch (config.type) {
    case 'fixed':
      return () => config.ms
    case 'uniform':
      return (a, b) => config.minMs + (config.maxMs - config.minMs) * pairFloat(a, b, salt)
    case 'regions': {
      const { regions, insideMs, betweenMs } = config
      // two regions lie as far apart as they lie: a pair differs from it by a tenth of the range
      const spread = (betweenMs[1] - betweenMs[0]) / 10

      return (a, b) => {
        const f = pairFloat(a, b, salt)
        const [x, y] = [a % regions, b % regions]

        return x === y
          ? insideMs[0] + (insideMs[1] - insideMs[0]) * f
          : betweenMs[0] + (betweenMs[1] - betweenMs[0] - spread) * pairFloat(x, y, ~salt) + spread * f
      }
    }
    default:
      return config satisfies never
  }
}

/** The longest delay that the model gives, in milliseconds. */
export function maxLatency (config: LatencyConfig): number {
  switch (config.type) {
    case 'fixed': return config.ms
    case 'uniform': return config.maxMs
    case 'regions': return Math.max(config.insideMs[1], config.betweenMs[1])
    default: return config satisfies never
  }
}

/** From 0 up to 1, by an unordered pair: a finalizer of murmur3 over both numbers. */
function pairFloat (a: number, b: number, salt: number): number {
  const low = a < b ? a : b
  const high = a < b ? b : a
  let h = Math.imul(low + 1, 0x9e3779b1) ^ Math.imul(high + 0x7f4a, 0x85ebca77) ^ salt
  h = Math.imul(h ^ h >>> 16, 0x85ebca6b)
  h = Math.imul(h ^ h >>> 13, 0xc2b2ae35)
  h = Math.imul(h ^ h >>> 16, 0x27d4eb2f)
  h ^= h >>> 15

  return (h >>> 0) / 0x1_0000_0000
}

/** Five regions, with little inside each and much between them: one-way milliseconds as between continents. */
export const fiveRegions: LatencyConfig = { type: 'regions', regions: 5, insideMs: [5, 15], betweenMs: [80, 250] }

/**
 * Reads a latency model: `20` is fixed, `10-50` uniform for each pair,
 * `regions` the five regions. All in one-way milliseconds.
 *
 * @throws {RangeError} when the text is none of these
 */
export function parseLatency (text: string): LatencyConfig {
  if (text === 'regions') {
    return fiveRegions
  }

  const [min, max] = text.split('-', 2).map(Number)

  if (!(min > 0) || (text.includes('-') && !(max >= min))) {
    throw new RangeError(`--latency is ${text}, e.g. 20, 10-50 or regions is needed`)
  }

  return max === undefined ? { type: 'fixed', ms: min } : { type: 'uniform', minMs: min, maxMs: max }
}
