import type { Target } from './results.ts'

/** What a program of the benchmarks has found. */
export interface Section {
  title: string
  /** What it answers, and how. */
  method: string
  command: string
  seconds: number
  /** Why there is nothing, where there is nothing. */
  skipped?: string
  /** What was left out for lack of time. */
  notPlayed: string[]
  targets: Target[]
  /** SVG documents. */
  plots: string[]
  /** The results, as JSON. */
  json: string
}

/** What is on the page. */
export interface Report {
  command: string
  seconds: number
  /** Of what kind of run this is the page. */
  kind: string
  environment: Record<string, string | number>
  sections: Section[]
}

const STYLE = `
  body { font: 15px/1.5 sans-serif; max-width: 960px; margin: 2em auto; padding: 0 1em; color: #212529 }
  table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .3em .6em; border-bottom: 1px solid #dee2e6; vertical-align: top }
  .met { color: #2b8a3e } .missed { color: #c92a2a; font-weight: bold } img { display: block; max-width: 100%; margin: 1em 0 } code { background: #f1f3f5; padding: 0 .3em }
`

function escape (text: string): string {
  return text.replace(/[<>&"]/g, (char) => `&#${char.charCodeAt(0)};`)
}

function base64 (text: string): string {
  return Buffer.from(text).toString('base64')
}

function table (targets: Target[]): string {
  const rows = targets.map(({ what, wanted, figure, met }) => `<tr><td>${escape(what)}</td><td>${escape(figure)}</td><td>${escape(wanted)}</td><td class="${met ? 'met' : 'missed'}">${met ? 'met' : 'missed'}</td></tr>`)

  return `<table><tr><th>What</th><th>Median (least to most)</th><th>Wanted</th><th></th></tr>${rows.join('\n')}</table>`
}

function section ({ title, method, command, seconds, skipped, notPlayed, targets, plots, json }: Section, number: number): string {
  return [
    `<h2 id="s${number}">${escape(title)}</h2>`,
    `<p>${escape(method)}</p><p><code>${escape(command)}</code> took ${Math.round(seconds)} s.${skipped == null ? ` <a download="results.json" href="data:application/json;base64,${base64(json)}">All figures (JSON)</a>` : ` <span class="missed">Not run: ${escape(skipped)}</span>`}</p>`,
    notPlayed.length > 0 ? `<p class="missed">Left out for lack of time: ${escape(notPlayed.join('; '))}</p>` : '',
    targets.length > 0 ? table(targets) : '',
    // as images: the ids inside of one SVG must not meet those of another
    ...plots.map((svg) => `<img alt="plot" src="data:image/svg+xml;base64,${base64(svg)}">`)
  ].join('\n')
}

/** One HTML page that holds everything: targets beside figures, methods, plots and data. */
export function reportPage ({ command, seconds, kind, environment, sections }: Report): string {
  const targets = sections.flatMap((section) => section.targets)
  const met = targets.filter((target) => target.met).length

  return [
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>Benchmarks</title><style>${STYLE}</style>`,
    '<h1>Benchmarks</h1>',
    `<p>Written by <code>${escape(command)}</code> in ${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s: ${escape(kind)}. Ratios are formed between runs that took turns within a round; of several rounds the median is given, and the least and the most. Work beside it on the machine makes all slower, and latencies more than ratios. The long versions are in benchmarks/README.md.</p>`,
    `<p>${escape(Object.entries(environment).map(([key, value]) => `${key}: ${value}`).join(' · '))}</p>`,
    `<h2>What must be shown</h2><p>${met} of ${targets.length} met.</p>`,
    table(targets),
    `<ul>${sections.map(({ title }, i) => `<li><a href="#s${i}">${escape(title)}</a></li>`).join('')}</ul>`,
    ...sections.map(section),
    '</html>',
    ''
  ].join('\n')
}
