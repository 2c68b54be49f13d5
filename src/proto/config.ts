import type { PeerInfo, PeerKey } from './messages.ts'

/**
 * HyParView. The defaults are the paper's (p. 9) for an overlay of 10,000
 * nodes unless another source is named; they should be the same on every node.
 */
export interface MembershipConfig {
  /**
   * Neighbors per topic. More survive heavier failures and cost one IHave per
   * message and link beyond the tree.
   *
   * @default 5
   */
  activeViewCapacity: number
  /**
   * Peers remembered, without a connection, to replace lost neighbors. Should
   * exceed the logarithm of the swarm's size; costs memory and shuffle bytes.
   *
   * @default 30
   */
  passiveViewCapacity: number
  /**
   * ARWL: hops of a ForwardJoin before the newcomer is taken as a neighbor.
   * Longer walks spread newcomers further from their contact.
   *
   * @default 6
   */
  activeRandomWalkLength: number
  /**
   * PRWL: remaining hops at which a ForwardJoin leaves the newcomer in a passive view.
   *
   * @default 3
   */
  passiveRandomWalkLength: number
  /**
   * Hops of a Shuffle before it is answered.
   *
   * @default 6
   */
  shuffleRandomWalkLength: number
  /**
   * ka: neighbors named in a Shuffle.
   *
   * @default 3
   */
  shuffleActiveViewCount: number
  /**
   * kp: remembered peers named in a Shuffle.
   *
   * @default 4
   */
  shufflePassiveViewCount: number
  /**
   * Milliseconds between two Shuffles of a topic. Shorter keeps passive views
   * fresher and costs a random walk each time.
   *
   * @default 60000 (iroh-gossip; the paper speaks of cycles)
   */
  shuffleIntervalMs: number
  /**
   * Milliseconds after which an unanswered Neighbor request counts as failed
   * and the next remembered peer is asked. Grows by itself, up to ten seconds,
   * while peers answer later.
   *
   * @default 500 (iroh-gossip)
   */
  neighborRequestTimeoutMs: number
}

/**
 * PlumTree. The defaults are iroh-gossip's unless another source is named.
 */
export interface BroadcastConfig {
  /**
   * Armed by the first IHave for an unknown message; when it expires the
   * message is asked for with a Graft. Longer avoids needless payloads while
   * the eager copy is still on its way, and delays repair.
   *
   * @default 80 (the paper asks for about the overlay's diameter in round trips)
   */
  graftTimeout1Ms: number
  /**
   * Armed by a Graft; when it expires the next peer that announced the message
   * is asked. In the order of one round trip to a neighbor (paper p. 9).
   *
   * @default 40
   */
  graftTimeout2Ms: number
  /**
   * Armed by the first announcement to be made; when it expires all that have
   * gathered are sent as IHave. Longer batches better and delays repair.
   *
   * @default 5
   */
  dispatchTimeoutMs: number
  /**
   * The same in a topic with more than ten messages a second, growing with the
   * rate up to this at twenty. Longer saves packets, each of which costs as
   * much as a small payload, and delays the repair of a link that broke.
   *
   * @default 100 (ten announcements a second on a link; iroh-gossip has no such rule. With 250 a swarm where all publish at once took twice as long)
   */
  maxDispatchTimeoutMs: number
  /**
   * A link is replaced by a lazy one when the latter is at least so many hops
   * nearer to the message's origin. Lower reshapes trees more often. In a
   * topic with more than about seven messages a second it is not used: there
   * links are exchanged for a single sender only, as soon as one is shorter.
   *
   * @default 3 (paper p. 12 and iroh-gossip 7; with a new sender each time 3 gave fewer hops and less redundancy)
   */
  optimizationThreshold: number
  /**
   * Milliseconds a payload is kept to answer Grafts.
   *
   * @default 30000
   */
  messageCacheRetentionMs: number
  /**
   * Milliseconds a message id is remembered, so that the message is delivered
   * once. Should exceed the cache's retention of every peer.
   *
   * @default 120000 (iroh-gossip 90000: the margin covers what its cache re-sends)
   */
  messageIdRetentionMs: number
  /**
   * Milliseconds between two sweeps of the caches.
   *
   * @default 1000
   */
  cacheEvictIntervalMs: number
}

/**
 * What the core asks of its surroundings: pure functions, called synchronously.
 */
export interface Rules {
  /**
   * Whether we could open a connection to the peer. One that we cannot dial
   * is no member of the passive view, nor asked to be a neighbor.
   */
  canDial (peer: PeerInfo): boolean
  /** Whether a connection to the peer is open, so that asking it takes no dial. */
  isConnected (peer: PeerKey): boolean
  /**
   * Whether `to` may be told of `peer`: a Rust peer that is named somebody
   * whom it cannot dial never dials that peer again.
   */
  mayTell (to: PeerKey, peer: PeerInfo): boolean
  /**
   * Whether peer data says that its owner understands a Disconnect for a topic
   * that we are not in. A Rust peer does not: the answer cancels the very timer
   * that would have moved it on to its next candidate, so it hears nothing.
   */
  understandsRefusal (data: Uint8Array | undefined): boolean
}

/** Everybody can be dialed and named; nobody is known to be connected, or to understand a refusal. */
export const permissiveRules: Readonly<Rules> = {
  canDial: () => true,
  isConnected: () => false,
  mayTell: () => true,
  understandsRefusal: () => false
}

/** The whole configuration of the core, nothing left out. */
export interface Config {
  membership: MembershipConfig
  broadcast: BroadcastConfig
  /**
   * Bytes of the largest payload of a frame. Must be the same on every node.
   *
   * @default 4096
   */
  maxMessageSize: number
}

/** HyParView's defaults; each value's source stands at its field. */
export const defaultMembershipConfig: Readonly<MembershipConfig> = {
  activeViewCapacity: 5,
  passiveViewCapacity: 30,
  activeRandomWalkLength: 6,
  passiveRandomWalkLength: 3,
  shuffleRandomWalkLength: 6,
  shuffleActiveViewCount: 3,
  shufflePassiveViewCount: 4,
  shuffleIntervalMs: 60_000,
  neighborRequestTimeoutMs: 500
}

/** PlumTree's defaults; each value's source stands at its field. */
export const defaultBroadcastConfig: Readonly<BroadcastConfig> = {
  graftTimeout1Ms: 80,
  graftTimeout2Ms: 40,
  dispatchTimeoutMs: 5,
  maxDispatchTimeoutMs: 100,
  optimizationThreshold: 3,
  messageCacheRetentionMs: 30_000,
  messageIdRetentionMs: 120_000,
  cacheEvictIntervalMs: 1_000
}

/** Bytes of a frame's payload, as in iroh-gossip. */
export const DEFAULT_MAX_MESSAGE_SIZE = 4096

/** The least that control messages need, as in iroh-gossip. */
export const MIN_MAX_MESSAGE_SIZE = 512

/** Any part of a configuration; what is left out has its default. */
export interface ConfigInit {
  membership?: Partial<MembershipConfig>
  broadcast?: Partial<BroadcastConfig>
  maxMessageSize?: number
}

const DEFAULTS: ConfigInit = {}

/** By the object they were made of: thousands of nodes in a simulation share one. */
const resolved = new WeakMap<ConfigInit, Config>()

/**
 * Fills in the defaults. The same object gives the same configuration, which
 * must not be changed.
 *
 * @throws {RangeError} when `maxMessageSize` is below 512
 */
export function resolveConfig (init: ConfigInit = DEFAULTS): Config {
  const known = resolved.get(init)

  if (known !== undefined) {
    return known
  }

  const maxMessageSize = init.maxMessageSize ?? DEFAULT_MAX_MESSAGE_SIZE

  if (!(maxMessageSize >= MIN_MAX_MESSAGE_SIZE)) {
    throw new RangeError(`maxMessageSize is ${maxMessageSize}, at least ${MIN_MAX_MESSAGE_SIZE} are needed`)
  }

  const config = {
    membership: { ...defaultMembershipConfig, ...init.membership },
    broadcast: { ...defaultBroadcastConfig, ...init.broadcast },
    maxMessageSize
  }
  resolved.set(init, config)

  return config
}
