/**
 * How does the cost of a delivery grow with the number of nodes, of messages a
 * second, of bytes in a message, and of topics on a node? Where is the knee?
 *
 * `node benchmarks/scale/main.ts [--short] [--axis peers|rate|size|topics]… [--places 10,100] [--keep] [--out folder]`
 *
 * `--keep` leaves the figures of axes and places that are not named as an earlier run wrote them.
 * `--limit` is in seconds: an axis that would begin later is left out, and the results say so.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { linePlot } from '../support/plot.ts'
import { command, readResults, writeResults } from '../support/results.ts'
import { byPeers, byRate, bySize, byTopics } from './axes.ts'
import type { ScaleInit, Step } from './axes.ts'

interface Axis {
  name: string
  title: string
  xTitle: string
  run (init: ScaleInit): Promise<Step[]>
  places: number[]
  short: number[]
  /** A plot for each: what is drawn, in what unit, on a logarithmic axis or not. */
  plots: Array<{ name: string, unit: string, keys: string[], logY?: boolean }>
}

const PEERS_OF_NODE = 50
const perDelivery = [
  { name: 'cpu', unit: 'microseconds of CPU for each delivery', keys: ['cpuMicros'] },
  { name: 'latency', unit: 'milliseconds to delivery', keys: ['p50', 'p99', 'p100'], logY: true }
]
const axes: Axis[] = [
  {
    name: 'peers',
    title: 'Nodes in one process, TCP, 256 B',
    xTitle: 'nodes',
    run: byPeers,
    places: [5, 10, 20, 50, 100, 200],
    short: [5, 10],
    plots: [...perDelivery, { name: 'bytes', unit: 'bytes at the interface for each delivery', keys: ['bytes'] }]
  },
  {
    name: 'rate',
    title: '20 nodes in one process, TCP, 256 B',
    xTitle: 'messages a second',
    run: byRate,
    places: [5, 10, 20, 50, 100, 200, 400, 600, 800, 1_000, 1_500],
    short: [20, 200],
    plots: [...perDelivery, { name: 'bytes', unit: 'bytes at the interface for each delivery', keys: ['bytes'] }, { name: 'throughput', unit: 'deliveries a second', keys: ['perSecond'], logY: true }]
  },
  {
    name: 'size',
    title: '20 nodes in one process, TCP',
    xTitle: 'bytes of content',
    run: bySize,
    places: [64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576],
    short: [64, 65_536],
    plots: [{ ...perDelivery[0], logY: true }, perDelivery[1], { name: 'overhead', unit: 'bytes at the interface for each delivery, beyond the content', keys: ['overhead'], logY: true }]
  },
  {
    name: 'topics',
    title: `Topics on a node with ${PEERS_OF_NODE} peers`,
    xTitle: 'topics',
    run: async (init) => byTopics({ ...init, peers: PEERS_OF_NODE }),
    places: [10, 100, 1_000, 10_000],
    short: [100],
    plots: [
      { name: 'heap', unit: 'bytes of heap for each topic', keys: ['heapBytesPerTopic'] },
      { name: 'cpu', unit: 'microseconds of CPU of the node for each delivery', keys: ['cpuMicrosPerDelivery'] },
      { name: 'idle', unit: 'bytes at the interface for each topic in an idle minute', keys: ['idleBytesPerTopicAndMinute'] }
    ]
  }
]

const { values: options } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    axis: { type: 'string', multiple: true },
    places: { type: 'string' },
    keep: { type: 'boolean', default: false },
    settle: { type: 'string' },
    limit: { type: 'string', default: 'Infinity' },
    out: { type: 'string', default: join(import.meta.dirname, 'results') }
  }
})
const { short } = options
const before = options.keep ? readResults(options.out) as { command: string, axes: Record<string, Step[]> } | undefined : undefined
const results: Record<string, Step[]> = { ...before?.axes }
const notPlayed: string[] = []

/** Writes what there is so far: the last axes take long. */
function write (): void {
  const loads = Object.values(results).flat().filter(({ figures }) => 'missed' in figures)
  const sum = (key: string): number => loads.reduce((total, { figures }) => total + figures[key].most, 0)
  writeResults(options.out, loads.length === 0
    ? []
    : [{ what: 'scale: everything delivered, nothing twice', wanted: 'all, once', figure: `${sum('missed')} missed, ${sum('duplicates')} twice, in ${loads.length} loads`, met: sum('missed') + sum('duplicates') === 0 }], { command: [...before == null ? [] : [before.command], command()].join('; then '), axes: results, notPlayed })
}

for (const { name, title, xTitle, run, places, short: few, plots } of axes) {
  if (options.axis != null && !options.axis.includes(name)) {
    continue
  }

  if (performance.now() > Number(options.limit) * 1_000) {
    notPlayed.push(name)
    continue
  }

  const chosen = options.places?.split(',').map(Number) ?? (short ? few : places)
  const measured = await run({
    places: chosen,
    rounds: short ? 1 : 3,
    loadMs: short ? 1_000 : 4_000,
    settleMs: Number(options.settle ?? (short ? 4_000 : 30_000))
  })
  const steps = [...(before?.axes[name] ?? []).filter(({ at }) => !chosen.includes(at)), ...measured].sort((a, b) => a.at - b.at)
  results[name] = steps

  for (const { name: plot, unit, keys, logY = false } of plots) {
    const points = steps.flatMap(({ at, figures }) => keys.map((series) => ({ series, x: at, value: figures[series] })))
    await linePlot(options.out, { name: `${name}-${plot}`, title, unit, xTitle, logX: true, logY, points })
  }

  write()
}

write()
process.exit()
