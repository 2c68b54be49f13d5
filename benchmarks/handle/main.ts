/**
 * What do the state machine and the codec cost beside those of the Rust crate,
 * on the same inputs?
 *
 * `node --expose-gc benchmarks/handle/main.ts [--messages 10000] [--rounds 7] [--out folder]`
 *
 * Each trace is what a node with five neighbors is given, timers included, in
 * virtual time; `trace.ts` says what is in it. Both sides play the same file in
 * turns, round by round: `whole` from the bytes of the frames that come to those
 * of the frames that go, and the parts of it, `handle` with each message decoded
 * beforehand, and the codec, which decodes and encodes the payloads that come.
 * Ours is CPU time, collections included, the crate's the quickest of four
 * passes: other work on the machine counts for neither. Needs cargo; without it
 * only our side is measured.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { CargoMissingError, buildRust } from '../../interop/support/cargo.ts'
import { loadHash } from '../../src/hash.ts'
import { barPlot } from '../support/plot.ts'
import { limitTarget, progress, writeResults } from '../support/results.ts'
import { spread } from '../support/statistics.ts'
import { recode, replay } from './replay.ts'
import { endpointId, traceFile, traces } from './trace.ts'
import type { Trace } from './trace.ts'
import type { Spread } from '../support/statistics.ts'

const WANTED = 3
const WARM_UP = 3
const PASSES = 9
/** Messages of a trace that is played without a collection in between. */
const FEW = 100

const { values: options } = parseArgs({
  options: {
    messages: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '7' },
    out: { type: 'string', default: join(import.meta.dirname, 'results') }
  }
})
const rounds = Number(options.rounds)

interface RustRound {
  nanos: number
  handled: number
  sent: number
  delivered: number
  allocations: number
  allocatedBytes: number
  decodeNanos: number
  encodeNanos: number
}

type Ours = ReturnType<typeof replay> & ReturnType<typeof recode> & { wholeNanos: number }

let rust: string | undefined

try {
  rust = await buildRust('rust-bench')
} catch (err) {
  if (!(err instanceof CargoMissingError)) {
    throw err
  }

  process.stderr.write(`${err.message}\n`)
}

/** The quickest of a few passes in one process after the first, which warms caches up: nothing but other work on the machine makes one slower. */
function inRust (what: 'handle' | 'whole' | 'codec', file: string): RustRound | undefined {
  if (rust == null) {
    return
  }

  const { status, stdout } = spawnSync(rust, [what, file, '5'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })

  if (status !== 0) {
    throw new Error(`rust-bench ended with code ${status}`)
  }

  const passes: RustRound[] = stdout.trim().split('\n').slice(1).map((line) => JSON.parse(line))
  const [first] = passes
  const timed = (['nanos', 'decodeNanos', 'encodeNanos'] as const).filter((key) => key in first)

  return { ...first, ...Object.fromEntries(timed.map((key) => [key, Math.min(...passes.map((pass) => pass[key]))])) }
}

/** The median of several passes, each of which takes a few milliseconds only: a compiler that works beside one would count as much as it. */
function median (measure: () => number): number {
  return spread(Array.from({ length: PASSES }, measure)).median
}

/** Our side of a round. */
function inOurs (trace: Trace): Ours {
  const recoded = Array.from({ length: PASSES }, () => recode(trace))

  return {
    ...replay(trace, meKey, hash, false),
    frames: recoded[0].frames,
    nanos: median(() => replay(trace, meKey, hash, false).nanos),
    wholeNanos: median(() => replay(trace, meKey, hash, true).nanos),
    decodeNanos: spread(recoded.map(({ decodeNanos }) => decodeNanos)).median,
    encodeNanos: spread(recoded.map(({ encodeNanos }) => encodeNanos)).median
  }
}

function allocatedBytes (trace: Trace): number {
  return median(() => {
    globalThis.gc?.()

    return replay(trace, meKey, hash, false).allocatedBytes / trace.steps.length
  })
}

const folder = mkdtempSync(join(tmpdir(), 'handle-'))
const me = endpointId(0)
const meKey = Buffer.from(me).toString('hex')
const hash = await loadHash()
const results: Record<string, Record<string, unknown> & { ratios: Record<string, Spread> }> = {}
const fewTraces = traces(FEW, hash)

for (const [i, trace] of traces(Number(options.messages), hash).entries()) {
  const file = join(folder, trace.name)
  writeFileSync(file, traceFile(trace, me))

  for (let pass = 0; pass < WARM_UP; pass++) {
    inOurs(trace)
  }

  const played = Array.from({ length: rounds }, () => {
    const ours = inOurs(trace)
    const [handle, whole, codec] = [inRust('handle', file), inRust('whole', file), inRust('codec', file)]

    return { ours, theirs: handle != null && whole != null && codec != null ? { ...codec, ...handle, wholeNanos: whole.nanos } : undefined }
  })
  const { ours, theirs } = played[0]
  const per = (count: number, values: number[]): Spread => spread(values.map((value) => value / count))
  const ratio = (key: 'wholeNanos' | 'nanos' | 'decodeNanos' | 'encodeNanos'): Spread | undefined => theirs == null || (key !== 'nanos' && key !== 'wholeNanos' && ours.frames < 100)
    ? undefined
    : spread(played.map((round) => round.ours[key] / (round.theirs?.[key] ?? NaN)))
  const ratios = Object.fromEntries(Object.entries({ whole: ratio('wholeNanos'), handle: ratio('nanos'), decode: ratio('decodeNanos'), encode: ratio('encodeNanos') }).filter((entry): entry is [string, Spread] => entry[1] != null))

  results[trace.name] = {
    events: trace.steps.length,
    ours: {
      nanosPerEvent: per(trace.steps.length, played.map((round) => round.ours.nanos)),
      wholeNanosPerEvent: per(trace.steps.length, played.map((round) => round.ours.wholeNanos)),
      allocatedBytesPerEvent: allocatedBytes(fewTraces[i]),
      handled: ours.handled,
      sent: ours.sent,
      delivered: ours.delivered
    },
    ...(theirs == null
      ? {}
      : {
          rust: {
            nanosPerEvent: per(trace.steps.length, played.map((round) => round.theirs?.nanos ?? NaN)),
            wholeNanosPerEvent: per(trace.steps.length, played.map((round) => round.theirs?.wholeNanos ?? NaN)),
            allocatedBytesPerEvent: theirs.allocatedBytes / trace.steps.length,
            allocationsPerEvent: theirs.allocations / trace.steps.length,
            handled: theirs.handled,
            sent: theirs.sent,
            delivered: theirs.delivered
          }
        }),
    ratios
  }
  progress(`handle: ${trace.name}`)
}

rmSync(folder, { recursive: true })
const figures = Object.entries(results).flatMap(([trace, { ratios }]) => Object.entries(ratios).map(([name, ratio]) => ({ trace, name, ratio })))
await barPlot(options.out, {
  name: 'ratios',
  title: 'State machine and codec beside the Rust crate',
  unit: "times the crate's time",
  points: figures.map(({ trace, name, ratio }) => ({ series: name, x: trace, value: ratio }))
})
const wholes = figures.filter(({ name }) => name === 'whole')
writeResults(options.out, wholes.map(({ trace, ratio }) => limitTarget(`${trace}: state machine and codec, beside the crate's`, WANTED, ratio, ' times')), { rounds, traces: results })
