import { isFields, numberOf, refuseUnknown } from './fields.ts'
import { fiveRegions, maxLatency } from './latency.ts'
import { parseShares } from './scenario-events.ts'
import type { Fields } from './fields.ts'
import type { LatencyConfig } from './latency.ts'

/** A path of more than a minute is a mistake. */
const MAX_LATENCY_MS = 60_000

const FORMS = 'e.g. 20, "10-50", "regions", {"type":"fixed","ms":20}, {"type":"uniform","minMs":10,"maxMs":50}, ' +
  '{"type":"regions","regions":5,"insideMs":[5,15],"betweenMs":[80,250]} or {"type":"matrix","ms":[[5,90],[90,8]],"shares":[0.7,0.3]}'

/**
 * Reads a latency model: an object as in `LatencyConfig`, or shorter `20` (fixed),
 * `"10-50"` (uniform for each pair), `"regions"` (the five regions). All in
 * one-way milliseconds.
 *
 * @throws {RangeError} with the value and what is needed
 */
export function parseLatency (value: unknown): LatencyConfig {
  const latency = typeof value === 'string' || typeof value === 'number' ? fromText(String(value)) : fromFields(value)

  if (latency === undefined) {
    throw new RangeError(`latency is ${JSON.stringify(value)}, needed is ${FORMS}, all above 0 and at most ${MAX_LATENCY_MS} ms`)
  }

  return latency
}

function fromText (text: string): LatencyConfig | undefined {
  if (text === 'regions') {
    return fiveRegions
  }

  const parts = text.split('-').map(Number)

  if (parts.length === 1 && isMs(parts[0])) {
    return { type: 'fixed', ms: parts[0] }
  }

  return isRange(parts) ? { type: 'uniform', minMs: parts[0], maxMs: parts[1] } : undefined
}

function fromFields (value: unknown): LatencyConfig | undefined {
  if (!isFields(value)) {
    return undefined
  }

  const { type, ms, minMs, maxMs, regions, insideMs, betweenMs } = value

  if (type === 'fixed' && isMs(ms)) {
    refuseUnknown(value, ['type', 'ms'], 'latency')

    return { type, ms }
  }

  if (type === 'uniform' && isMs(minMs) && isMs(maxMs) && minMs <= maxMs) {
    refuseUnknown(value, ['type', 'minMs', 'maxMs'], 'latency')

    return { type, minMs, maxMs }
  }

  if (type === 'regions' && typeof regions === 'number' && Number.isInteger(regions) && regions >= 1 && isRange(insideMs) && isRange(betweenMs)) {
    refuseUnknown(value, ['type', 'regions', 'insideMs', 'betweenMs'], 'latency')

    return { type, regions, insideMs, betweenMs }
  }

  return type === 'matrix' && isMatrix(ms) ? fromMatrix(value, ms) : undefined
}

function fromMatrix (value: Fields, ms: number[][]): LatencyConfig | undefined {
  const { shares } = value
  refuseUnknown(value, ['type', 'ms', 'shares', 'spread'], 'latency')
  const latency: LatencyConfig = { type: 'matrix', ms, spread: numberOf(value, 'spread', { least: 0, most: 0.99 }, 'latency.') }

  if (shares !== undefined) {
    latency.shares = parseShares(shares, 'latency.shares')

    if (latency.shares.length !== ms.length) {
      throw new RangeError(`latency.shares has ${latency.shares.length} shares, ${ms.length} are needed, one for each region`)
    }
  }

  return maxLatency(latency) <= MAX_LATENCY_MS ? latency : undefined
}

function isMs (value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value <= MAX_LATENCY_MS
}

function isRange (value: unknown): value is [number, number] {
  return Array.isArray(value) && value.length === 2 && isMs(value[0]) && isMs(value[1]) && value[0] <= value[1]
}

/** A square of delays. */
function isMatrix (value: unknown): value is number[][] {
  return Array.isArray(value) && value.length >= 1 &&
    value.every((row) => Array.isArray(row) && row.length === value.length && row.every(isMs))
}
