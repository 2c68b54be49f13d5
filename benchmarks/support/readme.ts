import { readFileSync, writeFileSync } from 'node:fs'
import type { Target } from './results.ts'

/** What the README tells of a program. */
export interface KeptResult {
  title: string
  command: string
  environment: Record<string, string | number>
  targets: Target[]
}

const BEGIN = '<!-- results -->'
const END = '<!-- end of results -->'

function cell (text: string): string {
  return text.replace(/\|/g, '\\|')
}

function table (targets: Target[]): string {
  return [
    '| what | median (least to most) | wanted | |',
    '|---|---|---|---|',
    ...targets.map(({ what, figure, wanted, met }) => `| ${cell(what)} | ${cell(figure)} | ${cell(wanted)} | ${met ? 'met' : '**missed**'} |`)
  ].join('\n')
}

/** The targets of all programs as Markdown, below machine, versions and command. */
export function resultsTable (results: KeptResult[]): string {
  const machines = new Set(results.map(({ environment }) => Object.entries(environment).filter(([key]) => key !== 'loadAverage').map(([key, value]) => `${key} ${value}`).join(', ')))

  return [
    ...[...machines].map((machine) => `${machine}.`),
    ...results.map(({ title, command, targets }) => `### ${title}\n\n\`${command}\`\n\n${targets.length === 0 ? 'Figures without a target: see `results/`.' : table(targets)}`)
  ].join('\n\n')
}

/**
 * Replaces what a README says between its two marks.
 *
 * @throws {Error} if the marks are not there
 */
export function updateReadme (path: string, results: KeptResult[]): void {
  const text = readFileSync(path, 'utf8')
  const from = text.indexOf(BEGIN)
  const to = text.indexOf(END)

  if (from < 0 || to < from) {
    throw new Error(`${path} has no place for results`)
  }

  writeFileSync(path, `${text.slice(0, from)}${BEGIN}\n\n${resultsTable(results)}\n\n${text.slice(to)}`)
}
