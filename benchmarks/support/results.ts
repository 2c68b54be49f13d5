import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { digits, environment } from './statistics.ts'
import type { Spread } from './statistics.ts'

/** Something that a benchmark must show, beside what it showed. */
export interface Target {
  what: string
  wanted: string
  figure: string
  met: boolean
}

/** A spread as a table shows it. */
export function spreadText ({ median, least, most }: Spread, unit = ''): string {
  return `${digits(median)}${unit} (${digits(least)} to ${digits(most)})`
}

/** That a ratio ours / theirs is small enough, told as parts of theirs. */
export function shareTarget (what: string, wanted: number, ratio: Spread): Target {
  const share = (value: number): string => value < 1 ? `1/${(1 / value).toFixed(1)}` : `${value.toFixed(1)} times`

  return {
    what,
    wanted: `at most 1/${Math.round(1 / wanted)}`,
    figure: `${share(ratio.median)} (${share(ratio.least)} to ${share(ratio.most)})`,
    met: ratio.median <= wanted
  }
}

/** That a median is at most so much. */
export function limitTarget (what: string, limit: number, measured: Spread, unit = ''): Target {
  return { what, wanted: `at most ${digits(limit)}${unit}`, figure: spreadText(measured, unit), met: measured.median <= limit }
}

/** How this process was called, as somebody would in the checkout; where the results go is of no interest. */
export function command (): string {
  return ['node', ...process.execArgv, ...process.argv.slice(1)].filter((part, i, parts) => !part.startsWith('--out') && parts[i - 1] !== '--out').map((part) => part.replace(`${process.cwd()}/`, '')).join(' ')
}

/**
 * Writes `results.json` with machine, versions and targets into a folder, and
 * the targets to standard output.
 *
 * The folder is made if there is none. A `command` among the results stands for that of this process.
 */
export function writeResults (folder: string, targets: Target[], results: object): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'results.json'), JSON.stringify({ environment: environment(), command: command(), targets, ...results }, null, 2) + '\n')

  for (const { what, wanted, figure, met } of targets) {
    process.stdout.write(`${what}: ${figure}, wanted ${wanted}: ${met ? 'met' : 'MISSED'}\n`)
  }
}

/** What `writeResults` wrote into a folder; `undefined` if nothing. */
export function readResults (folder: string): Record<string, unknown> | undefined {
  const path = join(folder, 'results.json')

  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
}

/** A line of progress on standard error. */
export function progress (text: string): void {
  process.stderr.write(`${text}\n`)
}
