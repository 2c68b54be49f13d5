import { InvalidParametersError } from '@libp2p/interface'
import { DEFAULT_EVENT_QUEUE_CAPACITY, DEFAULT_MAX_SEND_QUEUE_BYTES, DEFAULT_STALL_TIMEOUT_MS, GOSSIP_PROTOCOL } from './constants.ts'
import { DEFAULT_MAX_MESSAGE_SIZE, MIN_MAX_MESSAGE_SIZE, defaultBroadcastConfig, defaultMembershipConfig } from './proto/config.ts'
import type { BroadcastConfig, MembershipConfig } from './proto/config.ts'
import type { SignaturePolicy } from './pubsub/types.ts'
import type { TopicId } from './topic-id.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * Options of the service. Every number is checked when the service is made: an
 * `InvalidParametersError` names the value and its range.
 */
export interface IrohGossipInit {
  /**
   * Bytes of the largest payload of a frame, 512 to 16,777,216. Must be the
   * same on every node of the swarm; contents may be 41 bytes smaller.
   *
   * @default 4096
   */
  maxMessageSize?: number
  /** HyParView's parameters; what is left out has its default. */
  membership?: Partial<MembershipConfig>
  /** PlumTree's parameters; what is left out has its default. */
  broadcast?: Partial<BroadcastConfig>
  /**
   * With `StrictNoSign` messages are the bytes that were published, as Rust
   * peers see them. With `StrictSign` each is wrapped in an envelope of author,
   * sequence number and signature (105 bytes), and whatever is no such envelope
   * is rejected: every node of the topic must have the same policy.
   *
   * @default 'StrictNoSign'
   */
  globalSignaturePolicy?: SignaturePolicy
  /**
   * Whether `publish` succeeds where no peer is known to be in the topic,
   * instead of throwing. The message is then offered to the first neighbor that
   * comes within the cache time.
   *
   * @default false
   */
  allowPublishToZeroTopicPeers?: boolean
  /**
   * Milliseconds, 0 to 3,600,000, for which a topic that was published to
   * without being subscribed or joined is kept after the last message.
   *
   * @default 60000 (gossipsub)
   */
  fanoutTTL?: number
  /**
   * Whether a peer may be in a topic with us. Asked before a peer may join, be
   * a neighbor or send anything there, and before it is asked itself; once for
   * each peer and topic while the peer is connected. A peer that may not is
   * answered as if we were not in the topic. An answer that throws is a no.
   *
   * @default everybody may
   */
  allowPeer?(peer: PeerId, topic: TopicId): boolean | Promise<boolean>
  /** How peers of a topic are found that nobody named. */
  discovery?: DiscoveryInit
  /**
   * Whether `publish` also fires a `message` event on the node itself.
   *
   * @default false
   */
  emitSelf?: boolean
  /**
   * Whether connections through a libp2p relay carry gossip. They are usually
   * limited to little data and a short time.
   *
   * @default false
   */
  runOnLimitedConnection?: boolean
  /**
   * Events kept for each topic handle that is not being read, 1 to 1,000,000;
   * beyond it the oldest are replaced by one `lagged`.
   *
   * @default 2048
   */
  eventQueueCapacity?: number
  /**
   * Bytes that may wait to be sent to one peer, 65,536 to 1,073,741,824. Above
   * half of it payloads wait in the message cache until the queue has drained.
   *
   * @default 1048576, or four times `maxMessageSize` if that is more
   */
  maxSendQueueBytes?: number
  /**
   * Milliseconds after which a peer is let go whose queue is more than half
   * full and has not moved, 100 to 600,000.
   *
   * @default 10000
   */
  stallTimeoutMs?: number
  /**
   * The libp2p protocol name. Peers with another name are another network.
   *
   * @default '/iroh-gossip/1'
   */
  protocol?: string
}

/** How peers of a topic are found that nobody named. */
export interface DiscoveryInit {
  /**
   * Whether connected peers that speak the protocol are told which topics the
   * node is in, and asked to let it in.
   *
   * @default true
   */
  connectedPeers?: boolean
  /**
   * Whether the node announces through libp2p's content routing which topics it
   * is in, and looks there for others: nodes that share nothing but a DHT find
   * each other. What is announced is a hash of the topic's id.
   *
   * @default false
   */
  contentRouting?: boolean
}

/** Options with every default filled in. */
export interface ResolvedOptions extends Required<Omit<IrohGossipInit, 'membership' | 'broadcast' | 'discovery' | 'allowPeer'>> {
  allowPeer?: IrohGossipInit['allowPeer']
  discovery: Required<DiscoveryInit>
  membership: MembershipConfig
  broadcast: BroadcastConfig
}

const HOUR_MS = 3_600_000

const ranges: Record<string, [number, number]> = {
  maxMessageSize: [MIN_MAX_MESSAGE_SIZE, 16 * 1024 * 1024],
  eventQueueCapacity: [1, 1_000_000],
  maxSendQueueBytes: [64 * 1024, 1024 * 1024 * 1024],
  stallTimeoutMs: [100, 600_000],
  fanoutTTL: [0, HOUR_MS],
  'membership.activeViewCapacity': [1, 64],
  'membership.passiveViewCapacity': [0, 1024],
  'membership.activeRandomWalkLength': [1, 64],
  'membership.passiveRandomWalkLength': [0, 64],
  'membership.shuffleRandomWalkLength': [0, 64],
  'membership.shuffleActiveViewCount': [0, 64],
  'membership.shufflePassiveViewCount': [0, 64],
  'membership.shuffleIntervalMs': [100, HOUR_MS],
  'membership.neighborRequestTimeoutMs': [10, HOUR_MS],
  'broadcast.graftTimeout1Ms': [0, HOUR_MS],
  'broadcast.graftTimeout2Ms': [0, HOUR_MS],
  'broadcast.dispatchTimeoutMs': [0, HOUR_MS],
  'broadcast.maxDispatchTimeoutMs': [0, HOUR_MS],
  'broadcast.optimizationThreshold': [1, 65_535],
  'broadcast.messageCacheRetentionMs': [100, 24 * HOUR_MS],
  'broadcast.messageIdRetentionMs': [100, 24 * HOUR_MS],
  'broadcast.cacheEvictIntervalMs': [10, HOUR_MS]
}

const optionNames = new Set([
  'maxMessageSize', 'membership', 'broadcast', 'discovery', 'globalSignaturePolicy', 'emitSelf', 'allowPublishToZeroTopicPeers', 'fanoutTTL',
  'allowPeer', 'runOnLimitedConnection', 'eventQueueCapacity', 'maxSendQueueBytes', 'stallTimeoutMs', 'protocol'
])

/** A send queue has room for so many of the largest messages at least. */
const MESSAGES_IN_QUEUE = 4

/**
 * Fills in defaults.
 *
 * @throws {InvalidParametersError} a number that is no integer in its range, an unknown name, or a value that is not supported
 */
export function resolveOptions (init: IrohGossipInit): ResolvedOptions {
  if (init.globalSignaturePolicy != null && init.globalSignaturePolicy !== 'StrictNoSign' && init.globalSignaturePolicy !== 'StrictSign') {
    throw new InvalidParametersError(`globalSignaturePolicy must be 'StrictSign' or 'StrictNoSign', got ${JSON.stringify(init.globalSignaturePolicy)}`)
  }

  if (init.allowPeer != null && typeof init.allowPeer !== 'function') {
    throw new InvalidParametersError(`allowPeer must be a function, got ${typeof init.allowPeer}`)
  }

  const resolved: ResolvedOptions = {
    maxMessageSize: DEFAULT_MAX_MESSAGE_SIZE,
    globalSignaturePolicy: 'StrictNoSign',
    emitSelf: false,
    allowPublishToZeroTopicPeers: false,
    fanoutTTL: 60_000,
    runOnLimitedConnection: false,
    eventQueueCapacity: DEFAULT_EVENT_QUEUE_CAPACITY,
    maxSendQueueBytes: Math.max(DEFAULT_MAX_SEND_QUEUE_BYTES, MESSAGES_IN_QUEUE * (init.maxMessageSize ?? DEFAULT_MAX_MESSAGE_SIZE)),
    stallTimeoutMs: DEFAULT_STALL_TIMEOUT_MS,
    protocol: GOSSIP_PROTOCOL,
    ...withoutUndefined(init),
    discovery: { connectedPeers: true, contentRouting: false, ...withoutUndefined(init.discovery ?? {}) },
    membership: { ...defaultMembershipConfig, ...withoutUndefined(init.membership ?? {}) },
    broadcast: { ...defaultBroadcastConfig, ...withoutUndefined(init.broadcast ?? {}) }
  }

  for (const name of Object.keys(resolved)) {
    if (!optionNames.has(name)) {
      throw new InvalidParametersError(`There is no option ${name}`)
    }
  }

  checkBooleans('', { emitSelf: resolved.emitSelf, allowPublishToZeroTopicPeers: resolved.allowPublishToZeroTopicPeers, runOnLimitedConnection: resolved.runOnLimitedConnection })
  checkBooleans('discovery.', resolved.discovery)

  checkNumbers('', resolved)
  checkNumbers('membership.', resolved.membership)
  checkNumbers('broadcast.', resolved.broadcast)

  if (typeof resolved.protocol !== 'string' || !resolved.protocol.startsWith('/')) {
    throw new InvalidParametersError(`protocol must start with a slash, got ${JSON.stringify(resolved.protocol)}`)
  }

  if (resolved.maxSendQueueBytes < MESSAGES_IN_QUEUE * resolved.maxMessageSize) {
    throw new InvalidParametersError(`maxSendQueueBytes must be at least four times maxMessageSize (${MESSAGES_IN_QUEUE * resolved.maxMessageSize}), got ${resolved.maxSendQueueBytes}`)
  }

  return resolved
}

function checkBooleans (prefix: string, values: object): void {
  for (const [name, value] of Object.entries(values)) {
    if (prefix === 'discovery.' && name !== 'connectedPeers' && name !== 'contentRouting') {
      throw new InvalidParametersError(`There is no option ${prefix}${name}`)
    }

    if (typeof value !== 'boolean') {
      throw new InvalidParametersError(`${prefix}${name} must be true or false, got ${typeof value}`)
    }
  }
}

function checkNumbers (prefix: string, values: object): void {
  for (const [name, value] of Object.entries(values)) {
    const range = ranges[prefix + name]

    if (range == null) {
      if (prefix !== '') {
        throw new InvalidParametersError(`There is no option ${prefix}${name}`)
      }

      continue
    }

    const [min, max] = range

    if (!Number.isInteger(value) || value < min || value > max) {
      throw new InvalidParametersError(`${prefix}${name} must be an integer from ${min} to ${max}, got ${value}`)
    }
  }
}

function withoutUndefined<T extends object> (values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T
}
