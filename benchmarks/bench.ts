/**
 * A short version of all benchmarks, one after the other, in less than five
 * minutes, and a page with what they found: `benchmarks/report/index.html`.
 *
 * `npm run bench [-- --full] [--only name]… [--out folder]`
 *
 * On a machine that is too slow for that, what would begin too late is left out,
 * and the page says so. `--full` runs all of it, for about an hour, keeps figures
 * and plots in `benchmarks/<name>/results`; `keep.ts` writes the README's table.
 *
 * Programs in Rust are built first, which takes minutes the first time and is not
 * counted; without cargo what needs them is left out, and the page says so.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { CargoMissingError, buildRust } from '../interop/support/cargo.ts'
import { steps } from './steps.ts'
import { reportPage } from './support/report.ts'
import { environment } from './support/statistics.ts'
import type { Step } from './steps.ts'
import type { Section } from './support/report.ts'

const NODE_ARGS = ['--expose-gc']
const BAR = 24
/** For all of a short run. */
const LIMIT_SECONDS = 280

const { values: options } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    out: { type: 'string', default: join(import.meta.dirname, 'report') }
  }
})
const chosen = steps.filter(({ name }) => options.only == null || options.only.includes(name))
const expected = chosen.reduce((sum, { seconds }) => sum + seconds, 0)
let startedAt = performance.now()

function clock (seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`
}

function elapsed (): number {
  return (performance.now() - startedAt) / 1_000
}

/** A bar of what is done, by the time that it usually takes. */
function show (done: number, text: string): void {
  const filled = Math.round(done / expected * BAR)
  process.stderr.write(`${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${clock(elapsed())} ${text}\n`)
}

/** Why Rust programs cannot be built here, if they cannot. */
async function prepareRust (): Promise<string | undefined> {
  try {
    await buildRust('rust-peer')
    await buildRust('rust-bench')

    return undefined
  } catch (err) {
    if (err instanceof CargoMissingError) {
      return err.message
    }

    throw err
  }
}

/** Runs a program; its progress is shown, its figures are read from its folder. */
async function run ({ name, title, method, short, full, seconds: usual, isLimited }: Step, done: number): Promise<Section> {
  const folder = options.full ? join(import.meta.dirname, name, 'results') : join(options.out, name)
  const command = [`benchmarks/${name}/main.ts`, ...options.full ? full : short]
  // its share of what is left
  const limit = isLimited === true && !options.full ? [`--limit=${Math.round((LIMIT_SECONDS - elapsed()) * usual / (expected - done))}`] : []
  const since = performance.now()
  mkdirSync(folder, { recursive: true })
  // what an earlier run left must not be taken for this one's
  readdirSync(folder).filter((file) => file.endsWith('.svg') || file === 'results.json').forEach((file) => { rmSync(join(folder, file)) })
  const child = spawn(process.execPath, [...NODE_ARGS, ...command, ...limit, `--out=${folder}`], { cwd: join(import.meta.dirname, '..'), stdio: ['ignore', 'inherit', 'pipe'] })
  createInterface({ input: child.stderr }).on('line', (line) => { show(done, line) })
  const [code] = await once(child, 'close')
  const seconds = (performance.now() - since) / 1_000
  const section = { title, method, command: `node ${command.join(' ')}`, seconds }

  if (code !== 0) {
    process.exitCode = 1
  }

  const files = readdirSync(folder)

  if (!files.includes('results.json')) {
    return { ...section, skipped: `it ended with code ${code}`, notPlayed: [], targets: [], plots: [], json: '{}' }
  }

  const json = readFileSync(join(folder, 'results.json'), 'utf8')

  const { targets, notPlayed = [] } = JSON.parse(json)

  return { ...section, targets, notPlayed, plots: files.filter((file) => file.endsWith('.svg')).map((file) => readFileSync(join(folder, file), 'utf8')), json }
}

const withoutRust = await prepareRust()
const sections: Section[] = []
let done = 0
startedAt = performance.now()

for (const step of chosen) {
  show(done, step.title)
  sections.push(step.needsRust === true && withoutRust != null
    ? { title: step.title, method: step.method, command: `node benchmarks/${step.name}/main.ts`, seconds: 0, skipped: withoutRust, notPlayed: [], targets: [], plots: [], json: '{}' }
    : await run(step, done))
  done += step.seconds
}

const page = join(options.out, 'index.html')
mkdirSync(options.out, { recursive: true })
writeFileSync(page, reportPage({ command: `npm run bench${options.full ? ' -- --full' : ''}`, seconds: elapsed(), kind: options.full ? 'every benchmark at full length' : 'a short version of every benchmark', environment: environment(), sections }))
show(expected, page)
