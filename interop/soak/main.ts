/**
 * Does a swarm of 10 JavaScript and 10 Rust processes hold for minutes, with 50
 * messages a second and a join, a leave and a kill every 10 s?
 *
 * Run: `node interop/soak/main.ts [--minutes 5] [--out folder]`
 *
 * Each message is said by a random peer that is connected. Whoever was up and
 * connected from 5 s before it until 5 s after it must have heard it, once.
 * Every 5 s each process is asked for its open connections, the JavaScript ones
 * also for their streams: two plots, `connections.svg` and `streams.svg`. At the
 * end the neighbors of the Rust peers are compared with those in a swarm of as
 * many Rust peers that does the same for a minute. What is printed besides says
 * when the swarm was in several parts, and for each peer that missed something
 * how much, from when to when, and what the swarm looked like.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { scheduler } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { plotSvg } from '../../src/simulator/index.ts'
import { randomTopic } from '../support/topic.ts'
import { SoakSwarm } from './swarm.ts'
import type { Series } from '../../src/simulator/index.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    out: { type: 'string', default: 'soak' }
  }
})
const MESSAGE_INTERVAL_MS = 20
const CHURN_INTERVAL_MS = 10_000
const SAMPLE_INTERVAL_MS = 5_000
const LOOK_INTERVAL_MS = 500
/** What was said last may still be on its way. */
const SETTLE_MS = 6_000

function print (line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Repeats a task at a fixed rate, never two at a time. */
async function every (intervalMs: number, untilMs: number, task: () => Promise<void>): Promise<void> {
  for (let at = performance.now() + intervalMs; at < untilMs; at += intervalMs) {
    await scheduler.wait(Math.max(0, at - performance.now()))
    await task()
  }
}

async function run (kinds: { js: number, rust: number }, minutes: number): Promise<SoakSwarm> {
  const swarm = new SoakSwarm(randomTopic())
  await swarm.gather(kinds)
  const until = performance.now() + minutes * 60_000
  await Promise.all([
    every(MESSAGE_INTERVAL_MS, until, async () => swarm.speak()),
    every(CHURN_INTERVAL_MS, until - SETTLE_MS, async () => swarm.churn()),
    every(SAMPLE_INTERVAL_MS, until, async () => swarm.sample()),
    every(LOOK_INTERVAL_MS, until, async () => { swarm.look() })
  ])
  await scheduler.wait(SETTLE_MS)

  return swarm
}

const mixed = await run({ js: 10, rust: 10 }, Number(values.minutes))
const { messages, expected, missed, doubled } = mixed.ledger.verdict()
const inMixed = mixed.rustNeighbors()
await mkdir(values.out, { recursive: true })
await writeFile(join(values.out, 'connections.svg'), plot('Open connections of each process (Rust brown, JavaScript blue)', 'connections', mixed.connections))
await writeFile(join(values.out, 'streams.svg'), plot('Open streams of each JavaScript process', 'streams', mixed.streams))
await mixed.end()
print(`${messages} messages, ${expected} deliveries expected, ${missed.length} missed, ${doubled.length} doubled`)
print(`events that Rust applications took too slowly and lost: ${mixed.lagged} times`)
mixed.witness.history(mixed.started).forEach((line) => { print(`- ${line}`) })
mixed.witness.explain(missed, mixed.started).forEach((line) => { print(`! missed by ${line}`) })
mixed.witness.explain(doubled, mixed.started).forEach((line) => { print(`! doubled at ${line}`) })
const pure = await run({ js: 0, rust: 20 }, Math.min(1, Number(values.minutes)))
const inPure = pure.rustNeighbors()
await pure.end()
print(`neighbors of a Rust peer: ${mean(inMixed)} in the mixed swarm (${inMixed.join(' ')}), ${mean(inPure)} in a pure one (${inPure.join(' ')})`)
process.exitCode = missed.length + doubled.length === 0 ? 0 : 1

/** Many thin lines over seconds. */
function plot (title: string, yLabel: string, series: Series[]): string {
  return plotSvg({ title, xLabel: 'seconds', yLabel, series, legend: false })
}

function mean (counts: number[]): string {
  return (counts.reduce((sum, count) => sum + count, 0) / counts.length).toFixed(2)
}
