import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** What a benchmark left behind. */
export interface BenchmarkRun {
  code: number | null
  /** The end of what it said on standard error, to explain a failure. */
  said: string
  results: { environment: Record<string, unknown>, targets: Array<{ what: string, met: boolean }> } & Record<string, unknown>
  plots: string[]
}

/** Runs a program of the benchmarks by its folder, and reads its results from a folder that is gone afterwards. */
export async function runBenchmark (name: string, args: string[]): Promise<BenchmarkRun> {
  const folder = mkdtempSync(join(tmpdir(), 'benchmark-'))

  try {
    const child = spawn(process.execPath, ['--expose-gc', `benchmarks/${name}/main.ts`, ...args, `--out=${folder}`], { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => { said = (said + text).slice(-2_000) })
    const [code] = await once(child, 'close')
    const files = readdirSync(folder)

    if (!files.includes('results.json')) {
      throw new Error(`${name} ended with ${code} and left no results\n${said}`)
    }

    return { code, said, results: JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')), plots: files.filter((file) => file.endsWith('.svg')) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
