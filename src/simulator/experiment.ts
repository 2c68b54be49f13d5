import { measureOverlay } from './overlay.ts'
import { Simulation } from './simulation.ts'
import type { OverlayReport } from './overlay.ts'
import type { RoundResult, Senders, SimulationConfig } from './simulation.ts'

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
}

/** What became of the survivors of a mass failure. */
export interface KillResult {
  /**
   * Fractions of the survivors that got the message sent at the moment of the
   * deaths, the one sent five seconds later (or once all had the first), and the
   * one sent when the swarm had time to heal. The first two as of the end of the
   * run: late is not never.
   */
  firstMessage: number
  secondMessage: number
  afterHeal: number
  /** The first two as of five seconds after each was sent, which is when the Rust crate's simulator counts. */
  firstInTime: number
  secondInTime: number
  /** Survivors without a living neighbor at the end. */
  alone: number
  /** Survivors outside of the largest component at the end. */
  separated: number
  /** Virtual milliseconds from the deaths until the survivors were one component with nobody alone; `Infinity` if never. Looked at once a second. */
  healedMs: number
}

/** Means over a seed's rounds. */
export type SeedResult = Partial<RoundResult> & Partial<KillResult> & {
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
  return config.seeds.map((seed, i) => {
    const result = config.kill === undefined ? runRounds(config, seed, (done) => progress?.((i + done) / config.seeds.length)) : runKill(config, config.kill, seed)
    progress?.((i + 1) / config.seeds.length)

    return result
  })
}

function runRounds (config: ExperimentConfig, seed: number, progress: Progress): SeedResult {
  const simulation = new Simulation({ ...config, seed })
  simulation.bootstrap()
  const overlay = measureOverlay(simulation.network)
  const results = simulation.rounds(config.rounds, config.senders, progress)

  return {
    seed,
    ...meanOf(results),
    rmrFirst: results[0]?.rmr,
    rmrThird: results.length > 2 ? mean(results.slice(2).map((result) => result.rmr)) : undefined,
    overlay,
    steps: simulation.network.steps
  }
}

function runKill (config: ExperimentConfig, share: number, seed: number): SeedResult {
  const simulation = new Simulation({ ...config, seed })
  const { network } = simulation
  simulation.bootstrap()
  const overlay = measureOverlay(network)
  const timeoutMs = config.roundTimeoutMs ?? 5_000
  const healMs = config.healMs ?? 300_000
  simulation.kill(share)
  const start = network.now
  const survivors = network.alive().length
  const fraction = ({ delivered }: { delivered: Set<number> }): number => (delivered.size - 1) / (survivors - 1)
  let healedMs = Infinity

  const lookWhetherHealed = (): void => {
    if (healedMs === Infinity) {
      const { components } = measureOverlay(network, 0)

      if (components.length === 1) {
        healedMs = network.now - start
      } else {
        network.at(network.now + 1_000, lookWhetherHealed)
      }
    }
  }

  network.at(start + 1_000, lookWhetherHealed)
  const first = simulation.broadcast(simulation.randomNode())
  network.run(start + timeoutMs, () => first.delivered.size === survivors)
  const firstInTime = fraction(first)
  const second = simulation.broadcast(simulation.randomNode())
  network.run(network.now + timeoutMs, () => second.delivered.size === survivors)
  const secondInTime = fraction(second)
  network.run(start + healMs)
  const third = simulation.broadcast(simulation.randomNode())
  network.run(network.now + timeoutMs, () => third.delivered.size === survivors)
  const after = measureOverlay(network, 0)

  return {
    seed,
    firstMessage: fraction(first),
    secondMessage: fraction(second),
    afterHeal: fraction(third),
    firstInTime,
    secondInTime,
    alone: after.alone,
    separated: survivors - after.components[0],
    healedMs,
    overlay,
    steps: network.steps
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
