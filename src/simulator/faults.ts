import { Rng } from '../proto/index.ts'
import { Deliveries } from './deliveries.ts'
import { brokenInvariants, keptWhenQuiet } from './invariants.ts'
import { measureOverlay } from './overlay.ts'
import { Simulation } from './simulation.ts'
import type { RuleSet } from './machine.ts'

/** One run of random failures. */
export interface FaultScheduleConfig {
  /** Decides everything: the same seed gives the same run. */
  seed: number
  /**
   * Nodes at the beginning.
   *
   * @default drawn from 2 to 13
   */
  nodes?: number
  rules?: RuleSet
}

/** What a schedule of failures came to. */
export interface FaultScheduleResult {
  seed: number
  nodes: number
  /** What happened, in order: virtual seconds and what. */
  log: string[]
  /** What should hold and did not; empty if all is well. */
  broken: string[]
}

/** Virtual milliseconds without failures, after which everything must be well again. */
const QUIET_MS = 90_000
/** A broadcast may take that long before a partition begins, which it then need not have crossed. */
const UNDER_WAY_MS = 10_000
/** Broadcasts at the end; a link that is exchanged meanwhile costs one of them a payload. */
const ROUNDS = 20
/** Failures of one schedule. */
const MAX_FAULTS = 12

/**
 * Lets random failures happen to a swarm (crashes, departures, newcomers,
 * broken connections, partitions, standstills, broadcasts in between), waits,
 * and checks what must hold:
 *
 * At every step views are disjoint and bounded, maps too, and no message is
 * delivered twice. In the end there is one overlay, links are mutual, what was
 * broadcast meanwhile has reached all that were connected with its sender, new
 * broadcasts reach everybody, the tree loses its cycles (RMR falls to 0, where
 * there is no jitter), and what is kept for messages is forgotten.
 */
export function runFaultSchedule (config: FaultScheduleConfig): FaultScheduleResult {
  const rng = new Rng(config.seed ^ 0x6661)
  const nodes = config.nodes ?? 2 + rng.below(12)
  const log: string[] = []
  const broken = new Set<string>()
  const jitterMs = rng.below(2) * 20
  const simulation = new Simulation({
    nodes,
    seed: config.seed,
    rules: config.rules,
    // no path is slower than another by more than a graft timeout: else trees change for ever
    latency: { type: 'uniform', minMs: 5, maxMs: 25 },
    jitterMs,
    warmupMs: 1_000 + rng.below(10_000),
    dialFailureMs: 200
  })
  const { network } = simulation
  const deliveries = new Deliveries(simulation, UNDER_WAY_MS)
  let duplicates = 0
  const say = (what: string): void => {
    log.push(`${(network.now / 1000).toFixed(2)} ${what}`)
  }
  network.stepListener = (index) => {
    for (const what of brokenInvariants(network.nodes[index])) {
      broken.add(`${(network.now / 1000).toFixed(2)} node ${index}: ${what}`)
    }

    if (simulation.duplicates > duplicates) {
      duplicates = simulation.duplicates
      broken.add(`${(network.now / 1000).toFixed(2)} node ${index}: a message delivered twice`)
    }
  }
  simulation.bootstrap()

  for (let faults = rng.below(MAX_FAULTS + 1); faults > 0; faults--) {
    const alive = network.alive()
    const node = alive[rng.below(alive.length)]

    switch (rng.below(7)) {
      case 0:
      case 1: {
        // node 0 stays: whoever joins later knows no other contact
        const how = rng.below(2) === 0 ? 'crash' : 'leave'

        if (node !== 0) {
          say(`${how} ${node}`)
          network[how](node)
        }

        break
      }
      case 2: {
        const index = network.add(config.rules)
        say(`join ${index}`)
        network.join(index, [0])
        break
      }
      case 3: {
        const neighbors = network.neighbors(node)

        if (neighbors.length > 0) {
          const other = neighbors[rng.below(neighbors.length)]
          say(`cut ${node} ${other}`)
          network.cut(node, other)
        }

        break
      }
      case 4: {
        const ms = 1_000 + rng.below(120_000)
        const salt = rng.below(1_000)
        say(`partition for ${ms} ms`)
        const sides = (index: number): number => new Rng(index + salt).below(2)
        deliveries.part(sides)
        network.partition(sides, rng.below(20_000))
        network.run(network.now + ms)
        network.partition(undefined)
        say('partition over')
        break
      }
      case 5:
        say(`pause ${node}`)
        network.pause(node, rng.below(30_000))
        break
      default:
        say(`broadcast ${node}`)
        deliveries.broadcast(node)
    }

    network.run(network.now + rng.below(10_000))
  }

  checkCalm(simulation, jitterMs, broken)

  for (const watched of deliveries.watched) {
    deliveries.forgetDead(watched)

    if (deliveries.delivered(watched) < watched.wanted.size) {
      broken.add(`a broadcast of node ${watched.broadcast.sender} at ${(watched.broadcast.sentAt / 1000).toFixed(2)} that some who were connected with it never got`)
    }
  }

  return { seed: config.seed, nodes, log, broken: [...broken] }
}

/** Lets the swarm come to rest and notes what is wrong then. */
function checkCalm (simulation: Simulation, jitterMs: number, broken: Set<string>): void {
  const { network } = simulation
  network.run(network.now + QUIET_MS)
  let overlay = measureOverlay(network, 0)

  // a link may be on its way from one to another at any moment; not for long
  for (let i = 0; i < 10 && overlay.symmetric < 1; i++) {
    network.run(network.now + 1_000)
    overlay = measureOverlay(network, 0)
  }

  if (overlay.components.length > 1) {
    broken.add(`${overlay.components.length} parts after the failures: ${overlay.components.join(', ')}`)
  }

  if (overlay.symmetric < 1) {
    broken.add('links that are not mutual')
  }

  const alive = network.alive()
  const results = alive.length < 2 ? [] : Array.from({ length: ROUNDS }, () => simulation.round([alive[0]]))

  if (results.some(({ missed }) => missed > 0)) {
    broken.add('a broadcast that did not reach everybody')
  }

  // with jitter another path is the fastest each time, and the tree follows it now and then
  if (jitterMs === 0 && results.length > 0 && results.every(({ rmr }) => rmr !== 0)) {
    broken.add('a tree that keeps a cycle')
  }

  // as long as anything is remembered, and a bit
  network.run(network.now + 130_000)

  for (const node of network.alive()) {
    keptWhenQuiet(network.nodes[node]).forEach((what) => broken.add(what))
  }
}
