import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { compareResults, differingSettings } from './compare.ts'
import { mean, meanOf, runExperiment, seedsOf } from './experiment.ts'
import { parseLatency } from './latency.ts'
import { progressBar } from './progress.ts'
import { parseScenario } from './scenario.ts'
import { Traffic } from './traffic.ts'
import type { ExperimentConfig, SeedResult } from './experiment.ts'
import type { Scenario } from './scenario.ts'
import type { Senders } from './simulation.ts'

const USAGE = `npm run sim -- [options]
npm run sim -- compare before.json after.json   two runs with --json, figure by figure

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
  --release closes|silent what letting go of a peer does: as in the Rust simulator, or as in the real crate
  --content 32            bytes of each message
  --scenario file.json    nodes, rounds, latency, failures and the rest from a file (scenarios/ has some);
                          of the options above only --mode applies then
  --json                  end with one line of JSON; without it, a table
`

/** Reads a number, or explains what is wrong. */
function number (name: string, text: string, least: number): number {
  const value = Number(text)

  if (!Number.isFinite(value) || value < least) {
    throw new RangeError(`--${name} is ${text}, a number of at least ${least} is needed`)
  }

  return value
}

function oneOf<T extends string> (name: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text)

  if (found === undefined) {
    throw new RangeError(`--${name} is ${text}, one of ${choices.join(', ')} is needed`)
  }

  return found
}

/** What the arguments of `npm run sim` ask for. */
export interface SimCommand {
  config: ExperimentConfig
  traffic?: Traffic
  rules: 'ours' | 'upstream' | 'mixed'
  json: boolean
  help: boolean
}

/**
 * Reads the arguments of `npm run sim`.
 *
 * @throws {RangeError} when a value is out of range
 * @throws {TypeError} when an option is unknown
 */
export function parseSimArguments (args: string[]): SimCommand {
  const { values } = parseArgs({
    args,
    options: {
      nodes: { type: 'string', default: '1000' },
      senders: { type: 'string', default: 'one' },
      rounds: { type: 'string', default: '30' },
      seeds: { type: 'string', default: '4' },
      kill: { type: 'string' },
      latency: { type: 'string', default: '10-50' },
      rules: { type: 'string', default: 'ours' },
      warmup: { type: 'string', default: '10' },
      mode: { type: 'string', default: 'fast' },
      release: { type: 'string', default: 'closes' },
      content: { type: 'string', default: '32' },
      scenario: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false }
    }
  })
  const rules = oneOf('rules', values.rules, ['ours', 'upstream', 'mixed'])
  const traffic = oneOf('mode', values.mode, ['fast', 'byte']) === 'byte' ? new Traffic({ encode: true }) : undefined
  const kill = values.kill === undefined ? undefined : number('kill', values.kill, 0)

  if (kill !== undefined && kill >= 1) {
    throw new RangeError(`--kill is ${kill}, a share below 1 is needed`)
  }

  if (values.scenario !== undefined) {
    const { config } = readScenario(values.scenario)

    return { rules: config.rules === 'upstream' ? 'upstream' : 'ours', traffic, json: values.json, help: values.help, config: { ...config, traffic } }
  }

  return {
    rules,
    traffic,
    json: values.json,
    help: values.help,
    config: {
      nodes: Math.trunc(number('nodes', values.nodes, 2)),
      senders: oneOf<Senders>('senders', values.senders, ['one', 'new', 'all']),
      rounds: Math.trunc(number('rounds', values.rounds, 1)),
      seeds: seedsOf(Math.trunc(number('seeds', values.seeds, 1))),
      kill,
      latency: parseLatency(values.latency),
      rules: rules === 'mixed' ? (node) => node % 2 === 0 ? 'ours' : 'upstream' : rules,
      warmupMs: 1000 * number('warmup', values.warmup, 0),
      contentBytes: Math.trunc(number('content', values.content, 8)),
      release: oneOf<'closes' | 'silent'>('release', values.release, ['closes', 'silent']),
      traffic
    }
  }
}

/**
 * Reads a scenario file.
 *
 * @throws {RangeError} when there is no such file, it is no JSON, or a value is out of range
 */
function readScenario (path: string): Scenario {
  return parseScenario(readJson(path))
}

function readJson (path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (err) {
    throw new RangeError(`${path}: ${err instanceof Error ? err.message : String(err)}`)
  }
}

/** The table of two runs, and a warning where they were not asked the same. */
function comparison (beforePath: string, afterPath: string): string {
  const [before, after] = [readJson(beforePath), readJson(afterPath)]
  const rows = compareResults(before, after).map(({ figure, ...values }) =>
    [figure, shown(values.before), shown(values.after), `${values.change > 0 ? '+' : ''}${(100 * values.change).toFixed(1)} %`])
  const table = [['', 'before', 'after', 'change'], ...rows].map((row) => row.map((cell, i) => i === 0 ? cell.padEnd(18) : cell.padStart(12)).join(''))

  return [...differingSettings(before, after).map((setting) => `differs: ${setting}`), ...table, ''].join('\n')
}

/** What is said of all seeds together: true means, and the overlay's worst where a mean would hide it. */
export function summarize (results: SeedResult[]): Record<string, unknown> {
  const overlays = results.map(({ overlay }) => overlay)
  const means: Record<string, unknown> = { ...meanOf(results) }
  delete means.seed

  return {
    ...means,
    degree: mean(overlays.map(({ degree }) => degree)),
    eccentricity: Math.max(...overlays.map(({ eccentricity }) => eccentricity)),
    pathLength: mean(overlays.map(({ pathLength }) => pathLength)),
    clustering: mean(overlays.map(({ clustering }) => clustering)),
    linkMs: mean(overlays.map(({ linkMs }) => linkMs)),
    symmetric: mean(overlays.map(({ symmetric }) => symmetric)),
    components: Math.max(...overlays.map(({ components }) => components.length)),
    aloneAfterWarmup: Math.max(...overlays.map(({ alone }) => alone))
  }
}

/** A number for people: few digits, and no more than needed. */
function shown (value: unknown): string {
  return typeof value !== 'number' || Number.isInteger(value) ? String(value) : value.toFixed(Math.abs(value) < 10 ? 3 : 1)
}

function table (results: SeedResult[], summary: Record<string, unknown>): string {
  const columns = results[0].firstMessage === undefined
    ? ['rmr', 'rmrFirst', 'rmrThird', 'ldh', 'lastDeliveryMs', 'p50Ms', 'p99Ms', 'hops', 'missed']
    : ['firstInTime', 'firstMessage', 'secondInTime', 'secondMessage', 'afterHeal', 'alone', 'separated', 'healedMs']
  const rows = [
    ['seed', ...columns, 'degree', 'wide', 'components'],
    ...results.map((result) => [
      String(result.seed),
      ...columns.map((column) => shown((result as Record<string, unknown>)[column])),
      shown(result.overlay.degree), shown(result.overlay.eccentricity), shown(result.overlay.components.length)
    ]),
    ['mean', ...columns.map((column) => shown(summary[column])), shown(summary.degree), shown(summary.eccentricity), shown(summary.components)]
  ]
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)))

  return rows.map((row) => row.map((cell, i) => cell.padStart(widths[i])).join('  ')).join('\n')
}

/** Runs what the arguments ask for and writes to the standard output; the progress bar goes to the error output. */
export function main (args: string[]): void {
  if (args[0] === 'compare') {
    if (args.length !== 3) {
      throw new RangeError('compare needs two files')
    }

    process.stdout.write(comparison(args[1], args[2]))

    return
  }

  const command = parseSimArguments(args)

  if (command.help) {
    process.stdout.write(USAGE)

    return
  }

  const results = runExperiment(command.config, progressBar(process.stderr))
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
