/**
 * What does a delivery cost in a swarm of processes on native iroh: all of this
 * package, all of the Rust crate, half and half?
 *
 * `node benchmarks/vs-rust/main.ts [--members 20] [--messages 500] [--rounds 3] [--out folder]`
 *
 * Each swarm has a network namespace of its own; they carry the same load in
 * turns. CPU is that of all its processes, from `/proc/<pid>/stat`, bytes are
 * those of the loopback interface, both from the first message to half a second
 * after the last delivery. The command fails if a message was lost or doubled in
 * the swarm of this package. Linux only; needs cargo.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildRust } from '../../interop/support/cargo.ts'
import { canIsolate, isolated } from '../support/isolated.ts'
import { barPlot } from '../support/plot.ts'
import { answer, ask } from '../support/requests.ts'
import { environment, spread } from '../support/statistics.ts'
import { ProcessSwarm } from './swarm.ts'
import type { Kind, ProcessLoad, ProcessResult } from './swarm.ts'
import type { ChildProcess } from 'node:child_process'

const WANTED = 2.5
const kinds: Kind[] = ['js', 'rust', 'mixed']

const { values: options } = parseArgs({
  options: {
    members: { type: 'string', default: '20' },
    messages: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '3' },
    out: { type: 'string', default: import.meta.dirname },
    role: { type: 'string' }
  }
})
const messages = Number(options.messages)
const loads: Record<string, ProcessLoad> = {
  '256 B, 100/s': { messages, bytes: 256, intervalMs: 10 },
  '256 B, as fast as taken': { messages: messages * 2, bytes: 256, intervalMs: 0 },
  '4000 B, 50/s': { messages: messages / 2, bytes: 4_000, intervalMs: 20 }
}

async function compare (): Promise<boolean> {
  await buildRust('rust-peer')
  const swarms = new Map<Kind, ChildProcess>()
  const results: Record<string, Record<string, unknown>> = {}
  let complete = true

  for (const kind of kinds) {
    const child = isolated(import.meta.filename, ['--role=swarm'])
    swarms.set(kind, child)
    await ask(child, 'start', { kind, members: Number(options.members) })
    await ask(child, 'load', { messages: 50, bytes: 256, intervalMs: 20 })
    process.stderr.write(`vs-rust: ${kind} swarm of ${options.members} is up\n`)
  }

  for (const [name, load] of Object.entries(loads)) {
    const played: Array<Record<Kind, ProcessResult>> = []

    for (let round = 0; round < Number(options.rounds); round++) {
      const result: Partial<Record<Kind, ProcessResult>> = {}

      for (const [kind, child] of round % 2 === 0 ? swarms : [...swarms].reverse()) {
        result[kind] = await ask<ProcessResult>(child, 'load', load)
      }

      played.push(result as Record<Kind, ProcessResult>)
      process.stderr.write(`vs-rust: ${name}, round ${round + 1} of ${options.rounds}\n`)
    }

    complete = complete && played.every(({ js }) => js.delivered === js.expected && js.duplicates === 0)
    const of = (kind: Kind, key: keyof ProcessResult): number[] => played.map((round) => round[kind][key])
    const ratio = spread(played.map(({ js, rust }) => js.cpuMicros / rust.cpuMicros))
    results[name] = {
      ...Object.fromEntries(kinds.map((kind) => [kind, Object.fromEntries(Object.keys(played[0][kind]).map((key) => [key, spread(of(kind, key as keyof ProcessResult))]))])),
      cpuRatio: { ...ratio, wanted: WANTED, met: ratio.median <= WANTED }
    }
    const figures = kinds.map((kind) => `${kind} ${spread(of(kind, 'cpuMicros')).median.toFixed(0)} µs ${spread(of(kind, 'bytes')).median.toFixed(0)} B ${spread(of(kind, 'delivered')).least} of ${played[0][kind].expected} at least`)
    process.stdout.write(`${name}: ${figures.join(', ')}; CPU ${ratio.median.toFixed(1)} times Rust's (${ratio.least.toFixed(1)} to ${ratio.most.toFixed(1)}), wanted ${WANTED} ${ratio.median <= WANTED ? 'met' : 'MISSED'}\n`)
  }

  for (const child of swarms.values()) {
    await ask(child, 'stop')
    child.disconnect()
  }

  mkdirSync(options.out, { recursive: true })
  writeFileSync(join(options.out, 'results.json'), JSON.stringify({ environment: environment(), bytesIsolated: canIsolate, members: Number(options.members), rounds: Number(options.rounds), loads: results }, null, 2) + '\n')

  for (const [key, unit] of [['cpuMicros', 'microseconds of CPU for each delivery, median'], ['bytes', 'bytes at the interface for each delivery, median']]) {
    writeFileSync(join(options.out, `${key}.svg`), barPlot(`${options.members} processes on native iroh`, unit, Object.keys(results), kinds.map((kind) => ({
      name: kind,
      values: Object.values(results).map((result) => (result[kind] as Record<string, { median: number }>)[key].median)
    }))))
  }

  return complete
}

if (options.role === 'swarm') {
  const swarm = new ProcessSwarm()
  // a benchmark that was interrupted leaves nothing behind
  process.once('disconnect', () => { process.exit() })
  answer({
    start: async ({ kind, members }: { kind: Kind, members: number }) => swarm.start(kind, members),
    load: async (load: ProcessLoad) => swarm.load(load),
    stop: async () => swarm.stop()
  })
} else {
  process.exitCode = await compare() ? 0 : 1
}
