import { runKill } from './kill.ts'
import { measureOverlay } from './overlay.ts'
import { Simulation } from './simulation.ts'
import { runTimeline } from './timeline.ts'
import type { KillResult } from './kill.ts'
import type { OverlayReport } from './overlay.ts'
import type { RoundResult, Senders, SimulationConfig } from './simulation.ts'
import type { TimelineConfig, TimelineResult } from './timeline.ts'

/** What to simulate for each seed. */
export interface ExperimentConfig extends Omit<SimulationConfig, 'seed'> {
  senders: Senders
  rounds: number
  seeds: number[]
  /** Share of the nodes that die at once after the warm-up; then there are three broadcasts in place of the rounds. */
  kill?: number
  /**
   * Virtual milliseconds from the deaths to the last of the three broadcasts.
   *
   * @default 300000
   */
  healMs?: number
  /** Time that passes in one piece, with events, in place of the rounds. */
  timeline?: TimelineConfig
}

/** Means over a seed's rounds. */
export type SeedResult = Partial<RoundResult> & Partial<KillResult> & Partial<TimelineResult> & {
  seed: number
  /** Redundancy of the first round, and from the third on. */
  rmrFirst?: number
  rmrThird?: number
  /** The overlay after the warm-up. */
  overlay: OverlayReport
  /** Events of the whole run. */
  steps: number
}

/** Called as an experiment goes on, with what is done of it, from 0 to 1. */
export interface Progress {
  (done: number): void
}

/** Runs an experiment for each of its seeds. */
export function runExperiment (config: ExperimentConfig, progress?: Progress): SeedResult[] {
  return config.seeds.map((seed, i) => runSeed(config, seed, (done) => progress?.((i + done) / config.seeds.length)))
}

function runSeed (config: ExperimentConfig, seed: number, progress: Progress): SeedResult {
  const { timeline, kill } = config

  if (timeline !== undefined) {
    return { seed, ...runTimeline({ ...config, seed, timeline }, progress) }
  }

  return kill === undefined ? runRounds(config, seed, progress) : { seed, ...runKill({ ...config, seed }, kill, progress) }
}

/** What of a run in rounds is the joining and warming up, for the progress bar: a guess. */
const BOOTSTRAP_SHARE = 0.5

function runRounds (config: ExperimentConfig, seed: number, progress: Progress): SeedResult {
  const simulation = new Simulation({ ...config, seed })
  simulation.bootstrap((done) => { progress(done * BOOTSTRAP_SHARE) })
  const overlay = measureOverlay(simulation.network)
  const results = simulation.rounds(config.rounds, config.senders, (done) => { progress(BOOTSTRAP_SHARE + done * (1 - BOOTSTRAP_SHARE)) })

  return {
    seed,
    ...meanOf(results),
    rmrFirst: results[0]?.rmr,
    rmrThird: results.length > 2 ? mean(results.slice(2).map((result) => result.rmr)) : undefined,
    overlay,
    steps: simulation.network.steps
  }
}

/** Seeds of the Rust crate's scenario file, then further ones. */
export function seedsOf (count: number): number[] {
  const seeds = [0, 1, 212_312_388_123, 123]

  for (let seed = 2; seeds.length < count; seed++) {
    seeds.push(seed === 123 ? 1_123 : seed)
  }

  return seeds.slice(0, count)
}

/** The true mean of numbers. */
export function mean (values: number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length
}

/** The true mean of each number in a list of records; what is no number, or absent in one, is left out. */
export function meanOf<T extends object> (records: T[]): Partial<T> {
  const result: Record<string, number> = {}

  for (const key of Object.keys(records[0] ?? {})) {
    const values = records.map((record) => (record as Record<string, unknown>)[key])

    if (values.every((value) => typeof value === 'number')) {
      result[key] = mean(values)
    }
  }

  return result as Partial<T>
}
