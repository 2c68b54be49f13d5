import { seedsOf } from './experiment.ts'
import { choiceOf, isFields, numberOf, refuseUnknown } from './fields.ts'
import { RULE_SETS } from './machine.ts'
import { parseEvents } from './scenario-events.ts'
import { parseLatency } from './scenario-latency.ts'
import type { ExperimentConfig } from './experiment.ts'
import type { Bounds, Fields } from './fields.ts'

const DAY_MS = 86_400_000

/** Numbers of a scenario, each with the least and the most that makes sense. */
const NUMBERS = {
  nodes: { least: 2, most: 1_000_000, whole: true },
  rounds: { least: 1, most: 100_000, whole: true },
  warmupMs: { least: 0, most: DAY_MS },
  roundTimeoutMs: { least: 1, most: DAY_MS },
  contentBytes: { least: 8, most: 4_055, whole: true },
  kill: { least: 0, most: 0.999 },
  healMs: { least: 0, most: DAY_MS },
  jitterMs: { least: 0, most: 60_000 },
  bandwidth: { least: 1, most: 1e12 },
  linkBandwidth: { least: 1, most: 1e12 },
  unreachable: { least: 0, most: 1 },
  deathNoticeMs: { least: 0, most: 3_600_000 },
  dialFailureMs: { least: 0, most: 3_600_000 },
  durationMs: { least: 1, most: DAY_MS },
  broadcastEveryMs: { least: 1, most: DAY_MS },
  churnPerMinute: { least: 0, most: 100 },
  linkLossPerMinute: { least: 0, most: 100 }
} as const satisfies Readonly<Record<string, Bounds>>

/** Fields that only a run with `durationMs` has. */
const OF_A_TIMELINE = ['broadcastEveryMs', 'churnPerMinute', 'linkLossPerMinute', 'events'] as const

/** Fields of a run in rounds, which one with `durationMs` has not. */
const OF_ROUNDS = ['rounds', 'senders', 'kill', 'healMs'] as const

const OTHERS = ['name', 'latency', 'seeds', 'events', 'senders', 'rules', 'release', 'mode'] as const

/** A scenario file as an experiment. */
export interface Scenario {
  name: string
  config: ExperimentConfig
  /** Whose rules the nodes follow; `mixed`: every second node upstream's. */
  rules: 'ours' | 'upstream' | 'mixed'
  /** Whether messages go as objects, or as bytes through the codec. */
  mode: 'fast' | 'byte'
}

/**
 * Reads a scenario. `docs/simulation.md` describes its fields. What is left
 * out has its default: 1,000 nodes, one sender, 30 rounds, four seeds, 10 to
 * 50 ms, 10 s of warm-up.
 *
 * @param value - parsed JSON
 * @throws {RangeError} naming the field, its value and what is needed
 */
export function parseScenario (value: unknown): Scenario {
  if (!isFields(value)) {
    throw new RangeError('a scenario is an object')
  }

  refuseUnknown(value, [...Object.keys(NUMBERS), ...OTHERS], 'a scenario')
  const rules = choiceOf(value, 'rules', [...RULE_SETS, 'mixed'] as const) ?? 'ours'
  const mode = choiceOf(value, 'mode', ['fast', 'byte'] as const) ?? 'fast'
  const number = (key: keyof typeof NUMBERS): number | undefined => numberOf(value, key, NUMBERS[key])
  const config: ExperimentConfig = {
    nodes: number('nodes') ?? 1_000,
    senders: choiceOf(value, 'senders', ['one', 'new', 'all'] as const) ?? 'one',
    rounds: number('rounds') ?? 30,
    seeds: parseSeeds(value.seeds ?? 4),
    latency: parseLatency(value.latency ?? '10-50'),
    rules,
    release: choiceOf(value, 'release', ['closes', 'silent', 'crate'] as const) ?? 'closes',
    warmupMs: number('warmupMs') ?? 10_000,
    deathNotice: number('deathNoticeMs') ?? 'latency'
  }

  for (const key of ['roundTimeoutMs', 'healMs', 'kill', 'contentBytes', 'jitterMs', 'bandwidth', 'linkBandwidth', 'unreachable', 'dialFailureMs'] as const) {
    const given = number(key)

    if (given !== undefined) {
      config[key] = given
    }
  }

  addTimeline(value, config, number)

  return { name: typeof value.name === 'string' ? value.name : 'scenario', config, rules, mode }
}

/** With `durationMs` time passes in one piece, in place of rounds. */
function addTimeline (fields: Fields, config: ExperimentConfig, number: (key: keyof typeof NUMBERS) => number | undefined): void {
  const durationMs = number('durationMs')

  if (durationMs === undefined) {
    const stray = OF_A_TIMELINE.find((key) => fields[key] !== undefined)

    if (stray !== undefined) {
      throw new RangeError(`${stray} needs durationMs: how long it goes on`)
    }

    return
  }

  const stray = OF_ROUNDS.find((key) => fields[key] !== undefined)

  if (stray !== undefined) {
    throw new RangeError(`${stray} and durationMs exclude each other: one is for rounds, the other for events in time`)
  }

  config.timeline = {
    durationMs,
    broadcastEveryMs: number('broadcastEveryMs') ?? 1_000,
    churnPerMinute: number('churnPerMinute') ?? 0,
    linkLossPerMinute: number('linkLossPerMinute') ?? 0,
    events: parseEvents(fields.events ?? [])
  }
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
