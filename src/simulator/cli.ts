import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { compareResults, comparisonPlot, differingSettings } from './compare.ts'
import { runExperiment } from './experiment.ts'
import { isFields, numberOf } from './fields.ts'
import { papers } from './papers-cli.ts'
import { progressBar } from './progress.ts'
import { shown, summarize, table } from './report.ts'
import { parseScenario } from './scenario.ts'
import { SeedWorkers } from './seed-workers.ts'
import { Traffic } from './traffic.ts'
import type { ExperimentConfig, SeedResult } from './experiment.ts'
import type { Fields } from './fields.ts'

const USAGE = `npm run sim -- [options]
npm run sim -- compare before.json after.json [--plot file.svg]   two runs with --json, figure by figure
npm run sim -- papers [options]                 the figures of the two papers; papers --help

  --nodes 1000            nodes, all joining through the first one at once
  --senders one|new|all   who broadcasts: the same node, another one each round, all at once
  --rounds 30             rounds for each seed
  --seeds 4               how many seeds: those of the Rust crate's scenario file, then further ones
  --kill 0.8              this share dies at once after the warm-up; three broadcasts in place of the rounds
  --latency 10-50         one-way milliseconds, drawn for each pair; one number: fixed;
                          regions: five regions, 5-15 inside, 80-250 between
  --rules ours|upstream|mixed   this package's, those of Rust iroh-gossip 0.101, or every second node's
  --warmup 10             virtual seconds before the first broadcast (the Rust simulator: 1)
  --mode fast|byte        hand messages over as objects, or as bytes through the codec
  --release closes|silent|crate   what letting go of a peer does: as in the Rust simulator, nothing,
                          or nothing and connections as in the real crate
  --content 32            bytes of each message
  --scenario file.json    all of it, and more, from a file: see docs/simulation.md and scenarios/;
                          the options above that are given as well come before what the file says
  --jobs 2                seeds that are run at once, each in a thread of its own (default: as many as there are cores)
  --check                 check after each event what must hold of a node, and end with an error where it does not
  --json                  end with one line of JSON; without it, a table
`

/** What the arguments of `npm run sim` ask for. */
export interface SimCommand {
  config: ExperimentConfig
  traffic?: Traffic
  /** Seeds that are run at once. */
  jobs: number
  rules: 'ours' | 'upstream' | 'mixed'
  json: boolean
  help: boolean
}

/** Options that are a field of a scenario: its name there, and what makes a number of it. */
const FIELD_OF = {
  nodes: ['nodes', Number],
  senders: ['senders', String],
  rounds: ['rounds', Number],
  seeds: ['seeds', Number],
  kill: ['kill', Number],
  latency: ['latency', String],
  rules: ['rules', String],
  warmup: ['warmupMs', (text: string) => 1000 * Number(text)],
  mode: ['mode', String],
  release: ['release', String],
  content: ['contentBytes', Number]
} as const

/**
 * Reads the arguments of `npm run sim`.
 *
 * @throws {RangeError} when a value is out of range
 * @throws {TypeError} when an option is unknown
 */
export function parseSimArguments (args: string[]): SimCommand {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  const { values: { json, help, check, scenario, jobs, ...given } } = parseArgs({
    args,
    options: {
      nodes: text,
      senders: text,
      rounds: text,
      seeds: text,
      kill: text,
      latency: text,
      rules: text,
      warmup: text,
      mode: text,
      release: text,
      content: text,
      scenario: text,
      jobs: text,
      check: flag,
      json: flag,
      help: flag
    }
  })
  const file = scenario === undefined ? {} : readJson(scenario)
  const fields: Fields = isFields(file) ? { ...file } : {}

  for (const [option, [field, read]] of Object.entries(FIELD_OF)) {
    const value = given[option as keyof typeof FIELD_OF]

    if (value !== undefined) {
      const parsed = read(value)
      // what is no number is shown as it was written
      fields[field] = Number.isNaN(parsed) ? value : parsed
    }
  }

  const { config, rules, mode } = parseScenario(isFields(file) ? fields : file)
  const needsSizes = config.bandwidth !== undefined || config.linkBandwidth !== undefined
  const traffic = mode === 'byte' || needsSizes ? new Traffic({ encode: mode === 'byte' }) : undefined

  return { rules, traffic, jobs: jobsOf(jobs), json, help, config: { ...config, traffic, check } }
}

/**
 * How many seeds are to be run at once.
 *
 * @throws {RangeError} when it is no whole number from 1
 */
export function jobsOf (text: string | undefined): number {
  const jobs = text === undefined ? undefined : Number(text)

  // what is no number is shown as it was written
  return numberOf({ jobs: Number.isNaN(jobs) ? text : jobs }, 'jobs', { least: 1, most: 1_024, whole: true }) ?? availableParallelism()
}

/**
 * Reads a file of JSON.
 *
 * @throws {RangeError} when there is none
 */
function readJson (path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (err) {
    throw new RangeError(`${path}: ${err instanceof Error ? err.message : String(err)}`)
  }
}

/** The table of two runs, and a warning where they were not asked the same. */
function comparison (before: unknown, after: unknown): string {
  const rows = compareResults(before, after).map(({ figure, ...values }) =>
    [figure, shown(values.before), shown(values.after), `${values.change > 0 ? '+' : ''}${(100 * values.change).toFixed(1)} %`])
  const table = [['', 'before', 'after', 'change'], ...rows].map((row) => row.map((cell, i) => i === 0 ? cell.padEnd(18) : cell.padStart(12)).join(''))

  return [...differingSettings(before, after).map((setting) => `differs: ${setting}`), ...table, ''].join('\n')
}

/** In this thread if there is nothing to be run beside it. */
async function run ({ config, jobs }: SimCommand): Promise<SeedResult[]> {
  const bar = progressBar(process.stderr)

  if (jobs === 1 || config.seeds.length === 1) {
    return runExperiment(config, bar)
  }

  const workers = new SeedWorkers({ jobs: Math.min(jobs, config.seeds.length) })

  try {
    return await workers.run(config, bar)
  } finally {
    await workers.stop()
  }
}

/** Runs what the arguments ask for and writes to the standard output; the progress bar goes to the error output. */
export async function main (args: string[]): Promise<void> {
  if (args[0] === 'papers') {
    papers(args.slice(1))

    return
  }

  if (args[0] === 'compare') {
    const { positionals, values: { plot } } = parseArgs({ args: args.slice(1), allowPositionals: true, options: { plot: { type: 'string' } } })

    if (positionals.length !== 2) {
      throw new RangeError('compare needs two files')
    }

    const [before, after] = positionals.map(readJson)
    process.stdout.write(comparison(before, after))

    if (plot !== undefined) {
      writeFileSync(plot, comparisonPlot(before, after))
    }

    return
  }

  const command = parseSimArguments(args)

  if (command.help) {
    process.stdout.write(USAGE)

    return
  }

  const results = await run(command)
  const summary = summarize(results)

  if (!command.json) {
    process.stdout.write(`${table(results, summary)}\n`)

    if (command.traffic !== undefined) {
      for (const [type, { messages, bytes }] of Object.entries(command.traffic.report())) {
        process.stdout.write(`${type.padStart(12)}  ${messages} messages, ${bytes} bytes\n`)
      }
    }

    return
  }

  const { nodes, senders, rounds, warmupMs, kill } = command.config
  const bytes = command.traffic === undefined ? {} : { traffic: command.traffic.report() }
  process.stdout.write(`${JSON.stringify({ nodes, senders, rounds, seeds: results.length, rules: command.rules, warmupMs, kill, ...summary, ...bytes, perSeed: results })}\n`)
}
