import { mean, meanOf } from './experiment.ts'
import type { SeedResult } from './experiment.ts'

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
export function shown (value: unknown): string {
  return typeof value !== 'number' || Number.isInteger(value) ? String(value) : value.toFixed(Math.abs(value) < 10 ? 3 : 1)
}

/** Each seed's figures and their means, for people. */
export function table (results: SeedResult[], summary: Record<string, unknown>): string {
  const columns = columnsOf(results[0])
  const rows = [
    ['seed', ...columns, 'degree', 'wide', 'components'],
    ...results.map((result) => [
      String(result.seed),
      ...columns.map((column) => shown((result as Record<string, unknown>)[column])),
      shown(result.overlay.degree), shown(result.overlay.eccentricity), shown(result.overlay.components.length)
    ]),
    ['mean', ...columns.map((column) => shown(summary[column])), shown(summary.degree), shown(summary.eccentricity), shown(summary.components)]
  ]

  return tableOf(rows)
}

/** Rows of equal length as columns, aligned to the right. */
export function tableOf (rows: string[][]): string {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)))

  return rows.map((row) => row.map((cell, i) => cell.padStart(widths[i])).join('  ')).join('\n')
}

/** What there is to say of a run depends on what was asked. */
function columnsOf (result: SeedResult): string[] {
  if (result.broadcasts !== undefined) {
    return ['broadcasts', 'inTime', 'reliability', 'lastDeliveryMs', 'rmr', 'membershipPerMinute', 'healedMs', 'alive', 'alone', 'separated']
  }

  return result.firstMessage === undefined
    ? ['rmr', 'rmrFirst', 'rmrThird', 'ldh', 'lastDeliveryMs', 'p50Ms', 'p99Ms', 'hops', 'missed']
    : ['firstInTime', 'firstMessage', 'secondInTime', 'secondMessage', 'afterHeal', 'alone', 'separated', 'healedMs']
}
