import { Rng } from '../proto/index.ts'

/** One-way delays between nodes, in milliseconds. What is drawn is drawn for each pair once, the same in both directions. */
export type LatencyConfig =
  | { type: 'fixed', ms: number }
  /** Uniform from `minMs` to `maxMs`, independently for each pair: near peers of near peers are not near. */
  | { type: 'uniform', minMs: number, maxMs: number }
  /** Nodes belong to regions in turn; pairs of the same region draw from `inside`, others from `between`. */
  | { type: 'regions', regions: number, insideMs: readonly [number, number], betweenMs: readonly [number, number] }
  /**
   * `ms[x][y]`: from region x to region y, measured say, so both directions may
   * differ. `shares` of the nodes live in each region, or as many in each;
   * a pair differs from the matrix by up to `spread` of it (0.1 if not given).
   */
  | { type: 'matrix', ms: ReadonlyArray<readonly number[]>, shares?: readonly number[], spread?: number }

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
    case 'matrix': {
      const { ms, shares, spread = DEFAULT_SPREAD } = config
      const regionOf = createRegions(shares ?? ms.map(() => 1 / ms.length))

      return (a, b) => ms[regionOf(a)][regionOf(b)] * (1 + spread * (2 * pairFloat(a, b, salt) - 1))
    }
    default:
      return config satisfies never
  }
}

const DEFAULT_SPREAD = 0.1

/** The step of the golden ratio: nodes in their order fill regions evenly by their shares, however many there are. */
const GOLDEN = (Math.sqrt(5) - 1) / 2

/** The region of a node when regions have these shares of all nodes. */
export function createRegions (shares: readonly number[]): (node: number) => number {
  return (node) => {
    let place = node * GOLDEN % 1

    for (let region = 0; region < shares.length - 1; region++) {
      place -= shares[region]

      if (place < 0) {
        return region
      }
    }

    return shares.length - 1
  }
}

/** The longest delay that the model gives, in milliseconds. */
export function maxLatency (config: LatencyConfig): number {
  switch (config.type) {
    case 'fixed': return config.ms
    case 'uniform': return config.maxMs
    case 'regions': return Math.max(config.insideMs[1], config.betweenMs[1])
    case 'matrix': return Math.max(...config.ms.flat()) * (1 + (config.spread ?? DEFAULT_SPREAD))
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
