import { seedsOf } from './experiment.ts'
import { maxLatency, parseLatency } from './latency.ts'
import { RULE_SETS } from './machine.ts'
import type { ExperimentConfig } from './experiment.ts'
import type { LatencyConfig } from './latency.ts'

/** What a scenario file may say of the network, beside its latency: each with the least and the most that makes sense. */
const NUMBERS = {
  nodes: { least: 2, most: 1_000_000, whole: true },
  rounds: { least: 1, most: 100_000, whole: true },
  warmupMs: { least: 0, most: 86_400_000, whole: false },
  roundTimeoutMs: { least: 1, most: 86_400_000, whole: false },
  healMs: { least: 0, most: 86_400_000, whole: false },
  kill: { least: 0, most: 0.999, whole: false },
  contentBytes: { least: 8, most: 4_055, whole: true },
  jitterMs: { least: 0, most: 60_000, whole: false },
  deathNoticeMs: { least: 0, most: 3_600_000, whole: false },
  dialFailureMs: { least: 0, most: 3_600_000, whole: false }
} as const

/** What a scenario file may choose from a list. */
const CHOICES = {
  senders: ['one', 'new', 'all'],
  rules: RULE_SETS,
  release: ['closes', 'silent']
} as const

type Fields = Record<string, unknown>

/** A scenario file as an experiment. */
export interface Scenario {
  name: string
  config: ExperimentConfig
}

/**
 * Reads a scenario: an object of the fields of `ExperimentConfig` that are
 * data. `latency` is an object as in `LatencyConfig` or a text as on the
 * command line, `seeds` a list, or how many; `rules` one name for all nodes.
 * What is left out has its default: 1,000 nodes, one sender, 30 rounds, four
 * seeds, 10 to 50 ms, 10 s of warm-up.
 *
 * @param value - parsed JSON
 * @throws {RangeError} naming the field, its value and what is needed
 */
export function parseScenario (value: unknown): Scenario {
  if (!isFields(value)) {
    throw new RangeError('a scenario is an object')
  }

  const known = [...Object.keys(NUMBERS), ...Object.keys(CHOICES), 'name', 'latency', 'seeds']

  for (const key of Object.keys(value)) {
    if (!known.includes(key)) {
      throw new RangeError(`a scenario has no ${key}; it has ${known.join(', ')}`)
    }
  }

  const config: ExperimentConfig = {
    nodes: numberOf(value, 'nodes') ?? 1_000,
    senders: choiceOf(value, 'senders') ?? 'one',
    rounds: numberOf(value, 'rounds') ?? 30,
    seeds: parseSeeds(value.seeds ?? 4),
    latency: parseLatencyField(value.latency ?? '10-50'),
    rules: choiceOf(value, 'rules') ?? 'ours',
    release: choiceOf(value, 'release') ?? 'closes',
    warmupMs: numberOf(value, 'warmupMs') ?? 10_000,
    deathNotice: numberOf(value, 'deathNoticeMs') ?? 'latency'
  }

  for (const key of ['roundTimeoutMs', 'healMs', 'kill', 'contentBytes', 'jitterMs', 'dialFailureMs'] as const) {
    const number = numberOf(value, key)

    if (number !== undefined) {
      config[key] = number
    }
  }

  return { name: typeof value.name === 'string' ? value.name : 'scenario', config }
}

function isFields (value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function numberOf (fields: Fields, key: keyof typeof NUMBERS): number | undefined {
  const value = fields[key]

  if (value === undefined) {
    return undefined
  }

  const { least, most, whole } = NUMBERS[key]

  if (typeof value !== 'number' || !(value >= least && value <= most) || (whole && !Number.isInteger(value))) {
    throw new RangeError(`${key} is ${JSON.stringify(value)}, ${whole ? 'a whole number' : 'a number'} from ${least} to ${most} is needed`)
  }

  return value
}

function choiceOf<K extends keyof typeof CHOICES> (fields: Fields, key: K): (typeof CHOICES)[K][number] | undefined {
  const value = fields[key]

  if (value === undefined) {
    return undefined
  }

  const found = CHOICES[key].find((choice) => choice === value)

  if (found === undefined) {
    throw new RangeError(`${key} is ${JSON.stringify(value)}, one of ${CHOICES[key].join(', ')} is needed`)
  }

  return found
}

function parseSeeds (value: unknown): number[] {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 10_000) {
    return seedsOf(value)
  }

  if (Array.isArray(value) && value.length > 0 && value.every((seed) => Number.isSafeInteger(seed) && seed >= 0)) {
    return value
  }

  throw new RangeError(`seeds is ${JSON.stringify(value)}, a list of whole numbers from 0 or a count from 1 to 10000 is needed`)
}

function parseLatencyField (value: unknown): LatencyConfig {
  if (typeof value === 'string') {
    return parseLatency(value)
  }

  if (isFields(value)) {
    const { type, ms, minMs, maxMs, regions, insideMs, betweenMs } = value

    if (type === 'fixed' && isMs(ms)) {
      return { type, ms }
    }

    if (type === 'uniform' && isRange([minMs, maxMs])) {
      return { type, minMs: Number(minMs), maxMs: Number(maxMs) }
    }

    if (type === 'regions' && typeof regions === 'number' && Number.isInteger(regions) && regions >= 1 && isRange(insideMs) && isRange(betweenMs)) {
      const latency: LatencyConfig = { type, regions, insideMs, betweenMs }

      if (maxLatency(latency) <= MAX_LATENCY_MS) {
        return latency
      }
    }
  }

  throw new RangeError(`latency is ${JSON.stringify(value)}, needed is e.g. "10-50", "regions", {"type":"fixed","ms":20}, ` +
    `{"type":"uniform","minMs":10,"maxMs":50} or {"type":"regions","regions":5,"insideMs":[5,15],"betweenMs":[80,250]}, all above 0 and at most ${MAX_LATENCY_MS} ms`)
}

/** A path of more than a minute is a mistake. */
const MAX_LATENCY_MS = 60_000

function isMs (value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value <= MAX_LATENCY_MS
}

function isRange (value: unknown): value is [number, number] {
  return Array.isArray(value) && value.length === 2 && isMs(value[0]) && isMs(value[1]) && value[0] <= value[1]
}
