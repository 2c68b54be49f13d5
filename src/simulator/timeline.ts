import { Rng } from '../proto/index.ts'
import { Deliveries } from './deliveries.ts'
import { reachableFrom, measureOverlay } from './overlay.ts'
import { Simulation } from './simulation.ts'
import type { WatchedBroadcast } from './deliveries.ts'
import type { OverlayReport } from './overlay.ts'
import type { ScenarioAction, ScenarioEvent, Whom } from './scenario-events.ts'
import type { SimulationConfig } from './simulation.ts'

/** What happens in a run that goes on in one piece. Times count from the end of the warm-up, in virtual milliseconds. */
export interface TimelineConfig {
  durationMs: number
  /** Between two broadcasts, each by a random node. */
  broadcastEveryMs: number
  /** So many of the nodes alive, as a share, are replaced in a minute: half of them crash, half say goodbye, and each time a newcomer joins. */
  churnPerMinute: number
  /** So many of the connections between neighbors, as a share, break in a minute. */
  linkLossPerMinute: number
  events: ScenarioEvent[]
}

/** What became of the broadcasts. */
export interface TimelineResult {
  broadcasts: number
  /**
   * Deliveries of those wanted, as of the round timeout after each broadcast,
   * and as of the end. Wanted are all nodes that were connected with the sender
   * (in one piece of overlay) when it was sent, and neither died nor were parted
   * from it by a partition before the timeout was over.
   */
  inTime: number
  reliability: number
  /** Mean over the broadcasts: milliseconds to the last delivery, of those that came in time. */
  lastDeliveryMs: number
  /** Payloads received / deliveries - 1. */
  rmr: number
  /** Membership messages that a node received in a minute. */
  membershipPerMinute: number
  /** From the last event's end until there was one overlay and nobody alone; `Infinity` if never. Looked at ten times a second. */
  healedMs: number
  /** At the end: living nodes without a neighbor, and outside of the largest component. */
  alone: number
  separated: number
  /** Nodes alive at the end. */
  alive: number
}

/** What had become of a broadcast when its time was over. */
interface InTime extends WatchedBroadcast {
  delivered: number
  lastMs: number
}

const MINUTE_MS = 60_000
/** How often it is looked how many nodes and links a rate is a share of. */
const RATE_SLICE_MS = 1_000
/** How often it is looked whether the overlay is one. */
const LOOK_MS = 100

/**
 * Lets time pass with all that the configuration says.
 *
 * @param progress - hears the share of the virtual time that is over
 * @returns its result and the overlay after the warm-up
 */
export function runTimeline (config: SimulationConfig & { timeline: TimelineConfig }, progress?: (done: number) => void): TimelineResult & { overlay: OverlayReport, steps: number } {
  const simulation = new Simulation(config)
  const warmupMs = config.warmupMs ?? 10_000
  const share = warmupMs / (warmupMs + config.timeline.durationMs)
  simulation.bootstrap((done) => progress?.(done * share))
  const overlay = measureOverlay(simulation.network)
  const timeline = new Timeline(simulation, config)
  const result = timeline.run((done) => progress?.(share + done * (1 - share)))

  return { ...result, overlay, steps: simulation.network.steps }
}

class Timeline {
  private readonly simulation: Simulation
  private readonly config: TimelineConfig
  private readonly timeoutMs: number
  private readonly rng: Rng
  private readonly start: number
  private readonly deliveries: Deliveries
  private readonly inTime: InTime[] = []
  /** When the last thing happened that can harm the overlay. */
  private harmedUntil: number
  private healedAt = Infinity

  constructor (simulation: Simulation, config: SimulationConfig & { timeline: TimelineConfig }) {
    this.simulation = simulation
    this.config = config.timeline
    this.timeoutMs = config.roundTimeoutMs ?? 5_000
    this.rng = new Rng(config.seed ^ 0x7469)
    this.deliveries = new Deliveries(simulation, this.timeoutMs)
    this.start = simulation.network.now
    this.harmedUntil = this.start
  }

  run (progress: (done: number) => void): TimelineResult {
    const { simulation: { network }, config, start } = this
    const end = start + config.durationMs
    const [payloads, membership] = [this.simulation.received.payloads, this.simulation.received.membership]

    for (const event of config.events) {
      const until = Math.min(event.untilMs ?? event.atMs, config.durationMs)

      for (let at = event.atMs; at <= until; at += event.everyMs ?? Infinity) {
        network.at(start + at, () => { this.perform(event) })
      }
    }

    this.every(config.broadcastEveryMs, end - this.timeoutMs, () => { this.broadcast() })
    this.atRate(config.churnPerMinute, () => network.alive().length, end, () => { this.churn() })
    this.atRate(config.linkLossPerMinute, () => this.links().length, end, () => { this.cutOne() })
    network.at(start + LOOK_MS, () => { this.look(end) })

    for (let i = 1; i <= 100; i++) {
      network.run(start + config.durationMs * i / 100)
      progress(i / 100)
    }

    const after = measureOverlay(network, 0)
    const sum = (of: (watched: InTime) => number): number => this.inTime.reduce((total, watched) => total + of(watched), 0)
    const wanted = sum(({ wanted }) => wanted.size)
    const deliveries = sum(({ broadcast }) => broadcast.delivered.size - 1)

    return {
      broadcasts: this.inTime.length,
      inTime: sum(({ delivered }) => delivered) / wanted,
      reliability: sum((watched) => this.deliveries.delivered(watched)) / wanted,
      lastDeliveryMs: sum(({ lastMs }) => lastMs) / this.inTime.length,
      rmr: (this.simulation.received.payloads - payloads) / deliveries - 1,
      membershipPerMinute: (this.simulation.received.membership - membership) / after.nodes / (config.durationMs / MINUTE_MS),
      healedMs: this.healedAt - this.harmedUntil,
      alone: after.alone,
      separated: after.nodes - after.components[0],
      alive: after.nodes
    }
  }

  private every (pauseMs: number, end: number, run: () => void): void {
    const { network } = this.simulation
    const next = network.now + pauseMs

    if (next <= end) {
      network.at(next, () => {
        run()
        this.every(pauseMs, end, run)
      })
    }
  }

  /** Runs at random times, so often that it concerns this share of what there is each minute. */
  private atRate (perMinute: number, count: () => number, end: number, run: () => void): void {
    const { network } = this.simulation
    let due = 0

    if (perMinute > 0) {
      this.every(RATE_SLICE_MS, end, () => {
        due += perMinute * count() * RATE_SLICE_MS / MINUTE_MS

        for (; due >= 1; due--) {
          network.at(network.now + this.rng.float() * RATE_SLICE_MS, run)
        }
      })
    }
  }

  private perform (event: ScenarioAction): void {
    const { network } = this.simulation

    switch (event.do) {
      case 'crash':
      case 'leave':
        this.harmed()
        this.pick(event.whom).forEach((node) => { network[event.do](node) })
        break
      case 'pause':
        this.harmed(event.forMs)
        this.pick(event.whom).forEach((node) => { network.pause(node, event.forMs) })
        break
      case 'join':
        this.harmed()
        Array.from({ length: event.count }, () => this.randomContact()).forEach((contact) => { this.join(contact) })
        break
      case 'cut': {
        this.harmed()
        const links = this.rng.shuffle(this.links())
        links.slice(0, Math.round(event.share * links.length)).forEach(([a, b]) => { network.cut(a, b) })
        break
      }
      case 'partition':
        this.partition(event.shares, event.forMs, event.noticeMs)
        break
      case 'broadcast':
        for (let i = 0; i < event.count; i++) {
          this.broadcast()
        }

        break
      default:
        event satisfies never
    }
  }

  private partition (shares: number[], forMs: number, noticeMs: number): void {
    const { network } = this.simulation
    const salt = this.rng.next()
    const sides = (node: number): number => sideOf(new Rng(node + salt).float(), shares)
    this.harmed(forMs)
    network.partition(sides, noticeMs)

    this.deliveries.part(sides)
    network.at(network.now + forMs, () => { network.partition(undefined) })
  }

  private churn (): void {
    const { network } = this.simulation
    const [gone, contact] = [this.randomNode(), this.randomContact()]

    if (gone !== contact) {
      this.harmed()
      network[this.rng.below(2) === 0 ? 'crash' : 'leave'](gone)
      this.join(contact)
    }
  }

  private cutOne (): void {
    const { network } = this.simulation
    const node = this.randomNode()
    const neighbors = network.neighbors(node)

    if (neighbors.length > 0) {
      network.cut(node, neighbors[this.rng.below(neighbors.length)])
    }
  }

  private join (contact: number): void {
    const { network } = this.simulation
    network.join(this.simulation.add(), [contact])
  }

  private broadcast (): void {
    const { network } = this.simulation
    const watched = this.deliveries.broadcast(this.randomNode())
    const { broadcast: { delivered, sentAt }, wanted } = watched

    network.at(network.now + this.timeoutMs, () => {
      this.deliveries.forgetDead(watched)
      this.inTime.push({
        ...watched,
        delivered: this.deliveries.delivered(watched),
        lastMs: Math.max(0, ...[...wanted.keys()].map((node) => (delivered.get(node) ?? sentAt) - sentAt))
      })
    })
  }

  private harmed (forMs = 0): void {
    this.harmedUntil = Math.max(this.harmedUntil, this.simulation.network.now + forMs)
    this.healedAt = Infinity
  }

  private look (end: number): void {
    const { network } = this.simulation

    if (this.healedAt === Infinity && network.now >= this.harmedUntil && reachableFrom(network, this.randomNode()).size === network.alive().length) {
      this.healedAt = network.now
    }

    if (network.now + LOOK_MS <= end) {
      network.at(network.now + LOOK_MS, () => { this.look(end) })
    }
  }

  private pick (whom: Whom): number[] {
    const { network } = this.simulation

    if ('nodes' in whom) {
      return whom.nodes.filter((node) => network.nodes[node]?.alive)
    }

    const alive = this.rng.shuffle(network.alive())

    return alive.slice(0, Math.round(whom.share * alive.length))
  }

  private randomNode (): number {
    const alive = this.simulation.network.alive()

    return alive[this.rng.below(alive.length)]
  }

  /** A node that a newcomer can dial. */
  private randomContact (): number {
    const { network } = this.simulation
    const reachable = network.alive().filter((node) => !network.nodes[node].unreachable)

    return reachable[this.rng.below(reachable.length)] ?? this.randomNode()
  }

  /** Each pair of neighbors once. */
  private links (): Array<[number, number]> {
    const { network } = this.simulation

    return network.alive().flatMap((node) => network.neighbors(node).filter((other) => other > node).map((other): [number, number] => [node, other]))
  }
}

function sideOf (place: number, shares: number[]): number {
  let left = place
  const side = shares.findIndex((share) => (left -= share) < 0)

  return side === -1 ? shares.length - 1 : side
}
