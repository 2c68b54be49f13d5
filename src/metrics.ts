import { GOSSIP_PROTOCOL } from './constants.ts'
import type { Message } from './proto/messages.ts'
import type { TopicStats } from './proto/state.ts'
import type { TopicValidatorResult } from './pubsub/types.ts'
import type { Counter, CounterGroup, Histogram, Metrics } from '@libp2p/interface'

/** What every metric's name begins with; with another protocol than the default its name follows, as `red_1_` for `/red/1`. */
export const METRICS_PREFIX = 'libp2p_iroh_gossip_'

/** Peers between author and receiver. */
const ROUND_BUCKETS = [0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 64]

/** Seconds that a validator takes. */
const VALIDATION_BUCKETS = [0.0001, 0.001, 0.01, 0.05, 0.1, 0.5, 1, 5, 30]

/** Topics that have a label of their own; all others together are one more. */
const MAX_TOPIC_LABELS = 100

/** What is read from the running service when the metrics are collected. */
export interface MetricsSource {
  /** Name and counters of each topic; none while the service is stopped. */
  topics (): Array<{ name: string, stats: TopicStats }>
  /** Bytes that wait to be sent. */
  queuedBytes (): number
  /** Connected peers that speak the protocol. */
  peers (): number
}

/** What became of a dial. */
export type DialResult = 'tried' | 'succeeded' | 'failed'

/**
 * Counts for libp2p's metrics, none of them by peer. Exists only where the node
 * has metrics.
 */
export class GossipMetrics {
  readonly #messagesSent: CounterGroup
  readonly #messagesReceived: CounterGroup
  readonly #bytesSent: CounterGroup
  readonly #bytesReceived: CounterGroup
  readonly #neighbors: CounterGroup
  readonly #dials: CounterGroup
  readonly #validations: CounterGroup
  readonly #violations: CounterGroup
  readonly #published: CounterGroup
  readonly #ticks: Counter
  readonly #slowPeers: Counter
  readonly #rounds: Histogram
  readonly #validationSeconds: Histogram

  constructor (metrics: Metrics, protocol: string, source: MetricsSource) {
    // a node in several networks has a service for each, whose metrics must not share names
    const prefix = protocol === GOSSIP_PROTOCOL ? METRICS_PREFIX : `${METRICS_PREFIX}${protocol.replace(/[^a-zA-Z0-9]+/g, '_').replace(/^_|_$/g, '')}_`
    const name = (rest: string): string => prefix + rest

    this.#messagesSent = metrics.registerCounterGroup(name('messages_sent_total'), { label: 'type', help: 'Messages sent: gossip is data, everything else control' })
    this.#messagesReceived = metrics.registerCounterGroup(name('messages_received_total'), { label: 'type', help: 'Messages received: gossip is data, everything else control' })
    this.#bytesSent = metrics.registerCounterGroup(name('sent_bytes_total'), { label: 'reason', help: 'Bytes of frames sent, by what they were for: published, forwarded, neighbors, or the control message' })
    this.#bytesReceived = metrics.registerCounterGroup(name('received_bytes_total'), { label: 'reason', help: 'Bytes of frames received: data or the control message' })
    this.#neighbors = metrics.registerCounterGroup(name('neighbor_changes_total'), { label: 'change', help: 'Neighbors that came (up) and went (the reason)' })
    this.#dials = metrics.registerCounterGroup(name('dials_total'), { label: 'result', help: 'Dials that gossip tried, and what became of them' })
    this.#validations = metrics.registerCounterGroup(name('validations_total'), { label: 'result', help: 'Messages judged before delivery, by result' })
    this.#violations = metrics.registerCounterGroup(name('violations_total'), { label: 'reason', help: 'What peers did that no correct peer does' })
    this.#published = metrics.registerCounterGroup(name('published_total'), { label: 'result', help: 'Messages published: sent, or duplicate and therefore not sent' })
    this.#ticks = metrics.registerCounter(name('ticks_total'), { help: 'Events that the state machine handled' })
    this.#slowPeers = metrics.registerCounter(name('slow_peers_total'), { help: 'Times that the send queue of a peer passed its mark' })
    this.#rounds = metrics.registerHistogram(name('delivery_rounds'), { buckets: ROUND_BUCKETS, help: 'Peers between the author of a delivered message and this node' })
    this.#validationSeconds = metrics.registerHistogram(name('validation_seconds'), { buckets: VALIDATION_BUCKETS, help: 'Seconds until a message was judged' })

    metrics.registerMetric(name('topics'), { help: 'Topics that this node is in', calculate: () => source.topics().length })
    metrics.registerMetric(name('peers'), { help: 'Connected peers that speak the protocol', calculate: () => source.peers() })
    metrics.registerMetric(name('send_queue_bytes'), { help: 'Bytes that wait to be sent, to all peers', calculate: () => source.queuedBytes() })

    const perTopic = (rest: string, help: string, value: (stats: TopicStats) => number, join: (a: number, b: number) => number = (a, b) => a + b): void => {
      metrics.registerMetricGroup(name(rest), { label: 'topic', help, calculate: () => byTopic(source.topics(), value, join) })
    }

    perTopic('neighbors', 'Neighbors', (stats) => stats.neighbors)
    perTopic('eager_peers', 'Neighbors that get payloads', (stats) => stats.eagerPushPeers)
    perTopic('lazy_peers', 'Neighbors that get announcements', (stats) => stats.lazyPushPeers)
    perTopic('delivered', 'Messages delivered since the topic was entered', (stats) => stats.delivered)
    perTopic('duplicates', 'Payloads that had come before, since the topic was entered', (stats) => stats.duplicates)
    perTopic('duplicates_ratio', 'Redundant payloads for each delivered message: RMR as one node sees it', (stats) => stats.delivered === 0 ? 0 : stats.duplicates / stats.delivered, Math.max)
    perTopic('missing_messages', 'Messages that were announced and have not come', (stats) => stats.sizes.missing ?? 0)
    perTopic('waiting_validation', 'Messages that wait to be judged', (stats) => stats.sizes.held ?? 0)
    perTopic('unjudged', 'Messages dropped because too many were waiting, or no validator answered, since the topic was entered', (stats) => stats.unjudged)
    perTopic('cached_bytes', 'Bytes of payload kept to be asked for', (stats) => stats.sizes.cacheBytes ?? 0)
  }

  onSent (message: Message, bytes: number): void {
    this.#messagesSent.increment({ [message.type]: true })
    this.#bytesSent.increment({ [reasonOf(message)]: bytes })
  }

  onReceived (message: Message, bytes: number): void {
    this.#messagesReceived.increment({ [message.type]: true })
    this.#bytesReceived.increment({ [message.type === 'gossip' ? 'data' : message.type]: bytes })
  }

  /** We told a peer which topics we are in. */
  onAnnouncementSent (bytes: number): void {
    this.#messagesSent.increment({ subscriptions: true })
    this.#bytesSent.increment({ subscriptions: bytes })
  }

  /** A peer told us which topics it is in. */
  onAnnouncementReceived (bytes: number): void {
    this.#messagesReceived.increment({ subscriptions: true })
    this.#bytesReceived.increment({ subscriptions: bytes })
  }

  onTick (): void {
    this.#ticks.increment()
  }

  onNeighbor (change: string): void {
    this.#neighbors.increment({ [change]: true })
  }

  onDelivered (round: number): void {
    this.#rounds.observe(round)
  }

  onDial (result: DialResult): void {
    this.#dials.increment({ [result]: true })
  }

  onSlowPeer (): void {
    this.#slowPeers.increment()
  }

  onViolation (reason: string): void {
    this.#violations.increment({ [reason]: true })
  }

  onPublished (duplicate: boolean): void {
    this.#published.increment({ [duplicate ? 'duplicate' : 'sent']: true })
  }

  onValidated (result: TopicValidatorResult, milliseconds: number): void {
    this.#validations.increment({ [result]: true })
    this.#validationSeconds.observe(milliseconds / 1_000)
  }
}

function reasonOf (message: Message): string {
  if (message.type !== 'gossip') {
    return message.type
  }

  if (message.scope.type === 'neighbors') {
    return 'neighbors'
  }

  return message.scope.round === 0 ? 'published' : 'forwarded'
}

/** One value for each topic's name; the topics beyond the hundredth share a label. */
function byTopic (topics: Array<{ name: string, stats: TopicStats }>, value: (stats: TopicStats) => number, join: (a: number, b: number) => number): Record<string, number> {
  const values: Record<string, number> = {}

  topics.forEach(({ name, stats }, i) => {
    const label = i < MAX_TOPIC_LABELS ? name : 'others'
    values[label] = label in values ? join(values[label], value(stats)) : value(stats)
  })

  return values
}
