/**
 * A short version of the benchmarks, one after the other, and a page with what
 * they found: `benchmarks/report/index.html`.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const report = join(import.meta.dirname, 'report')
const steps = [
  { name: 'vs-gossipsub', title: 'Beside gossipsub and floodsub', args: ['--short'] },
  { name: 'vs-rust', title: 'Swarms of processes beside the Rust crate, native iroh', args: ['--members=12', '--messages=200', '--rounds=1'] },
  { name: 'one-hop', title: 'Beside a bare stream', args: ['--short'] },
  { name: 'handle', title: 'State machine and codec beside the Rust crate', args: ['--messages=5000', '--rounds=3'] },
  { name: 'idle-topics', title: 'Idle topics', args: ['--topics=100', '--idle=5'] }
]

function escape (text: string): string {
  return text.replace(/[<>&]/g, (char) => `&#${char.charCodeAt(0)};`)
}

function command (name: string, args: string[]): string[] {
  return [join('benchmarks', name, 'main.ts'), ...args]
}

/** What the step wrote to standard output. Its progress goes through. */
async function run (name: string, args: string[]): Promise<string> {
  const child = spawn(process.execPath, ['--expose-gc', '--max-semi-space-size=256', ...command(name, args), `--out=${join(report, name)}`], { cwd: join(import.meta.dirname, '..'), stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { output += text })
  const [code] = await once(child, 'close')

  if (code !== 0) {
    output += `ended with code ${code}\n`
    process.exitCode = 1
  }

  return output
}

const sections: string[] = []

for (const [i, { name, title, args }] of steps.entries()) {
  process.stderr.write(`[${i + 1}/${steps.length}] ${title}\n`)
  const folder = join(report, name)
  mkdirSync(folder, { recursive: true })
  const output = await run(name, args)
  process.stdout.write(output)
  const plots = readdirSync(folder).filter((file) => file.endsWith('.svg')).map((file) => readFileSync(join(folder, file), 'utf8'))
  sections.push(`<h2>${title}</h2><p><code>node ${command(name, args).join(' ')}</code></p><pre>${escape(output)}</pre>${plots.join('')}<p><a href="${name}/results.json">JSON</a></p>`)
}

writeFileSync(join(report, 'index.html'), `<!doctype html><meta charset="utf-8"><title>Benchmarks</title><style>body{font-family:sans-serif;max-width:760px;margin:2em auto}pre{white-space:pre-wrap}</style><h1>Benchmarks</h1><p>A short run; see benchmarks/README.md for the full ones.</p>${sections.join('\n')}\n`)
process.stderr.write(`${join(report, 'index.html')}\n`)
