import { permissiveRules, resolveConfig } from './config.ts'
import { Effects } from './effects.ts'
import { Lateness } from './lateness.ts'
import { LazyMap } from './lazy-map.ts'
import { MAX_PAYMENT_BYTES } from './limits.ts'
import { Patience } from './patience.ts'
import { Rng } from './rng.ts'
import { Topic } from './topic.ts'
import { UnknownTopics } from './unknown-topics.ts'
import type { BroadcastStats } from './broadcast-stats.ts'
import type { Config, ConfigInit, Rules } from './config.ts'
import type { InEvent, OutEvent } from './events.ts'
import type { Message, MessageId, PeerKey, TopicKey } from './messages.ts'

/** What a core is made of. */
export interface StateInit {
  /** Ourselves. Messages must not come from us, nor be addressed to us. */
  me: PeerKey
  /** Our address data; not sent when empty or longer than 472 bytes, which nobody would pass on. */
  peerData?: Uint8Array
  config?: ConfigInit
  /** Any finite number. Two states with the same seed and the same events give the same effects. */
  seed: number
  /** The 32-byte id of a content. Must return bytes that stay as they are. */
  hash (content: Uint8Array): MessageId
  /**
   * What the surroundings know of other peers.
   *
   * @default everybody can be dialed and named, nobody understands a refusal
   */
  rules?: Partial<Rules>
}

/** Counters of one topic since it was joined, and the sizes of all that is kept for it. */
export interface TopicStats extends BroadcastStats {
  neighbors: number
  eagerPushPeers: number
  lazyPushPeers: number
  /** Entries of each map, by name; `cacheBytes` in bytes. */
  sizes: Readonly<Record<string, number>>
}

/**
 * All topics of a node as one state machine without I/O.
 *
 * `handle` takes what happened and returns what is to be done about it. The
 * machine has no clock, no randomness of its own and no other way in or out.
 */
export class State {
  private readonly me: PeerKey
  private readonly config: Config
  private readonly rules: Rules
  private readonly rng: Rng
  private readonly hash: (content: Uint8Array) => MessageId
  private readonly byTopic = new Map<TopicKey, Topic>()
  /** The one that the event before concerned; mostly it is the next one's. */
  private recent?: Topic
  private readonly congested = new LazyMap<PeerKey, true>()
  private readonly patience = new Patience()
  private readonly lateness = new Lateness()
  private readonly unknownTopics = new UnknownTopics()
  private readonly effects = new Effects()
  private peerData?: Uint8Array
  private epoch = 0
  private payments = 0

  /**
   * @throws {RangeError} when `config.maxMessageSize` is below 512
   */
  constructor (init: StateInit) {
    this.me = init.me
    this.peerData = init.peerData
    this.config = resolveConfig(init.config)
    this.rules = { ...permissiveRules, ...init.rules }
    this.rng = new Rng(init.seed)
    this.hash = init.hash
  }

  /**
   * Reacts to one event. Synchronous, not re-entrant.
   *
   * @param now - monotonic milliseconds; must not decrease between calls
   * @returns a new array of effects, to be performed in this order
   * @throws {RangeError} when a broadcast is larger than `maxContentBytes`; never on what a peer sent
   */
  handle (event: InEvent, now: number): OutEvent[] {
    this.effects.list = []
    this.effects.now = now

    switch (event.type) {
      case 'receiveMessage': {
        const topic = this.topicOf(event.topic)

        if (topic === undefined) {
          this.onUnknownTopic(event.from, event.topic, event.message, now)
        } else if (event.from !== this.me) {
          topic.receive(event.from, event.message, now)
        }

        break
      }
      case 'receiveUnadmitted':
        this.onUnknownTopic(event.from, event.topic, event.message, now)
        break
      case 'timerExpired': {
        this.lateness.onTimer(event.timer.dueAt, now)
        const topic = this.topicOf(event.timer.topic)

        if (topic?.epoch === event.timer.epoch) {
          topic.timerExpired(event.timer, now)
        }

        break
      }
      case 'command':
        this.onCommand(event, now)
        break
      case 'peerDisconnected':
        this.congested.delete(event.peer)

        for (const topic of this.byTopic.values()) {
          topic.peerDisconnected(event.peer, event.reason, now)
        }

        break
      case 'linkBroken':
        for (const topic of this.byTopic.values()) {
          topic.linkBroken(event.peer, now)
        }

        break
      case 'updatePeerData':
        this.peerData = event.data

        for (const topic of this.byTopic.values()) {
          topic.membership.updatePeerData(event.data)
        }

        break
      case 'congestion':
        this.onCongestion(event.peer, event.congested)
        break
      default:
        event satisfies never
    }

    this.finish(now)

    return this.effects.list
  }

  /** All topics that we are in, in the order in which they were joined. */
  topics (): TopicKey[] {
    return [...this.byTopic.keys()]
  }

  /** Whether we are in the topic. */
  has (topic: TopicKey): boolean {
    return this.byTopic.has(topic)
  }

  /** The active view of a topic; empty if we are not in it. */
  neighbors (topic: TopicKey): PeerKey[] {
    return this.byTopic.get(topic)?.membership.views.active.toArray() ?? []
  }

  /** The passive view of a topic; empty if we are not in it. */
  passivePeers (topic: TopicKey): PeerKey[] {
    return this.byTopic.get(topic)?.membership.views.passive.toArray() ?? []
  }

  /** Neighbors that get payloads; empty if we are not in the topic. */
  eagerPushPeers (topic: TopicKey): PeerKey[] {
    return this.byTopic.get(topic)?.eagerPushPeers ?? []
  }

  /** Neighbors that get announcements; empty if we are not in the topic. */
  lazyPushPeers (topic: TopicKey): PeerKey[] {
    return this.byTopic.get(topic)?.lazyPushPeers ?? []
  }

  /** The active view of a topic, with the milliseconds of the last sign of life of each. */
  links (topic: TopicKey): Array<{ peer: PeerKey, heardAt: number }> {
    return [...this.byTopic.get(topic)?.membership.views.links ?? []].map(([peer, { heardAt }]) => ({ peer, heardAt }))
  }

  /** Peers whose send queue is full at the moment. */
  congestedPeers (): PeerKey[] {
    return [...this.congested.keys()]
  }

  /** Whether any topic needs a connection to the peer. */
  needs (peer: PeerKey): boolean {
    for (const topic of this.byTopic.values()) {
      if (topic.needs(peer)) {
        return true
      }
    }

    return false
  }

  /** Whether payloads for the peer are held back: it has not reported a drained queue, or is owed more than was sent then. */
  isCongested (peer: PeerKey): boolean {
    return this.congested.has(peer)
  }

  /** Counters and sizes of a topic, `undefined` if we are not in it. */
  stats (key: TopicKey): TopicStats | undefined {
    const topic = this.byTopic.get(key)

    if (topic === undefined) {
      return undefined
    }

    return {
      ...topic.broadcastStats,
      neighbors: topic.membership.views.links.size,
      eagerPushPeers: topic.eagerPushPeers.length,
      lazyPushPeers: topic.lazyPushPeers.length,
      sizes: { ...topic.membership.sizes, ...topic.broadcastSizes }
    }
  }

  private onCommand ({ topic: key, command }: Extract<InEvent, { type: 'command' }>, now: number): void {
    let topic = this.byTopic.get(key)

    if (topic === undefined && command.type === 'join') {
      topic = new Topic({
        topic: key,
        epoch: ++this.epoch,
        me: this.me,
        peerData: this.peerData,
        config: this.config,
        rules: this.rules,
        rng: this.rng.fork(),
        hash: this.hash,
        congested: this.congested,
        patience: this.patience,
        lateness: this.lateness,
        effects: this.effects,
        now
      })
      this.byTopic.set(key, topic)
    }

    topic?.command(command, now)

    if (command.type === 'quit') {
      this.byTopic.delete(key)
      this.recent = undefined
    }
  }

  private topicOf (key: TopicKey): Topic | undefined {
    if (this.recent?.key !== key) {
      this.recent = this.byTopic.get(key)
    }

    return this.recent
  }

  private onCongestion (peer: PeerKey, congested: boolean): void {
    if (congested) {
      this.congested.set(peer, true)
    } else if (this.congested.has(peer)) {
      this.pay(peer)
    }
  }

  /** Sends a part of what the peer is owed. It counts as congested until it is owed nothing: so what is new comes after. */
  private pay (peer: PeerKey): void {
    const topics = [...this.byTopic.values()].filter((topic) => topic.owes(peer))
    let left = MAX_PAYMENT_BYTES

    // each time another topic comes first
    for (let i = 0; i < topics.length && left > 0; i++) {
      left -= topics[(this.payments + i) % topics.length].pay(peer, left)
    }

    this.payments++

    if (!topics.some((topic) => topic.owes(peer))) {
      this.congested.delete(peer)
    }
  }

  private onUnknownTopic (from: PeerKey, topic: TopicKey, message: Message, now: number): void {
    if (this.unknownTopics.isToBeAnswered(from, topic, message, this.rules, now)) {
      this.effects.list.push({
        type: 'sendMessage',
        to: from,
        topic,
        message: { type: 'disconnect', alive: false, respond: false }
      })
      this.effects.release(from)
      this.effects.part(topic, from, true)
    }
  }

  /** Reminds peers on the topics that go on, and lets go of those that no topic needs. */
  private finish (now: number): void {
    const { effects } = this
    const { parted } = effects

    if (parted !== undefined) {
      effects.parted = undefined

      for (const { topic: ended, peer, sent } of parted) {
        for (const [key, topic] of this.byTopic) {
          if (key !== ended && topic.isNeighbor(peer)) {
            topic.parted(peer, sent, now)
          }
        }
      }
    }

    const { released } = effects

    if (released !== undefined) {
      effects.released = undefined

      for (const peer of released) {
        if (!this.needs(peer)) {
          effects.list.push({ type: 'disconnectPeer', peer })
        }
      }
    }
  }
}
