/**
 * Does the heap stay flat while messages go through, minute after minute?
 *
 * `node benchmarks/soak/main.ts [--minutes 10] [--rate 500] [--nodes 8] [--forgetful] [--out folder]`
 *
 * All nodes share a process, on TCP; one of them publishes 256 bytes at a steady
 * rate, and every delivery is checked. The heap is read after a collection. It
 * grows until ids of messages expire, after two minutes, and is judged from then
 * on; `--forgetful` shortens that to seconds, for runs of less.
 */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { linePlot } from '../support/plot.ts'
import { progress, writeResults } from '../support/results.ts'
import { digits, spread } from '../support/statistics.ts'
import { SwarmProcess } from '../support/swarm.ts'

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    rate: { type: 'string', default: '500' },
    nodes: { type: 'string', default: '8' },
    settle: { type: 'string', default: '10000' },
    forgetful: { type: 'boolean', default: false },
    out: { type: 'string', default: join(import.meta.dirname, 'results') }
  }
})
const BYTES = 256
/** Timers have milliseconds: one of two for every message would come late. */
const INTERVAL_MS = 10
/** Two minutes of ids, and what V8 takes to settle. */
const FILLING_MS = options.forgetful ? 6_000 : 150_000
/** How much the last third may be above the first, of the time after filling. */
const FLAT = 1.05

const nodes = Number(options.nodes)
const rate = Number(options.rate)
const totalMs = Number(options.minutes) * 60_000
const sampleMs = Math.max(500, totalMs / 120)
const burst = Math.max(1, Math.round(rate * INTERVAL_MS / 1_000))
const intervalMs = burst * 1_000 / rate
const samples: Array<{ second: number, bytes: number }> = []
const { swarm } = await SwarmProcess.start({ contestant: options.forgetful ? 'iroh-gossip-forgetful' : 'iroh-gossip', nodes, processes: 1, transport: 'tcp', dials: 5, seed: 7 })
await swarm.settle(Number(options.settle))

const startedAt = performance.now()
let isOver = false
const load = swarm.load({ messages: Math.round(totalMs / intervalMs) * burst, bytes: BYTES, intervalMs, burst, publishers: 1 }).finally(() => { isOver = true })

for (let i = 1; i * sampleMs <= totalMs; i++) {
  await delay(Math.max(0, startedAt + i * sampleMs - performance.now()))

  if (isOver) {
    break
  }

  samples.push({ second: (performance.now() - startedAt) / 1_000, bytes: await swarm.heap() })

  if (i % 10 === 0) {
    progress(`soak: ${Math.round(i * sampleMs / 1_000)} of ${totalMs / 1_000} s, ${(samples[samples.length - 1].bytes / 2 ** 20).toFixed(1)} MiB`)
  }
}

const result = await load
await swarm.stop()

const judged = samples.filter(({ second }) => second * 1_000 > FILLING_MS)
const third = Math.max(1, Math.floor(judged.length / 3))
const median = (some: typeof samples): number => some.length === 0 ? NaN : spread(some.map(({ bytes }) => bytes)).median
const first = median(judged.slice(0, third))
const last = median(judged.slice(-third))
const mebibytes = (bytes: number): string => `${digits(bytes / 2 ** 20)} MiB`

await linePlot(options.out, {
  name: 'heap',
  title: `${nodes} nodes in one process, ${rate} messages a second of ${BYTES} B`,
  unit: 'MiB of heap after a collection',
  xTitle: 'seconds',
  points: samples.map(({ second, bytes }) => ({ series: options.forgetful ? 'ids are kept for 4 s' : 'as it comes', x: second, value: spread([bytes / 2 ** 20]) }))
})
writeResults(options.out, [
  { what: `soak of ${options.minutes} minutes: everything delivered, nothing twice`, wanted: 'all, once', figure: `${result.delivered} of ${result.expected}, ${result.duplicates} twice`, met: result.delivered === result.expected && result.duplicates === 0 },
  { what: `soak of ${options.minutes} minutes at ${rate} messages a second: heap flat`, wanted: `last third at most ${FLAT} times the first`, figure: `${mebibytes(first)}, then ${mebibytes(last)}, after ${FILLING_MS / 1_000} s of filling`, met: last <= first * FLAT }
], { nodes, rate, samples, result })
process.exit(result.delivered === result.expected && result.duplicates === 0 ? 0 : 1)
