import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { seedsOf } from './experiment.ts'
import { choiceOf, numberOf } from './fields.ts'
import { RULE_SETS } from './machine.ts'
import { PAPER_FAILURES, runPaperPoint } from './papers.ts'
import { plotSvg } from './plot.ts'
import { progressBar } from './progress.ts'
import { shown, tableOf } from './report.ts'
import { parseLatency } from './scenario-latency.ts'
import type { RuleSet } from './machine.ts'
import type { PaperPoint } from './papers.ts'
import type { Series } from './plot.ts'

/** How to use `npm run sim -- papers`. */
export const PAPERS_USAGE = `npm run sim -- papers [options]   the figures of the HyParView and the PlumTree paper

  --nodes 10000           as in both papers
  --failing 0,0.1,...     shares that fail at once, a simulation for each (0 to 0.8, 0.9 and 0.95)
  --rules ours|upstream|both
  --seeds 1               as many of each
  --rounds 10             messages of one sender, and then of a new one each
  --latency 10-50         one-way milliseconds
  --warmup 10             virtual seconds
  --plots folder          also write papers-*.svg there
  --json                  a line of JSON for each simulation; without it, tables
`

/** Columns of the table of failures: a heading, and where its figure is. */
const COLUMNS: ReadonlyArray<readonly [string, (point: PaperPoint) => number]> = [
  ['flood at once', (point) => 100 * point.floodAtOnce],
  ['first message', (point) => 100 * point.firstMessage],
  ['recovered ms', (point) => point.recoveredMs],
  ['one: reliability', (point) => 100 * point.oneSender.reliability],
  ['RMR', (point) => point.oneSender.rmr],
  ['LDH', (point) => point.oneSender.ldh],
  ['many: reliability', (point) => 100 * point.manySenders.reliability],
  ['RMR', (point) => point.manySenders.rmr],
  ['LDH', (point) => point.manySenders.ldh]
]

/**
 * Runs what `npm run sim -- papers` asks for, and writes to the standard output as it goes.
 *
 * @throws {RangeError} when a value is out of range
 * @throws {TypeError} when an option is unknown
 */
export function papers (args: string[]): void {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args,
    options: { nodes: text, failing: text, rules: text, seeds: text, rounds: text, latency: text, warmup: text, plots: text, json: { type: 'boolean' }, help: { type: 'boolean' } }
  })

  if (values.help === true) {
    process.stdout.write(PAPERS_USAGE)

    return
  }

  const number = (key: 'nodes' | 'seeds' | 'rounds' | 'warmup', least: number, most: number, otherwise: number): number =>
    numberOf({ [key]: values[key] === undefined ? undefined : Number(values[key]) }, key, { least, most, whole: key !== 'warmup' }) ?? otherwise
  const failing = values.failing === undefined ? [...PAPER_FAILURES] : values.failing.split(',').map(Number)
  failing.forEach((share) => numberOf({ failing: share }, 'failing', { least: 0, most: 0.999 }))
  const rules = choiceOf(values, 'rules', [...RULE_SETS, 'both'] as const) ?? 'both'
  const ruleSets: readonly RuleSet[] = rules === 'both' ? RULE_SETS : [rules]
  const seeds = seedsOf(number('seeds', 1, 10_000, 1))
  const base = {
    nodes: number('nodes', 2, 1_000_000, 10_000),
    rounds: number('rounds', 1, 100_000, 10),
    warmupMs: 1_000 * number('warmup', 0, 86_400, 10),
    latency: parseLatency(values.latency ?? '10-50')
  }
  const bar = progressBar(process.stderr)
  const runs = ruleSets.flatMap((rules) => failing.flatMap((share) => seeds.map((seed) => ({ ...base, rules, failing: share, seed }))))
  const points = runs.map((run, i) => {
    const point = runPaperPoint(run, (done) => { bar((i + done) / runs.length) })

    if (values.json === true) {
      process.stdout.write(`${JSON.stringify({ ...point, nodes: base.nodes })}\n`)
    }

    return point
  })

  if (values.json !== true) {
    ruleSets.forEach((rules) => { process.stdout.write(`${describe(points.filter((point) => point.rules === rules))}\n`) })
  }

  if (values.plots !== undefined) {
    for (const [name, svg] of Object.entries(paperPlots(points))) {
      writeFileSync(join(values.plots, name), svg)
    }
  }
}

/** The overlay in words and the table of failures, of one rule set. */
function describe (points: PaperPoint[]): string {
  const [{ rules, before: { degree, symmetric, inDegrees, clustering, pathLength, eccentricity } }] = points
  const rows = points.map((point) => [`${100 * point.failing} %`, String(point.seed), ...COLUMNS.map(([, of]) => shown(of(point)))])

  return [
    `rules: ${rules}`,
    `overlay: degree ${shown(degree)}, mutual ${shown(100 * symmetric)} %, clustering ${clustering.toFixed(5)}, path length ${shown(pathLength)}, ${eccentricity} wide, in-degrees ${JSON.stringify(inDegrees)}`,
    tableOf([['failing', 'seed', ...COLUMNS.map(([heading]) => heading)], ...rows]),
    ''
  ].join('\n')
}

/** The papers' figures as SVG, by file name; of several seeds the mean. */
export function paperPlots (points: PaperPoint[]): Record<string, string> {
  const names: Record<RuleSet, string> = { ours: 'this package', upstream: 'iroh-gossip 0.101' }
  const present = RULE_SETS.filter((rules) => points.some((point) => point.rules === rules))
  const series = (rules: RuleSet, of: (point: PaperPoint) => number, name = names[rules]): Series => {
    const mine = points.filter((point) => point.rules === rules)
    const shares = [...new Set(mine.map(({ failing }) => failing))].sort((a, b) => a - b)

    return {
      name,
      points: shares.map((share) => {
        const values = mine.filter(({ failing }) => failing === share).map(of)

        return [100 * share, values.reduce((a, b) => a + b, 0) / values.length] as const
      })
    }
  }
  const plot = (title: string, yLabel: string, lines: Series[]): string => plotSvg({ title, xLabel: '% of nodes that fail at once', yLabel, series: lines })
  const both = (of: (point: PaperPoint) => number): Series[] => present.map((rules) => series(rules, of))

  return {
    'papers-reliability.svg': plot('Survivors that the first message reaches', '%', [
      ...present.map((rules) => series(rules, (point) => 100 * point.firstMessage)),
      ...present.map((rules) => series(rules, (point) => 100 * point.floodAtOnce, `flood, ${names[rules]}`))
    ]),
    'papers-rmr.svg': plot('RMR after failures, one sender', 'RMR', both((point) => point.oneSender.rmr)),
    'papers-ldh.svg': plot('Last delivery hop after failures, one sender', 'hops', both((point) => point.oneSender.ldh)),
    'papers-ldh-many.svg': plot('Last delivery hop after failures, a new sender each time', 'hops', both((point) => point.manySenders.ldh)),
    'papers-in-degree.svg': plotSvg({
      title: 'In how many active views a node is',
      xLabel: 'in-degree',
      yLabel: '% of nodes',
      series: present.map((rules) => {
        const { before } = points.find((point) => point.rules === rules) ?? points[0]

        return { name: names[rules], points: [0, 1, 2, 3, 4, 5, 6, 7].map((degree) => [degree, 100 * (before.inDegrees[degree] ?? 0) / before.nodes] as const) }
      })
    })
  }
}
