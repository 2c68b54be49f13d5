import { progress } from '../support/results.ts'
import { spread } from '../support/statistics.ts'
import { SwarmProcess } from '../support/swarm.ts'
import type { Group, Quantity, Scenario, Wanted } from './groups.ts'
import type { ContestantName } from '../support/contestants.ts'
import type { Spread } from '../support/statistics.ts'
import type { Cost, Load, LoadResult } from '../support/swarm.ts'

/** What a contestant did under a load, over all rounds. */
export interface Performance {
  /** Everything that should be delivered was. */
  lossless: boolean
  expected: number
  delivered: number
  duplicates: number
  quantities: Record<keyof typeof quantityNames, Spread>
}

/** Ours / theirs, formed within each round. */
export interface Ratio {
  ours: ContestantName
  opponent: ContestantName
  quantity: Quantity
  ratio: Spread
  wanted?: number
}

/** A scenario, played. */
export interface ScenarioResult {
  name: string
  load: Load
  rounds: number
  contestants: Partial<Record<ContestantName, Performance>>
  ratios: Ratio[]
}

/** A group, played. */
export interface GroupResult {
  name: string
  title: string
  nodes: number
  processes: number
  /** To start, connect and subscribe the whole swarm. */
  start: Partial<Record<ContestantName, Cost>>
  scenarios: ScenarioResult[]
  /** For lack of time. */
  notPlayed: string[]
}

/** What is reported of a load, and in what unit. */
export const quantityNames = {
  cpuMicros: 'microseconds of CPU for each delivery',
  bytes: 'bytes at the interface for each delivery',
  packets: 'packets at the interface for each delivery',
  p50: 'milliseconds to delivery, median',
  p99: 'milliseconds to delivery, 99th percentile',
  p100: 'milliseconds to delivery, the last one',
  perSecond: 'deliveries a second'
}

const DIALS = 5
const SEED = 7
const compared: Quantity[] = ['cpuMicros', 'bytes', 'p99', 'perSecond']

/** Whom a scenario measures, ours first. */
function contestants ({ against }: Scenario): ContestantName[] {
  return [...new Set([...Object.keys(against), ...Object.values(against).flatMap(Object.keys)])] as ContestantName[]
}

function pairs ({ against }: Scenario): Array<[ContestantName, ContestantName, Wanted]> {
  return Object.entries(against).flatMap(([ours, opponents]) => Object.entries(opponents).map(([opponent, wanted]) => [ours, opponent, wanted] as [ContestantName, ContestantName, Wanted]))
}

/** One round: everyone in turns, the order reversed from round to round. */
async function playRound (swarms: Map<ContestantName, SwarmProcess>, scenario: Scenario, round: number): Promise<Map<ContestantName, LoadResult>> {
  const order = contestants(scenario)
  const results = new Map<ContestantName, LoadResult>()

  for (const name of round % 2 === 0 ? order : order.reverse()) {
    const result = await swarms.get(name)?.load(scenario.load)

    if (result != null) {
      results.set(name, result)
      progress(`  ${name.padEnd(20)} ${result.delivered}/${result.expected} delivered, ${result.cpuMicros.toFixed(0)} µs, ${result.bytes.toFixed(0)} B, p50 ${result.p50.toFixed(1)}, p99 ${result.p99.toFixed(1)}, p100 ${result.p100.toFixed(1)} ms`)
    }
  }

  return results
}

function performance (results: LoadResult[]): Performance {
  const sum = (key: 'delivered' | 'expected' | 'duplicates'): number => results.reduce((sum, result) => sum + result[key], 0)
  const keys = Object.keys(quantityNames) as Array<keyof typeof quantityNames>

  return {
    lossless: sum('delivered') === sum('expected'),
    expected: sum('expected'),
    delivered: sum('delivered'),
    duplicates: sum('duplicates'),
    quantities: Object.fromEntries(keys.map((key) => [key, spread(results.map((result) => result[key]))])) as Performance['quantities']
  }
}

function summarize (scenario: Scenario, played: Array<Map<ContestantName, LoadResult>>): ScenarioResult {
  const of = (name: ContestantName): LoadResult[] => played.flatMap((round) => round.get(name) ?? [])

  return {
    name: scenario.name,
    load: scenario.load,
    rounds: played.length,
    contestants: Object.fromEntries(contestants(scenario).map((name) => [name, performance(of(name))])),
    ratios: pairs(scenario).flatMap(([ours, opponent, wanted]) => compared.flatMap((quantity) => {
      const theirs = of(opponent)
      const ratio = spread(of(ours).map((result, i) => result[quantity] / theirs[i][quantity]))

      // there is no interface in memory
      return Number.isFinite(ratio.median) ? [{ ours, opponent, quantity, ratio, ...(wanted[quantity] == null ? {} : { wanted: wanted[quantity] }) }] : []
    }))
  }
}

/** How long a group prepares. */
export interface Preparation {
  settleMs: number
  warmUpMessages: number
  /** Start all swarms at once: sooner, but `start` tells less. */
  together: boolean
  /** Whether there is no time left for a further scenario. */
  isOver (): boolean
}

async function startSwarms ({ name, nodes, processes, transport, scenarios }: Group, together: boolean): Promise<Map<ContestantName, { swarm: SwarmProcess, join: Cost }>> {
  const all = [...new Set(scenarios.flatMap(contestants))]
  const start = async (contestant: ContestantName): Promise<[ContestantName, { swarm: SwarmProcess, join: Cost }]> => {
    const started = await SwarmProcess.start({ contestant, nodes, processes, transport, dials: DIALS, seed: SEED })
    progress(`${name}: ${contestant}, ${nodes} nodes started, ${(started.join.cpuMicros / 1_000).toFixed(0)} ms of CPU`)

    return [contestant, started]
  }

  if (together) {
    return new Map(await Promise.all(all.map(start)))
  }

  const started = new Map<ContestantName, { swarm: SwarmProcess, join: Cost }>()

  for (const contestant of all) {
    started.set(...await start(contestant))
  }

  return started
}

/** Starts a swarm for each contestant of a group, plays its scenarios as long as there is time, and ends them. */
export async function playGroup (group: Group, { settleMs, warmUpMessages, together, isOver }: Preparation): Promise<GroupResult> {
  const { nodes, processes, scenarios } = group
  const started = await startSwarms(group, together)
  const swarms = new Map([...started].map(([contestant, { swarm }]) => [contestant, swarm]))
  const everyone = async (task: (swarm: SwarmProcess) => Promise<unknown>): Promise<void> => { await Promise.all([...swarms.values()].map(task)) }
  const results: ScenarioResult[] = []
  const notPlayed: string[] = []
  const [{ load: { bytes } }] = scenarios

  await everyone(async (swarm) => swarm.settle(settleMs))
  await everyone(async (swarm) => swarm.load({ messages: warmUpMessages, bytes, intervalMs: 2 * nodes, publishers: nodes }))
  await everyone(async (swarm) => swarm.settle(settleMs))

  for (const scenario of scenarios) {
    if (isOver()) {
      notPlayed.push(scenario.name)
      continue
    }

    const rounds = scenario.rounds ?? group.rounds
    const played: Array<Map<ContestantName, LoadResult>> = []

    for (let round = 0; round < rounds; round++) {
      progress(`${group.name}: ${scenario.name}, round ${round + 1} of ${rounds}`)
      played.push(await playRound(swarms, scenario, round))
    }

    results.push(summarize(scenario, played))
  }

  await everyone(async (swarm) => swarm.stop())
  const start = Object.fromEntries([...started].map(([contestant, { join }]) => [contestant, join]))

  return { name: group.name, title: group.title, nodes, processes, start, scenarios: results, notPlayed }
}
