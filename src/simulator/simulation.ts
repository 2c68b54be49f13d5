import { Rng } from '../proto/index.ts'
import { contentOf, sequenceOf } from './content.ts'
import { brokenInvariants } from './invariants.ts'
import { Network } from './network.ts'
import type { RuleSet } from './machine.ts'
import type { NetworkConfig } from './network.ts'

/** Who publishes in a round: the same node always, another one each time, or all at once. */
export type Senders = 'one' | 'new' | 'all'

/** What one round of broadcasts came to. */
export interface RoundResult {
  /** Relative message redundancy as in the PlumTree paper (p. 8): payloads received / deliveries wanted - 1. */
  rmr: number
  /** The same as the Rust crate's simulator has it, which divides by one delivery less. */
  rmrRust: number
  /** Last delivery hop: the highest round of a delivered message. A neighbor of the sender gets round 0. */
  ldh: number
  /** Milliseconds until the last delivery, or until the round was given up. */
  lastDeliveryMs: number
  /** Milliseconds until half, and 99 %, of the deliveries. */
  p50Ms: number
  p99Ms: number
  /** Mean hops of a delivery. */
  hops: number
  /** Deliveries that did not happen. */
  missed: number
  /** Deliveries that did, of those wanted. */
  reliability: number
  /** Control messages of PlumTree (Prune, Graft, IHave) that were received. */
  control: number
  /** How the nodes with upstream's rules fared, where there are others too: mean milliseconds of their deliveries, and those that did not happen. */
  upstreamMs?: number
  upstreamMissed?: number
}

export interface SimulationConfig extends NetworkConfig {
  nodes: number
  /**
   * Rules of each node, by index; `mixed`: `ours` and `upstream` in turn.
   *
   * @default 'ours' for all
   */
  rules?: RuleSet | 'mixed' | ((node: number) => RuleSet)
  /**
   * The share of nodes that others cannot dial (NAT): they are reached only over
   * connections that they opened. Never the first node, which all join through.
   *
   * @default 0
   */
  unreachable?: number
  /**
   * Virtual milliseconds before the first broadcast.
   *
   * @default 10000
   */
  warmupMs?: number
  /**
   * Milliseconds after which a round is given up.
   *
   * @default 5000 (iroh-gossip's simulator)
   */
  roundTimeoutMs?: number
  /**
   * Bytes of each content.
   *
   * @default 32
   */
  contentBytes?: number
  /**
   * Whether all that must hold of a node is checked after each event (see
   * `brokenInvariants`), and that no message is delivered twice; a run in which
   * it does not ends with an error. Takes about twice the time.
   *
   * @default false
   */
  check?: boolean
}

/** A message on its way through the swarm. */
export interface Broadcast {
  readonly content: Uint8Array
  readonly sender: number
  readonly sentAt: number
  /** When each node got it, in virtual milliseconds; its sender included. */
  readonly delivered: Map<number, number>
}

/** Messages that nodes received, by what they are for. */
export interface Received {
  payloads: number
  /** Prune, Graft, IHave. */
  control: number
  membership: number
}

/** How often a progress bar hears of a stretch of time. */
const PROGRESS_STEPS = 40

/**
 * A swarm whose nodes all join through the first one at the same time, and the
 * rounds of broadcasts in it. The steps are those of the Rust crate's simulator.
 */
export class Simulation {
  readonly network: Network
  /** Deliveries of a message to a node that had it. */
  duplicates = 0
  /** Since the beginning. */
  readonly received: Received = { payloads: 0, control: 0, membership: 0 }
  private readonly config: SimulationConfig
  private readonly rng: Rng
  private readonly bySequence = new Map<number, Broadcast>()
  private sequence = 0
  private maxHop = 0
  private hops = 0
  private times: number[] = []
  private wanted = 0

  constructor (config: SimulationConfig) {
    this.config = config
    this.rng = new Rng(config.seed ^ 0x7369)
    this.network = new Network(config)

    if (config.check === true) {
      this.network.stepListener = (node) => { this.check(node) }
    }

    this.network.messageListener = (_, message) => {
      switch (message.type) {
        case 'gossip': this.received.payloads++; break
        case 'prune':
        case 'graft':
        case 'iHave': this.received.control++; break
        default: this.received.membership++
      }
    }
    this.network.listener = (node, event) => {
      if (event.type === 'received') {
        this.onReceived(node, event.content, event.scope.type === 'swarm' ? event.scope.round : 0)
      }
    }
  }

  /** Adds a node of the next index, with the rules and the reachability that the configuration has for it; it has yet to join. */
  add (): number {
    const { rules = 'ours', unreachable = 0, seed } = this.config
    const index = this.network.nodes.length

    return this.network.add(rulesOf(rules, index), {
      unreachable: index > 0 && unreachable > 0 && new Rng(seed ^ 0x6e61 ^ index << 8).float() < unreachable
    })
  }

  /**
   * Adds all nodes, lets them join through the first, and lets the warm-up pass.
   *
   * @param progress - hears the share that is done
   */
  bootstrap (progress?: (done: number) => void): void {
    const { nodes, warmupMs = 10_000 } = this.config

    for (let i = 0; i < nodes; i++) {
      this.network.join(this.add(), i === 0 ? [] : [0])
    }

    this.pass(warmupMs, progress)
  }

  /**
   * Lets virtual milliseconds pass.
   *
   * @param progress - hears the share that is done
   */
  pass (ms: number, progress?: (done: number) => void): void {
    const start = this.network.now

    for (let i = 1; i <= PROGRESS_STEPS; i++) {
      this.network.run(start + ms * i / PROGRESS_STEPS)
      progress?.(i / PROGRESS_STEPS)
    }
  }

  /** A random node that is not gone. */
  randomNode (): number {
    const alive = this.network.alive()

    return alive[this.rng.below(alive.length)]
  }

  /**
   * A share of all nodes is gone at once, without a word.
   *
   * @param spared - a node that lives on
   */
  kill (share: number, spared?: number): void {
    const alive = this.network.alive()
    const doomed = this.rng.shuffle(alive.filter((node) => node !== spared))

    for (const node of doomed.slice(0, Math.round(share * alive.length))) {
      this.network.crash(node)
    }
  }

  /** Publishes a message of its own kind and goes on at once. */
  broadcast (sender: number): Broadcast {
    const sequence = this.sequence++
    const content = contentOf(sequence, this.config.contentBytes ?? 32)
    const broadcast: Broadcast = { content, sender, sentAt: this.network.now, delivered: new Map([[sender, this.network.now]]) }
    this.bySequence.set(sequence, broadcast)
    this.network.broadcast(sender, content)

    return broadcast
  }

  /** One round: each sender publishes a message, and all wait until everybody has all of them, or the time is up. */
  round (senders: number[]): RoundResult {
    const { network } = this
    const start = network.now
    this.bySequence.clear()
    const before = { ...this.received }
    this.maxHop = 0
    this.hops = 0
    this.times = []
    this.wanted = senders.length * (network.alive().length - 1)

    const broadcasts = senders.map((sender) => this.broadcast(sender))

    network.run(start + (this.config.roundTimeoutMs ?? 5_000), () => this.times.length >= this.wanted)

    const delivered = this.times.length
    const payloads = this.received.payloads - before.payloads
    const times = this.times.map((time) => time - start)

    return {
      rmr: payloads / delivered - 1,
      rmrRust: payloads / (delivered - 1) - 1,
      ldh: this.maxHop,
      lastDeliveryMs: network.now - start,
      p50Ms: quantile(times, this.wanted, 0.5),
      p99Ms: quantile(times, this.wanted, 0.99),
      hops: this.hops / delivered,
      missed: this.wanted - delivered,
      reliability: delivered / this.wanted,
      control: this.received.control - before.control,
      ...(typeof this.config.rules === 'function' || this.config.rules === 'mixed' ? this.ofUpstream(broadcasts) : {})
    }
  }

  /** How nodes with upstream's rules fared. */
  private ofUpstream (broadcasts: Broadcast[]): { upstreamMs: number, upstreamMissed: number } {
    const { network } = this
    const nodes = network.alive().filter((node) => network.nodes[node].rules === 'upstream')
    let [sum, got, missed] = [0, 0, 0]

    for (const { delivered, sender, sentAt } of broadcasts) {
      for (const node of nodes) {
        const at = delivered.get(node)

        if (at === undefined) {
          missed++
        } else if (node !== sender) {
          sum += at - sentAt
          got++
        }
      }
    }

    return { upstreamMs: sum / got, upstreamMissed: missed }
  }

  /** So many rounds, one after the other; `progress` hears the share that is done. */
  rounds (count: number, senders: Senders, progress?: (done: number) => void): RoundResult[] {
    const single = this.randomNode()
    const results: RoundResult[] = []

    for (let i = 0; i < count; i++) {
      results.push(this.round(senders === 'all' ? this.network.alive() : [senders === 'one' ? single : this.randomNode()]))
      progress?.((i + 1) / count)
    }

    return results
  }

  /** So many rounds of one message each, by whom the function names. */
  roundsOf (count: number, sender: () => number): RoundResult[] {
    return Array.from({ length: count }, () => this.round([sender()]))
  }

  private check (node: number): void {
    const broken = brokenInvariants(this.network.nodes[node])

    if (this.duplicates > 0) {
      broken.push('a message delivered twice')
    }

    if (broken.length > 0) {
      throw new Error(`seed ${this.config.seed}, ${this.network.now} ms, node ${node}: ${broken.join('; ')}`)
    }
  }

  private onReceived (node: number, content: Uint8Array, hop: number): void {
    const broadcast = this.bySequence.get(sequenceOf(content))

    if (broadcast === undefined) {
      // of an earlier round, which was given up
      return
    }

    if (broadcast.delivered.has(node)) {
      this.duplicates++

      return
    }

    broadcast.delivered.set(node, this.network.now)
    this.times.push(this.network.now)
    this.hops += hop
    this.maxHop = Math.max(this.maxHop, hop)
  }
}

function rulesOf (rules: RuleSet | 'mixed' | ((node: number) => RuleSet), node: number): RuleSet {
  if (rules === 'mixed') {
    return node % 2 === 0 ? 'ours' : 'upstream'
  }

  return typeof rules === 'string' ? rules : rules(node)
}

/** When a share of all that was wanted had arrived; `Infinity` if it never did. Times come in order. */
function quantile (times: number[], wanted: number, share: number): number {
  return times[Math.ceil(wanted * share) - 1] ?? Infinity
}
