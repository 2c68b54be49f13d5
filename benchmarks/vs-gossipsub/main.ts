/**
 * What does a delivery cost, beside gossipsub and floodsub on the same nodes,
 * the same connections and under the same load? And what does silence cost?
 *
 * `node benchmarks/vs-gossipsub/main.ts [--short] [--group name]… [--keep] [--nodes n] [--rounds n] [--out folder]`
 *
 * `--keep` leaves the figures of the groups that are not named as an earlier run wrote them.
 * `--limit` is in seconds: what would begin later is left out, and the results say so.
 * `--settle` and `--idle` are milliseconds: for meshes and trees to take shape at most, and of each idle watch.
 *
 * Writes `results.json` and plots; the README says how it is measured. The exit
 * code is 1 if a message was lost or came twice here, or a group failed.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { canIsolate } from '../support/isolated.ts'
import { barPlot } from '../support/plot.ts'
import { command, readResults, shareTarget, writeResults } from '../support/results.ts'
import { spread } from '../support/statistics.ts'
import { playGroup, quantityNames } from './compare.ts'
import { groups, shortened } from './groups.ts'
import { measureIdle } from './idle.ts'
import type { GroupResult } from './compare.ts'
import type { IdleResult } from './idle.ts'
import type { Target } from '../support/results.ts'

const { values: options } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    group: { type: 'string', multiple: true },
    keep: { type: 'boolean', default: false },
    nodes: { type: 'string' },
    rounds: { type: 'string' },
    settle: { type: 'string' },
    limit: { type: 'string', default: 'Infinity' },
    idle: { type: 'string' },
    out: { type: 'string', default: join(import.meta.dirname, 'results') }
  }
})
const { short } = options
const settleMs = Number(options.settle ?? (short ? 6_000 : 30_000))
const wants = (name: string): boolean => options.group == null || options.group.includes(name)
const chosen = groups.filter(({ name }) => wants(name)).flatMap((group) => (short ? shortened(group) : group) ?? []).map((group) => ({
  ...group,
  nodes: Number(options.nodes ?? group.nodes),
  rounds: Number(options.rounds ?? group.rounds),
  scenarios: options.rounds == null ? group.scenarios : group.scenarios.map((scenario) => ({ ...scenario, rounds: Number(options.rounds) }))
}))
const isOver = (): boolean => performance.now() > Number(options.limit) * 1_000

const titles = { cpuMicros: 'CPU', bytes: 'bytes', p99: 'p99', perSecond: 'deliveries a second' }

/** What the ratios of a group were wanted to be, and whether our swarms lost or repeated anything. */
function targets ({ name, scenarios }: GroupResult): Target[] {
  const ours = scenarios.flatMap(({ contestants }) => Object.entries(contestants).filter(([contestant]) => contestant.startsWith('iroh')).map(([, performance]) => performance))
  const sum = (key: 'expected' | 'delivered' | 'duplicates'): number => ours.reduce((total, performance) => total + performance[key], 0)

  return [
    {
      what: `${name}: everything delivered, nothing twice`,
      wanted: 'all, once',
      figure: `${sum('delivered')} of ${sum('expected')}, ${sum('duplicates')} twice`,
      met: sum('delivered') === sum('expected') && sum('duplicates') === 0
    },
    ...scenarios.flatMap((scenario) => scenario.ratios.flatMap(({ ours, opponent, quantity, ratio, wanted }) => wanted == null
      ? []
      : [shareTarget(`${scenario.name}: ${titles[quantity]} of ${ours} beside ${opponent}`, wanted, ratio)]))
  ]
}

async function plotGroup (folder: string, { name, title, scenarios }: GroupResult): Promise<void> {
  for (const quantity of ['cpuMicros', 'bytes', 'p50', 'p99', 'p100', 'perSecond'] as Array<keyof typeof quantityNames>) {
    const points = scenarios.flatMap((scenario) => (Object.entries(scenario.contestants)).map(([series, { quantities }]) => ({ series, x: scenario.name, value: quantities[quantity] })))
    const isTold = quantity === 'perSecond' ? name === 'main' : points.some(({ value }) => value.most > 0)
    isTold && await barPlot(folder, { name: `${name}-${quantity}`, title, unit: quantityNames[quantity], points })
  }
}

async function plotIdle (folder: string, idle: Partial<Record<string, IdleResult>>): Promise<void> {
  const figures = [['heapPerTopic', 'bytes of heap for each idle topic of a node'], ['heapPerNode', 'bytes of heap of a node in one topic, beyond libp2p']] as const

  for (const [key, unit] of figures) {
    const points = Object.entries(idle).flatMap(([series, result]) => result == null ? [] : [{ series, x: '', value: spread([result[key]]) }])
    await barPlot(folder, { name: `idle-${key}`, title: 'A swarm that has nothing to say', unit, points })
  }
}

/** What an earlier run wrote. */
interface Kept {
  command: string
  groups: GroupResult[]
  idle: Partial<Record<string, IdleResult>>
}

const results: GroupResult[] = []
const notPlayed: string[] = []
let hasFailed = false

/** The figures of the other groups are as good as before. */
function onFailure (name: string, err: unknown): void {
  hasFailed = true
  notPlayed.push(`${name} (${err instanceof Error ? err.message.split('\n')[0] : 'failed'})`)
}

for (const group of chosen) {
  if (isOver()) {
    notPlayed.push(group.name)
    continue
  }

  try {
    const result = await playGroup(group, { settleMs, warmUpMessages: short ? 100 : 200, together: short, isOver })
    results.push(result)
    notPlayed.push(...result.notPlayed)
    await plotGroup(options.out, result)
  } catch (err) {
    onFailure(group.name, err)
  }
}

let idle: Partial<Record<string, IdleResult>> = {}

if (wants('idle') && !isOver()) {
  try {
    idle = await measureIdle({ nodes: Number(options.nodes ?? (short ? 10 : 20)), topics: short ? 30 : 100, idleMs: Number(options.idle ?? (short ? 2_000 : 8_000)), settleMs, together: short })
    await plotIdle(options.out, idle)
  } catch (err) {
    onFailure('idle', err)
  }
}

const before = options.keep ? readResults(options.out) as Kept | undefined : undefined
const kept = (before?.groups ?? []).filter(({ name }) => !results.some((result) => result.name === name))
const order = groups.map(({ name }) => name)
const everything = [...kept, ...results].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name))
const all = everything.flatMap(targets)
writeResults(options.out, all, {
  command: [...kept.length > 0 && before != null ? [before.command] : [], command()].join('; then '),
  bytesIsolated: canIsolate,
  groups: everything,
  idle: Object.keys(idle).length > 0 ? idle : before?.idle ?? {},
  notPlayed
})
process.exit(hasFailed || all.some(({ wanted, met }) => wanted === 'all, once' && !met) ? 1 : 0)
