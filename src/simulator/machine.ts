import type { InEvent, OutEvent, PeerKey, TopicKey } from '../proto/index.ts'

/** The one topic of a simulated swarm. */
export const TOPIC: TopicKey = '00'.repeat(32)

/** What goes into a simulated node: the core's events, but each machine has timers of its own. */
export type MachineEvent =
  | Exclude<InEvent, { type: 'timerExpired' }>
  | { type: 'timerExpired', timer: unknown }

/** What comes out of a simulated node. */
export type MachineEffect =
  | Exclude<OutEvent, { type: 'scheduleTimer' }>
  | { type: 'scheduleTimer', delayMs: number, timer: unknown }

/**
 * A node's protocol, as the network drives it: `State` of the package as it
 * ships, or `UpstreamState`, the rules of the Rust crate.
 */
export interface Machine {
  handle (event: MachineEvent, now: number): MachineEffect[]
  /** The active view. */
  neighbors (topic: TopicKey): PeerKey[]
  passivePeers (topic: TopicKey): PeerKey[]
  eagerPushPeers (topic: TopicKey): PeerKey[]
  lazyPushPeers (topic: TopicKey): PeerKey[]
  /** Sizes of all maps of the topic, where the machine tells them. */
  stats? (topic: TopicKey): { sizes: Readonly<Record<string, number>> } | undefined
}

/** Whose rules a node follows: this package's, or those of iroh-gossip 0.101. */
export type RuleSet = (typeof RULE_SETS)[number]

/** All rule sets. */
export const RULE_SETS = ['ours', 'upstream'] as const
