import { choiceOf, isFields, needed, numberOf, refuseUnknown } from './fields.ts'
import type { Bounds, Fields } from './fields.ts'

/** Whom an event befalls: nodes by their place, or a share of those alive, drawn by the seed. */
export type Whom = { nodes: number[] } | { share: number }

/** What an event does. Times are virtual milliseconds. */
export type ScenarioAction =
  /** Nodes are gone without a word. */
  | { do: 'crash', whom: Whom }
  /** Nodes say goodbye and are gone. */
  | { do: 'leave', whom: Whom }
  /** New nodes join at once, each through a random node. */
  | { do: 'join', count: number }
  /** Nodes stand still for a while, clock included; what comes waits. */
  | { do: 'pause', whom: Whom, forMs: number }
  /** A share of all connections between neighbors breaks; both ends hear of it. */
  | { do: 'cut', share: number }
  /** The network falls into parts of these shares; connections between parts end after `noticeMs`. */
  | { do: 'partition', shares: number[], forMs: number, noticeMs: number }
  /** A random node broadcasts, beside those of `broadcastEveryMs`. */
  | { do: 'broadcast', count: number }

/** An action and its times, from the end of the warm-up on: once, or again and again up to `untilMs` (inclusive). */
export type ScenarioEvent = ScenarioAction & { atMs: number, everyMs?: number, untilMs?: number }

const DAY_MS = 86_400_000
const TIME: Bounds = { least: 0, most: DAY_MS }
const SPAN: Bounds = { least: 1, most: DAY_MS }
const SHARE: Bounds = { least: 0, most: 1 }
const COUNT: Bounds = { least: 1, most: 1_000_000, whole: true }
const ACTIONS = ['crash', 'leave', 'join', 'pause', 'cut', 'partition', 'broadcast'] as const

/** Fields of each action, beside `do`, `atMs`, `everyMs` and `untilMs`. */
const FIELDS: Readonly<Record<(typeof ACTIONS)[number], readonly string[]>> = {
  crash: ['nodes', 'share'],
  leave: ['nodes', 'share'],
  join: ['count'],
  pause: ['nodes', 'share', 'forMs'],
  cut: ['share'],
  partition: ['shares', 'forMs', 'noticeMs'],
  broadcast: ['count']
}

/** Until the ends of a connection between the parts of a partition hear that it is gone, as QUIC's path timeout has it. */
const DEFAULT_NOTICE_MS = 15_000

/**
 * Reads the events of a scenario.
 *
 * @throws {RangeError} naming the field by its path, its value and what is needed
 */
export function parseEvents (value: unknown): ScenarioEvent[] {
  if (!Array.isArray(value)) {
    throw new RangeError(`events is ${JSON.stringify(value)}, a list is needed`)
  }

  return value.map((event: unknown, i) => parseEvent(event, `events[${i}].`))
}

function parseEvent (value: unknown, path: string): ScenarioEvent {
  if (!isFields(value)) {
    throw new RangeError(`${path.slice(0, -1)} is ${JSON.stringify(value)}, an object is needed`)
  }

  const action = needed(choiceOf(value, 'do', ACTIONS, path), `${path}do`)
  refuseUnknown(value, ['do', 'atMs', 'everyMs', 'untilMs', ...FIELDS[action]], `${path.slice(0, -1)} (${action})`)
  const everyMs = numberOf(value, 'everyMs', SPAN, path)
  const untilMs = numberOf(value, 'untilMs', TIME, path)

  if ((everyMs === undefined) !== (untilMs === undefined)) {
    throw new RangeError(`${path}${everyMs === undefined ? 'everyMs' : 'untilMs'} is missing: what happens again needs both`)
  }

  return {
    ...parseAction(action, value, path),
    atMs: needed(numberOf(value, 'atMs', TIME, path), `${path}atMs`),
    ...(everyMs === undefined ? {} : { everyMs, untilMs })
  }
}

function parseAction (action: (typeof ACTIONS)[number], fields: Fields, path: string): ScenarioAction {
  const forMs = (): number => needed(numberOf(fields, 'forMs', SPAN, path), `${path}forMs`)

  switch (action) {
    case 'crash':
    case 'leave':
      return { do: action, whom: parseWhom(fields, path) }
    case 'pause':
      return { do: action, whom: parseWhom(fields, path), forMs: forMs() }
    case 'join':
    case 'broadcast':
      return { do: action, count: numberOf(fields, 'count', COUNT, path) ?? 1 }
    case 'cut':
      return { do: action, share: needed(numberOf(fields, 'share', SHARE, path), `${path}share`) }
    case 'partition':
      return {
        do: action,
        shares: parseShares(fields.shares ?? [0.5, 0.5], `${path}shares`),
        forMs: forMs(),
        noticeMs: numberOf(fields, 'noticeMs', TIME, path) ?? DEFAULT_NOTICE_MS
      }
    default:
      return action satisfies never
  }
}

function parseWhom (fields: Fields, path: string): Whom {
  const { nodes } = fields
  const share = numberOf(fields, 'share', SHARE, path)

  if ((nodes === undefined) === (share === undefined)) {
    throw new RangeError(`${path}nodes or ${path}share is needed, not both`)
  }

  if (share !== undefined) {
    return { share }
  }

  if (!Array.isArray(nodes) || !nodes.every((node) => Number.isInteger(node) && node >= 0)) {
    throw new RangeError(`${path}nodes is ${JSON.stringify(nodes)}, a list of whole numbers from 0 is needed`)
  }

  return { nodes }
}

/**
 * Reads shares of a whole.
 *
 * @throws {RangeError} if they are not at least two numbers above 0 whose sum is 1
 */
export function parseShares (value: unknown, name: string): number[] {
  if (Array.isArray(value) && value.length >= 2 && value.every((share) => typeof share === 'number' && share > 0) &&
    Math.abs(value.reduce((a: number, b: number) => a + b, 0) - 1) < 1e-6) {
    return value
  }

  throw new RangeError(`${name} is ${JSON.stringify(value)}, at least two numbers above 0 that make 1 together are needed`)
}
