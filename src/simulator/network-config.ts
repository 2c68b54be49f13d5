import type { LatencyConfig } from './latency.ts'
import type { Machine, RuleSet } from './machine.ts'
import type { SendHandle } from './send-handles.ts'
import type { Traffic } from './traffic.ts'
import type { ConfigInit, LazyMap, Message, PeerKey, TopicEvent } from '../proto/index.ts'

export interface NetworkConfig {
  /** Same seed, same run, on every machine. */
  seed: number
  latency: LatencyConfig
  /**
   * Milliseconds, uniform from 0, that each message takes beyond its pair's
   * latency. Messages of a pair keep their order, as on a stream.
   *
   * @default 0
   */
  jitterMs?: number
  /**
   * What letting go of a peer does. `closes`: the other side hears that the
   * connection is gone, one latency later, as in the Rust crate's simulator.
   * `silent`: nothing. `crate`: nothing either, and nodes with upstream's rules
   * have the connections of the real crate, dead ones and failed dials
   * included (see `SendHandles`); a dial takes a round trip.
   *
   * @default 'closes'
   */
  release?: 'closes' | 'silent' | 'crate'
  /**
   * Milliseconds until the peers of a node that died hear of it. `latency`: one
   * latency, as in the Rust crate's simulator.
   *
   * @default 'latency'
   */
  deathNotice?: 'latency' | number
  /**
   * Milliseconds until a sender hears that nobody can be reached there;
   * `Infinity`: never, as in the Rust crate's simulator.
   *
   * @default Infinity
   */
  dialFailureMs?: number
  /**
   * Bytes a second that each node can send, to all others together; messages
   * queue behind each other. Needs `traffic`, which knows their size.
   *
   * @default Infinity
   */
  bandwidth?: number
  /**
   * Bytes a second that pass from one node to one other, queueing likewise.
   *
   * @default Infinity
   */
  linkBandwidth?: number
  /** Overrides of the protocol's configuration, for nodes of both rule sets. */
  protocol?: ConfigInit
  /** Counts, and carries as bytes where asked to, what is sent. */
  traffic?: Traffic
}

/** Who hears of what the nodes tell their applications. */
export interface NetworkListener {
  (node: number, event: TopicEvent): void
}

/** Who looks at what is handed over. */
export interface MessageListener {
  (to: number, message: Message): void
}

/** Who looks at a node after each event. */
export interface StepListener {
  (node: number): void
}

/** A node of the simulation, by its place in `Network.nodes`. */
export interface SimulatedNode {
  readonly index: number
  readonly key: PeerKey
  readonly rules: RuleSet
  machine: Machine
  /** False from a crash or a departure on. */
  alive: boolean
  /** Others can reach it only over a connection that it opened. */
  unreachable: boolean
  /** Until this time it neither receives nor acts; what comes waits. */
  pausedUntil: number
  /** Tells timers of an earlier life apart. */
  life: number
  /** Nodes that it has a connection with. */
  readonly connections: Set<number>
  /** What it sends to each node through, where connections are the crate's. */
  readonly handles: LazyMap<number, SendHandle>
  /** When its last byte has left. */
  sendsUntil: number
  /** When its last byte to each node has left, where links have a bandwidth. */
  readonly linkSendsUntil: LazyMap<number, number>
  /** When the last message to each node arrives, where there is jitter. */
  readonly arrivals: LazyMap<number, number>
}
