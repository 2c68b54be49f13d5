import { measureOverlay } from './overlay.ts'
import { Simulation } from './simulation.ts'
import type { OverlayReport } from './overlay.ts'
import type { Broadcast, SimulationConfig } from './simulation.ts'

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

/** What of a run is the joining and warming up, for the progress bar: a guess. */
const BOOTSTRAP_SHARE = 0.5

/**
 * Lets a share of the nodes die at once after the warm-up, and broadcasts three times.
 *
 * @param share - below 1
 * @param progress - hears the share of the run that is done
 */
export function runKill (config: SimulationConfig & { healMs?: number }, share: number, progress: (done: number) => void): KillResult & { overlay: OverlayReport, steps: number } {
  const simulation = new Simulation(config)
  const { network } = simulation
  simulation.bootstrap((done) => { progress(done * BOOTSTRAP_SHARE) })
  const overlay = measureOverlay(network)
  const timeoutMs = config.roundTimeoutMs ?? 5_000
  const healMs = config.healMs ?? 300_000
  simulation.kill(share)
  const start = network.now
  const survivors = network.alive().length
  const fraction = ({ delivered }: Broadcast): number => (delivered.size - 1) / (survivors - 1)
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
  simulation.pass(start + healMs - network.now, (done) => { progress(BOOTSTRAP_SHARE + done * (1 - BOOTSTRAP_SHARE)) })
  const third = simulation.broadcast(simulation.randomNode())
  network.run(network.now + timeoutMs, () => third.delivered.size === survivors)
  const after = measureOverlay(network, 0)

  return {
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
