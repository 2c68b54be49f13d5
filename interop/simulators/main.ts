/**
 * The Rust crate's own simulator, ours with that crate's rules, and ours as it
 * ships, with the same scenarios in one run:
 *
 * `node interop/simulators/main.ts [scenarios.json] [--jobs N] [--json]`
 *
 * Without a file, the scenarios of the Rust crate's repository (simulations/all.toml).
 * The Rust simulator has one thread. Ours runs twice: with one, and with as many
 * as the machine has cores, or `--jobs`, each of which runs one seed at a time.
 */
import { readFile } from 'node:fs/promises'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { jobsOf } from '../../src/simulator/cli.ts'
import { mean, runExperiment } from '../../src/simulator/experiment.ts'
import { SeedWorkers } from '../../src/simulator/seed-workers.ts'
import { runRustSimulator } from './rust.ts'
import type { RustResult, SharedPlan, SharedScenario } from './rust.ts'
import type { ExperimentConfig, RuleSet, SeedResult } from '../../src/simulator/index.ts'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { jobs: { type: 'string' }, json: { type: 'boolean', default: false } } })
const jobs = jobsOf(values.jobs)
const plan: SharedPlan = JSON.parse(await readFile(positionals[0] ?? new URL('scenarios.json', import.meta.url), 'utf8'))

/** What something took: real time, and the processor time of all threads; milliseconds. */
interface Took {
  wallMs: number
  cpuMs: number
}

interface Timed extends Took {
  results: SeedResult[]
}

function experimentOf (scenario: SharedScenario, rules: RuleSet): ExperimentConfig {
  const [minMs, maxMs] = scenario.latencyMs

  return { ...scenario, rules, seeds: plan.seeds, latency: { type: 'uniform', minMs, maxMs } }
}

/** Starts a watch; what it returns reads it. */
function watch (): () => Took {
  const [start, cpu] = [performance.now(), process.cpuUsage()]

  return () => {
    const { user, system } = process.cpuUsage(cpu)

    return { wallMs: performance.now() - start, cpuMs: (user + system) / 1000 }
  }
}

function total (parts: Took[]): Took {
  return { wallMs: parts.reduce((sum, { wallMs }) => sum + wallMs, 0), cpuMs: parts.reduce((sum, { cpuMs }) => sum + cpuMs, 0) }
}

/** Our simulator with each scenario, in this thread. */
function runAlone (rules: RuleSet): Timed[] {
  return plan.scenarios.map((scenario) => {
    const took = watch()
    const results = runExperiment(experimentOf(scenario, rules))

    return { results, ...took() }
  })
}

/** All of it again, in several threads, from the start of the first to the end of the last. */
async function runTogether (rules: RuleSet, alone: Timed[]): Promise<Took> {
  const took = watch()
  const workers = new SeedWorkers({ jobs })
  const results = await Promise.all(plan.scenarios.map(async (scenario) => workers.run(experimentOf(scenario, rules))))
  await workers.stop()
  const together = took()

  if (!isDeepStrictEqual(results, alone.map(({ results }) => results))) {
    throw new Error(`${rules}: several threads gave other results than one`)
  }

  return together
}

const KEYS = ['rmrRust', 'ldh', 'lastDeliveryMs', 'missed', 'firstMessage', 'secondMessage', 'afterHeal', 'alone', 'separated'] as const

/** The true mean over the seeds of each figure that is there, and what they took. */
function figures (results: Array<RustResult | SeedResult>, { wallMs, cpuMs }: Took): Record<string, number> {
  const means = KEYS.filter((key) => results[0][key] !== undefined).map((key) => [key, mean(results.map((result) => result[key] ?? NaN))])

  return { ...Object.fromEntries(means), wallMs, cpuMs }
}

const rust = (await runRustSimulator(plan)).map((results) => ({ results, ...total(results.map(({ wallMs, cpuMs }) => ({ wallMs, cpuMs: cpuMs ?? NaN }))) }))
const upstream = runAlone('upstream')
const upstreamTogether = await runTogether('upstream', upstream)
const ours = runAlone('ours')
const oursTogether = await runTogether('ours', ours)
const totals = {
  rust: total(rust),
  upstream: { one: total(upstream), several: upstreamTogether },
  ours: { one: total(ours), several: oursTogether }
}
const rows = plan.scenarios.map((scenario, i) => ({
  scenario,
  rust: figures(rust[i].results, rust[i]),
  upstream: figures(upstream[i].results, upstream[i]),
  ours: figures(ours[i].results, ours[i])
}))

if (values.json) {
  process.stdout.write(`${JSON.stringify({ seeds: plan.seeds, jobs, totals, rows })}\n`)
} else {
  for (const { scenario: { senders, nodes, kill }, ...simulators } of rows) {
    process.stdout.write(`\n${kill === undefined ? `senders: ${senders}` : `${100 * kill} % die`}, ${nodes} nodes\n`)

    for (const [name, values] of Object.entries(simulators)) {
      process.stdout.write(`  ${name.padEnd(8)} ${Object.entries(values).map(([key, value]) => `${key} ${Number(value.toFixed(3))}`).join('  ')}\n`)
    }
  }

  const line = (name: string, { wallMs, cpuMs }: Took): string =>
    `  ${name.padEnd(34)} ${(wallMs / 1000).toFixed(1).padStart(6)} s ${(cpuMs / 1000).toFixed(1).padStart(6)} s ${(wallMs / totals.rust.wallMs).toFixed(2).padStart(6)}\n`
  process.stdout.write([
    '\nall of it:                               wall      CPU  wall / Rust\'s\n',
    line('Rust, one thread', totals.rust),
    line('ours with its rules, one thread', totals.upstream.one),
    line(`ours with its rules, ${jobs} threads`, totals.upstream.several),
    line('ours, one thread', totals.ours.one),
    line(`ours, ${jobs} threads`, totals.ours.several)
  ].join(''))
}
