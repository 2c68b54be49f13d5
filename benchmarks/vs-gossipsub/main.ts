/**
 * What does a delivery cost, beside gossipsub and floodsub on the same nodes,
 * the same connections and under the same load?
 *
 * `node benchmarks/vs-gossipsub/main.ts [--short] [--nodes 20] [--rounds 3] [--out folder]`
 *
 * Writes `results.json` and a plot for each quantity; the README says how it is
 * measured. The exit code is 1 if a message was lost or came twice here.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { canIsolate } from '../support/isolated.ts'
import { barPlot } from '../support/plot.ts'
import { environment, spread } from '../support/statistics.ts'
import { SwarmProcess } from '../support/swarm.ts'
import { scenarios } from './scenarios.ts'
import type { Quantity, Scenario } from './scenarios.ts'
import type { ContestantName } from '../support/contestants.ts'
import type { Spread } from '../support/statistics.ts'
import type { LoadResult } from '../support/swarm.ts'

const { values: options } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    nodes: { type: 'string', default: '20' },
    rounds: { type: 'string' },
    out: { type: 'string', default: import.meta.dirname }
  }
})
const nodes = Number(options.nodes)
const rounds = Number(options.rounds ?? (options.short ? 1 : 3))
const SETTLE_MS = options.short ? 5_000 : 10_000
const quantities: Array<keyof LoadResult & string> = ['cpuMicros', 'bytes', 'packets', 'p50', 'p99', 'p100']

interface ScenarioResult {
  name: string
  load: Scenario['load']
  contestants: Record<string, { lossless: boolean, delivered: number, expected: number, duplicates: number } & Record<string, unknown>>
  /** Ours / theirs, round by round. */
  ratios: Record<string, Record<string, Spread & { wanted?: number, met?: boolean }>>
}

function progress (text: string): void {
  process.stderr.write(`${text}\n`)
}

/** One round of a scenario: everyone in turns, ours first in even rounds and last in odd ones. */
async function playRound (swarms: Map<ContestantName, SwarmProcess>, { load, ours, opponents }: Scenario, round: number): Promise<Map<ContestantName, LoadResult>> {
  const order = round % 2 === 0 ? [ours, ...opponents] : [...opponents, ours]
  const results = new Map<ContestantName, LoadResult>()

  for (const name of order) {
    const result = await swarms.get(name)?.load(load)

    if (result != null) {
      results.set(name, result)
      progress(`  ${name.padEnd(18)} ${result.delivered}/${result.expected} delivered, ${result.cpuMicros.toFixed(0)} µs, ${result.bytes.toFixed(0)} B, p50 ${result.p50.toFixed(1)}, p99 ${result.p99.toFixed(1)}, p100 ${result.p100.toFixed(1)} ms`)
    }
  }

  return results
}

function summarize (scenario: Scenario, played: Array<Map<ContestantName, LoadResult>>): ScenarioResult {
  const { ours, opponents } = scenario
  const of = (name: ContestantName): LoadResult[] => played.flatMap((round) => round.get(name) ?? [])
  const sum = (name: ContestantName, key: 'delivered' | 'expected' | 'duplicates'): number => of(name).reduce((sum, result) => sum + result[key], 0)

  return {
    name: scenario.name,
    load: scenario.load,
    contestants: Object.fromEntries([ours, ...opponents].map((name) => [name, {
      lossless: sum(name, 'delivered') === sum(name, 'expected'),
      delivered: sum(name, 'delivered'),
      expected: sum(name, 'expected'),
      duplicates: sum(name, 'duplicates'),
      ...Object.fromEntries(quantities.map((quantity) => [quantity, spread(of(name).map((result) => result[quantity]))]))
    }])),
    ratios: Object.fromEntries(opponents.map((opponent) => [opponent, Object.fromEntries((['cpuMicros', 'bytes', 'p99'] as Quantity[]).map((quantity) => {
      const ratio = spread(played.map((round) => (round.get(ours)?.[quantity] ?? NaN) / (round.get(opponent)?.[quantity] ?? NaN)))
      const wanted = scenario.wanted[opponent]?.[quantity]

      return [quantity, { ...ratio, ...(wanted == null ? {} : { wanted, met: ratio.median <= wanted }) }]
    }))]))
  }
}

const chosen = options.short ? scenarios.slice(0, 2).map((scenario) => ({ ...scenario, load: { ...scenario.load, messages: scenario.load.messages / 2 } })) : scenarios
const names = [...new Set(chosen.flatMap(({ ours, opponents }) => [ours, ...opponents]))]
const swarms = new Map<ContestantName, SwarmProcess>()
const joined: Record<string, unknown> = {}

for (const name of names) {
  const { swarm, join } = await SwarmProcess.start({ contestant: name, nodes, transport: 'tcp', dials: 5, seed: 7 })
  swarms.set(name, swarm)
  joined[name] = join
  progress(`${name}: ${nodes} nodes joined, ${join.cpuMs.toFixed(0)} ms of CPU, ${join.bytes} bytes`)
}

await Promise.all([...swarms.values()].map(async (swarm) => swarm.settle(3_000)))
progress('warming up')

for (const swarm of swarms.values()) {
  await swarm.load({ messages: options.short ? 50 : 200, bytes: 256, intervalMs: 20, publishers: nodes })
}

await Promise.all([...swarms.values()].map(async (swarm) => swarm.settle(SETTLE_MS)))

const idle: Record<string, unknown> = {}

for (const [name, swarm] of swarms) {
  idle[name] = await swarm.idle(options.short ? 2_000 : 3_000)
}

const results: ScenarioResult[] = []

for (const scenario of chosen) {
  const played: Array<Map<ContestantName, LoadResult>> = []

  for (let round = 0; round < rounds; round++) {
    progress(`${scenario.name}, round ${round + 1} of ${rounds}`)
    played.push(await playRound(swarms, scenario, round))
  }

  results.push(summarize(scenario, played))
}

await Promise.all([...swarms.values()].map(async (swarm) => swarm.stop()))

mkdirSync(options.out, { recursive: true })
writeFileSync(join(options.out, 'results.json'), JSON.stringify({ environment: environment(), bytesIsolated: canIsolate, nodes, rounds, joined, idlePerNodeAndSecond: idle, scenarios: results }, null, 2) + '\n')

for (const [quantity, unit] of [['cpuMicros', 'microseconds of CPU for each delivery, median'], ['bytes', 'bytes at the interface for each delivery, median'], ['p99', 'milliseconds to delivery, 99th percentile, median of the rounds']]) {
  const all = names.filter((name) => results.some(({ contestants }) => name in contestants))
  writeFileSync(join(options.out, `${quantity}.svg`), barPlot(`${nodes} nodes in one process, TCP + noise + yamux`, unit, results.map(({ name }) => name.replace(/^(one|all) /, '')), all.map((name) => ({
    name,
    values: results.map(({ contestants }) => (contestants[name]?.[quantity] as Spread | undefined)?.median ?? 0)
  }))))
}

for (const { name, ratios } of results) {
  for (const [opponent, byQuantity] of Object.entries(ratios)) {
    const parts = Object.entries(byQuantity).map(([quantity, { median, least, most, wanted, met }]) => `${quantity} 1/${(1 / median).toFixed(1)} (1/${(1 / most).toFixed(1)} to 1/${(1 / least).toFixed(1)})${wanted == null ? '' : ` wanted 1/${(1 / wanted).toFixed(0)} ${met === true ? 'met' : 'MISSED'}`}`)
    process.stdout.write(`${name} against ${opponent}: ${parts.join(', ')}\n`)
  }
}

const broken = results.some(({ contestants }) => Object.entries(contestants).some(([name, { lossless, duplicates }]) => name.startsWith('iroh') && (!lossless || duplicates > 0)))
process.exit(broken ? 1 : 0)
