/**
 * The Rust crate's own simulator, ours with that crate's rules, and ours as it
 * ships, with the same scenarios in one run:
 *
 * `node interop/simulators/main.ts [scenarios.json] [--json]`
 *
 * Without a file, the scenarios of the Rust crate's repository (simulations/all.toml).
 */
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { mean, runExperiment } from '../../src/simulator/experiment.ts'
import { runRustSimulator } from './rust.ts'
import type { RustResult, SharedPlan, SharedScenario } from './rust.ts'
import type { RuleSet, SeedResult } from '../../src/simulator/index.ts'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean', default: false } } })
const plan: SharedPlan = JSON.parse(await readFile(positionals[0] ?? new URL('scenarios.json', import.meta.url), 'utf8'))

/** Our simulator with the scenario, and how long it took. */
function run (scenario: SharedScenario, rules: RuleSet): { results: SeedResult[], wallMs: number } {
  const [minMs, maxMs] = scenario.latencyMs
  const start = performance.now()
  const results = runExperiment({ ...scenario, rules, seeds: plan.seeds, latency: { type: 'uniform', minMs, maxMs } })

  return { results, wallMs: performance.now() - start }
}

const KEYS = ['rmrRust', 'ldh', 'lastDeliveryMs', 'missed', 'firstMessage', 'secondMessage', 'afterHeal', 'alone', 'separated'] as const

/** The true mean over the seeds of each figure that is there. */
function means (results: Array<RustResult | SeedResult>): Record<string, number> {
  return Object.fromEntries(KEYS.filter((key) => results[0][key] !== undefined).map((key) => [key, mean(results.map((result) => result[key] ?? NaN))]))
}

const rust = await runRustSimulator(plan)
const rows = plan.scenarios.map((scenario, i) => {
  const upstream = run(scenario, 'upstream')
  const ours = run(scenario, 'ours')

  return {
    scenario,
    rust: { ...means(rust[i]), wallMs: rust[i].reduce((sum, { wallMs }) => sum + wallMs, 0) },
    upstream: { ...means(upstream.results), wallMs: upstream.wallMs },
    ours: { ...means(ours.results), wallMs: ours.wallMs }
  }
})

if (values.json) {
  process.stdout.write(`${JSON.stringify({ seeds: plan.seeds, rows })}\n`)
} else {
  for (const { scenario: { senders, nodes, kill }, ...simulators } of rows) {
    process.stdout.write(`\n${kill === undefined ? `senders: ${senders}` : `${100 * kill} % die`}, ${nodes} nodes\n`)

    for (const [name, figures] of Object.entries(simulators)) {
      process.stdout.write(`  ${name.padEnd(8)} ${Object.entries(figures).map(([key, value]) => `${key} ${Number(value.toFixed(3))}`).join('  ')}\n`)
    }
  }

  const total = (name: 'rust' | 'upstream' | 'ours'): string => (rows.reduce((sum, row) => sum + row[name].wallMs, 0) / 1000).toFixed(1)
  process.stdout.write(`\nwall time of all: Rust ${total('rust')} s, ours with its rules ${total('upstream')} s, ours ${total('ours')} s\n`)
}
