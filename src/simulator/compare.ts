import { barSvg } from './bar-plot.ts'

/** One figure of two runs. */
export interface Comparison {
  figure: string
  before: number
  after: number
  /** `after / before - 1`; `Infinity` if there was nothing before, 0 if both are 0. */
  change: number
}

/** What describes a run and is no result. */
const SETTINGS = ['nodes', 'senders', 'rounds', 'seeds', 'rules', 'warmupMs', 'kill']

/**
 * Compares the figures of two runs of `npm run sim -- ... --json`.
 *
 * @param before - the parsed line of JSON of a run
 * @param after - that of another
 * @returns the figures that both have, in the order of the first
 * @throws {RangeError} when one is no result
 */
export function compareResults (before: unknown, after: unknown): Comparison[] {
  const [a, b] = [figures(before), figures(after)]

  return [...a].flatMap(([figure, value]) => {
    const other = b.get(figure)

    return other === undefined ? [] : [{ figure, before: value, after: other, change: other === value ? 0 : other / value - 1 }]
  })
}

/** The settings that differ: then the figures answer another question. */
export function differingSettings (before: unknown, after: unknown): string[] {
  const [a, b] = [fieldsOf(before), fieldsOf(after)]

  return SETTINGS.filter((name) => a[name] !== b[name]).map((name) => `${name}: ${String(a[name])} and ${String(b[name])}`)
}

/**
 * The change of each figure as bars, the first run being 100: figures that were
 * or became 0 or endless are left out.
 *
 * @throws {RangeError} when one is no result
 */
export function comparisonPlot (before: unknown, after: unknown): string {
  const rows = compareResults(before, after).filter((row) => row.before > 0 && row.after > 0 && Number.isFinite(row.change))

  return barSvg({
    title: 'Two runs',
    unit: 'the first run is 100',
    labels: rows.map(({ figure }) => figure),
    series: [
      { name: 'before', values: rows.map(() => 100) },
      { name: 'after', values: rows.map(({ change }) => 100 * (1 + change)) }
    ]
  })
}

function fieldsOf (result: unknown): Record<string, unknown> {
  if (typeof result !== 'object' || result === null || !('perSeed' in result)) {
    throw new RangeError('not a result of npm run sim -- --json')
  }

  return { ...result }
}

function figures (result: unknown): Map<string, number> {
  return new Map(Object.entries(fieldsOf(result)).filter((entry): entry is [string, number] =>
    typeof entry[1] === 'number' && !SETTINGS.includes(entry[0])))
}
