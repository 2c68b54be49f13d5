import { readFileSync, writeFileSync } from 'node:fs'
import type { Section } from './report.ts'

const BEGIN = '<!-- results -->'
const END = '<!-- end of results -->'

function cell (text: string): string {
  return text.replace(/\|/g, '\\|')
}

/** The targets of all sections as a Markdown table, each with its command above, after the machine. */
export function resultsTable (sections: Section[], environment: Record<string, string | number>): string {
  return [
    `${Object.entries(environment).map(([key, value]) => `${key} ${value}`).join(', ')}.`,
    ...sections.map(({ title, command, targets, skipped, notPlayed }) => [
      `### ${title}`,
      `\`${command}\``,
      skipped == null ? '' : `Not run: ${skipped}.`,
      notPlayed.length === 0 ? '' : `Left out for lack of time: ${notPlayed.join('; ')}.`,
      targets.length === 0
        ? ''
        : ['| what | median (least to most) | wanted | |', '|---|---|---|---|', ...targets.map(({ what, figure, wanted, met }) => `| ${cell(what)} | ${cell(figure)} | ${cell(wanted)} | ${met ? 'met' : '**missed**'} |`)].join('\n')
    ].filter((part) => part !== '').join('\n\n'))
  ].join('\n\n')
}

/**
 * Replaces what a README says between its two marks.
 *
 * @throws {Error} if the marks are not there
 */
export function updateReadme (path: string, sections: Section[], environment: Record<string, string | number>): void {
  const text = readFileSync(path, 'utf8')
  const from = text.indexOf(BEGIN)
  const to = text.indexOf(END)

  if (from < 0 || to < from) {
    throw new Error(`${path} has no place for results`)
  }

  writeFileSync(path, `${text.slice(0, from)}${BEGIN}\n\n${resultsTable(sections, environment)}\n\n${text.slice(to)}`)
}
