import { mean } from './experiment.ts'
import { measureOverlay, reachableFrom } from './overlay.ts'
import { Simulation } from './simulation.ts'
import type { LatencyConfig } from './latency.ts'
import type { RuleSet } from './machine.ts'
import type { OverlayReport } from './overlay.ts'
import type { RoundResult } from './simulation.ts'

/** One point of the papers' figures: so many nodes, of which a share fails at once. */
export interface PaperConfig {
  nodes: number
  /** From 0 (nothing fails) to below 1. */
  failing: number
  rules: RuleSet
  seed: number
  latency: LatencyConfig
  /** Virtual milliseconds from the joining of all to the tree's first message. */
  warmupMs: number
  /** Messages of one sender, and then as many of a new sender each. */
  rounds: number
}

/** Means over the messages of a stretch. */
export interface PaperBroadcasts {
  /** Relative message redundancy, SRDS 2007 p. 8. */
  rmr: number
  /** Last delivery hop; the sender's neighbors count as hop 1, as in the paper. */
  ldh: number
  /** Share of the living nodes that a message reached within five seconds. */
  reliability: number
}

/** What became of it. */
export interface PaperPoint {
  rules: RuleSet
  failing: number
  seed: number
  /** The overlay before anything failed, and after the last message. */
  before: OverlayReport
  after: OverlayReport
  /**
   * Share of the survivors that a flood of a random one would reach over what is
   * left of the active views, before anybody has reacted: HyParView alone,
   * without repair.
   */
  floodAtOnce: number
  /** The same for the first broadcast that was really sent, at the moment of the failures, within five seconds. */
  firstMessage: number
  /** Virtual milliseconds until a flood would have reached every survivor again; `Infinity` if not while the messages lasted. Looked at ten times a second. */
  recoveredMs: number
  /** Messages of one sender, whose tree stood before the failures; the first of them is `firstMessage`. */
  oneSender: PaperBroadcasts
  /** Then messages of a new sender each. */
  manySenders: PaperBroadcasts
}

/** The shares that fail in the figures of the two papers. */
export const PAPER_FAILURES = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95] as const

/** Messages that build the sender's tree before anything fails. */
const TREE_ROUNDS = 5
const LOOK_MS = 100

/**
 * Redoes one point of the figures of the HyParView paper (DSN 2007) and of the
 * PlumTree paper (SRDS 2007), both of 10,000 nodes. The papers' simulator
 * counts cycles and steps where this one has milliseconds: a node of theirs
 * learns of a death when it sends to the dead, one of ours a latency later.
 *
 * @param progress - hears the share that is done
 */
export function runPaperPoint (config: PaperConfig, progress?: (done: number) => void): PaperPoint {
  const simulation = new Simulation(config)
  const { network } = simulation
  simulation.bootstrap((done) => progress?.(done / 2))
  const before = measureOverlay(network)
  const sender = simulation.randomNode()
  simulation.roundsOf(TREE_ROUNDS, () => sender)
  simulation.kill(config.failing, sender)
  const start = network.now
  const survivors = network.alive().length
  const isWhole = (): boolean => reachableFrom(network, sender).size === survivors
  // of a random sender: a piece of so many nodes has that many of the senders, and each reaches all others of it
  const floodAtOnce = measureOverlay(network, 0).components.reduce((sum, size) => sum + size * (size - 1), 0) / (survivors * (survivors - 1))
  let recoveredMs = isWhole() ? 0 : Infinity

  const look = (): void => {
    if (recoveredMs === Infinity && isWhole()) {
      recoveredMs = network.now - start
    } else if (recoveredMs === Infinity) {
      network.at(network.now + LOOK_MS, look)
    }
  }

  network.at(start + LOOK_MS, look)
  const one = simulation.roundsOf(config.rounds, () => sender)
  progress?.(0.75)
  const many = simulation.roundsOf(config.rounds, () => simulation.randomNode())
  progress?.(1)

  return {
    rules: config.rules,
    failing: config.failing,
    seed: config.seed,
    before,
    after: measureOverlay(network),
    floodAtOnce,
    firstMessage: one[0].reliability,
    recoveredMs,
    oneSender: meansOf(one),
    manySenders: meansOf(many)
  }
}

function meansOf (rounds: RoundResult[]): PaperBroadcasts {
  // a sender without neighbors reaches nobody, which has neither redundancy nor hops
  const arrived = rounds.filter(({ reliability }) => reliability > 0)

  return {
    rmr: mean(arrived.map(({ rmr }) => rmr)),
    ldh: 1 + mean(arrived.map(({ ldh }) => ldh)),
    reliability: mean(rounds.map(({ reliability }) => reliability))
  }
}
