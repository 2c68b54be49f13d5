/**
 * What does a delivery cost in a swarm of processes: all of this package, all of
 * the Rust crate, half and half on native iroh, and all of this package on TCP?
 *
 * `node benchmarks/vs-rust/main.ts [--members 20] [--messages 500] [--rounds 3] [--out folder]`
 *
 * Each swarm has a network namespace of its own; they carry the same load in
 * turns. CPU is that of all its processes, from `/proc/<pid>/stat`, bytes are
 * those of the loopback interface, both from the first message to half a second
 * after the last delivery. The command fails if a message was lost or doubled in
 * the swarm of this package. Linux only; needs cargo.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildRust } from '../../interop/support/cargo.ts'
import { canIsolate, isolated } from '../support/isolated.ts'
import { barPlot } from '../support/plot.ts'
import { answer, ask } from '../support/requests.ts'
import { limitTarget, progress, writeResults } from '../support/results.ts'
import { spread } from '../support/statistics.ts'
import { ProcessSwarm } from './swarm.ts'
import type { Kind, ProcessLoad, ProcessResult } from './swarm.ts'
import type { Spread } from '../support/statistics.ts'
import type { ChildProcess } from 'node:child_process'

type Figures = Record<keyof ProcessResult, Spread>

/** What the swarms did under a load. */
interface LoadFigures {
  load: string
  swarms: Record<Kind, Figures>
  /** Ours / Rust's: both on native iroh, and ours on TCP. */
  cpuRatio: Spread
  tcpCpuRatio: Spread
}

const WANTED = 2.5
const kinds: Kind[] = ['js', 'rust', 'mixed', 'js-tcp']

const { values: options } = parseArgs({
  options: {
    members: { type: 'string', default: '20' },
    messages: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '3' },
    out: { type: 'string', default: join(import.meta.dirname, 'results') },
    role: { type: 'string' }
  }
})
const messages = Number(options.messages)
/** Code that runs for the first time is slow, and each member has to compile its own. */
const flood: ProcessLoad = { messages: messages * 4, bytes: 256, intervalMs: 0, burst: 32 }
const loads: Record<string, ProcessLoad> = {
  '256 B, 100/s': { messages, bytes: 256, intervalMs: 10 },
  '256 B, as fast as taken': { ...flood, messages: messages * 20 },
  '4000 B, 50/s': { messages: messages / 2, bytes: 4_000, intervalMs: 20 }
}

async function compare (): Promise<boolean> {
  await buildRust('rust-peer')
  const swarms = new Map<Kind, ChildProcess>()
  const results: LoadFigures[] = []
  let complete = true

  for (const kind of kinds) {
    const child = isolated(import.meta.filename, ['--role=swarm'])
    swarms.set(kind, child)
    await ask(child, 'start', { kind, members: Number(options.members) })
    await ask(child, 'load', { messages: 50, bytes: 256, intervalMs: 20 })
    await ask(child, 'load', flood)
    progress(`vs-rust: ${kind} swarm of ${options.members} is up`)
  }

  for (const [name, load] of Object.entries(loads)) {
    const played: Array<Record<Kind, ProcessResult>> = []

    for (let round = 0; round < Number(options.rounds); round++) {
      const result: Partial<Record<Kind, ProcessResult>> = {}

      for (const [kind, child] of round % 2 === 0 ? swarms : [...swarms].reverse()) {
        result[kind] = await ask<ProcessResult>(child, 'load', load)
      }

      played.push(result as Record<Kind, ProcessResult>)
      progress(`vs-rust: ${name}, round ${round + 1} of ${options.rounds}`)
    }

    complete = complete && played.every((round) => [round.js, round['js-tcp']].every(({ delivered, expected, duplicates }) => delivered === expected && duplicates === 0))
    const of = (kind: Kind, key: keyof ProcessResult): number[] => played.map((round) => round[kind][key])
    const besideRust = (kind: Kind): Spread => spread(played.map((round) => round[kind].cpuMicros / round.rust.cpuMicros))
    const swarm = (kind: Kind): Figures => Object.fromEntries(Object.keys(played[0][kind]).map((key) => [key, spread(of(kind, key as keyof ProcessResult))])) as Figures
    results.push({ load: name, swarms: Object.fromEntries(kinds.map((kind) => [kind, swarm(kind)])) as Record<Kind, Figures>, cpuRatio: besideRust('js'), tcpCpuRatio: besideRust('js-tcp') })
  }

  for (const child of swarms.values()) {
    await ask(child, 'stop')
    child.disconnect()
  }

  for (const [key, unit] of [['cpuMicros', 'microseconds of CPU for each delivery'], ['bytes', 'bytes at the interface for each delivery']] as const) {
    await barPlot(options.out, {
      name: key,
      title: `${options.members} processes`,
      unit,
      points: results.flatMap(({ load, swarms }) => kinds.map((kind) => ({ series: kind, x: load, value: swarms[kind][key] })))
    })
  }

  writeResults(options.out, [
    { what: 'everything delivered in our swarms, nothing twice', wanted: 'all, once', figure: complete ? 'all, once' : 'not all, or twice', met: complete },
    ...results.flatMap(({ load, cpuRatio, tcpCpuRatio }) => [
      limitTarget(`${load}: CPU of our swarm on native iroh beside Rust's`, WANTED, cpuRatio, ' times'),
      limitTarget(`${load}: CPU of our swarm on TCP beside Rust's on native iroh`, WANTED, tcpCpuRatio, ' times')
    ])
  ], { bytesIsolated: canIsolate, members: Number(options.members), rounds: Number(options.rounds), loads: results })

  return complete
}

if (options.role === 'swarm') {
  const swarm = new ProcessSwarm()
  answer({
    start: async ({ kind, members }: { kind: Kind, members: number }) => swarm.start(kind, members),
    load: async (load: ProcessLoad) => swarm.load(load),
    stop: async () => swarm.stop()
  })
} else {
  process.exitCode = await compare() ? 0 : 1
}
