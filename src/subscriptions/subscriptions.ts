import { concat } from 'uint8arrays/concat'
import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'
import { InvalidMessageError } from '../errors.ts'
import { SUBSCRIPTIONS_TOPIC, TOPIC_TAG_BYTES, decodeAnnouncement, decodeMessage } from '../wire/index.ts'
import { AnnouncedTopics } from './announced-topics.ts'
import { Announcer } from './announcer.ts'
import { Hearing } from './hearing.ts'
import type { AddressLookup } from '../address-lookup.ts'
import type { TopicTag } from './announced-topics.ts'
import type { Discovery, Standing } from '../discovery.ts'
import type { Gatekeeper } from '../gatekeeper.ts'
import type { Hash } from '../hash.ts'
import type { GossipMetrics } from '../metrics.ts'
import type { Network } from '../net/network.ts'
import type { Timers } from '../net/timers.ts'
import type { PeerKey, TopicKey } from '../proto/messages.ts'
import type { TopicId } from '../topic-id.ts'
import type { TopicEntry, TopicRegistry } from '../topic-registry.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * Milliseconds in which a peer that was told of our topics should tell of its
 * own, and until it is asked to. So long it is not asked for each topic: a busy
 * node would be kept from answering by just that.
 */
const ANSWER_MS = 5_000
const REMIND_MS = 2_000

const TAG_PREFIX = fromString('libp2p-iroh-gossip:topic:')

/** What subscriptions ask of their surroundings. */
export interface SubscriptionsInit {
  /** Whether peers are told of our topics; what they say is heard in any case. */
  isEnabled: boolean
  maxMessageSize: number
  hash: Hash
  metrics?: GossipMetrics
  topics: TopicRegistry
  timers: Timers
  network: Pick<Network, 'isConnected' | 'isNative' | 'peerId' | 'send' | 'release'>
  addresses: Pick<AddressLookup, 'isOurs'>
  discovery: Pick<Discovery, 'peers' | 'onSubscriber'>
  gatekeeper: Pick<Gatekeeper, 'letIn'>
  /** Whether the core needs the peer, so that its streams stay open. */
  needs (peer: PeerKey): boolean
  /** A peer has entered or left a topic that we are not in, and told its name. */
  onElsewhere (topic: string, peer: PeerId, subscribe: boolean): void
  /** The peer says more than any correct peer does. */
  onExcess (peer: PeerKey): void
}

/**
 * Tells connected peers which topics we are in, and keeps what they tell: a
 * view has five neighbors, and applications that count subscribers expect all
 * that are connected, also of topics that they are not in themselves.
 *
 * Only peers of our kind are told; Rust peers have no such message, and are
 * known by what they do in a topic.
 */
export class Subscriptions {
  readonly #init: SubscriptionsInit
  readonly #announcer: Announcer
  readonly #announced = new AnnouncedTopics()
  readonly #heard = new Map<PeerKey, Hearing>()
  /** Tags of the topics that we are in, and of those that we have just left. */
  readonly #tags = new Map<TopicKey, TopicTag>()
  readonly #ours = new Map<TopicTag, TopicEntry>()

  constructor (init: SubscriptionsInit) {
    this.#init = init
    const { network, hash, timers, maxMessageSize } = init
    this.#announcer = new Announcer({
      hash,
      timers,
      maxMessageSize,
      onFirstWord: (peer) => {
        // an answer that does not come may have been lost, as when our service was started anew on an old connection
        timers.schedule(REMIND_MS, () => {
          if (this.#heard.get(peer)?.next == null) {
            this.#announcer.ask(peer)
          }
        })
      },
      tellAll: (peer) => { this.#tellAll(peer) },
      understands: (peer) => this.#understands(peer),
      topic: (key) => ({ name: init.topics.get(key)?.name, tag: this.#tagOf(fromString(key, 'hex')) }),
      send: (peer, frame, isLast) => {
        init.metrics?.onAnnouncementSent(frame.byteLength)
        network.send(peer, SUBSCRIPTIONS_TOPIC, frame, false)

        // one stream for all that is said at a time
        if (isLast && !init.needs(peer)) {
          network.release(peer)
        }
      }
    })
  }

  // --- what we do

  /** The topic was entered, or got a name: all connected peers are told, soon. */
  onTopicEntered (entry: TopicEntry): void {
    const key = entry.id.toString()
    const tag = this.#tagOf(entry.id.bytes)

    if (!this.#ours.has(tag)) {
      this.#ours.set(tag, entry)
      this.#tags.set(key, tag)

      for (const peer of this.#announced.peersIn(tag)) {
        this.#admit(entry, peer, this.#announced.nameOf(peer, tag) != null)
      }
    }

    for (const peer of this.#init.discovery.peers()) {
      this.#tell(peer, key, true)
    }
  }

  onTopicLeft (key: TopicKey): void {
    const tag = this.#tags.get(key)
    this.#tags.delete(key)

    if (tag != null && this.#ours.delete(tag)) {
      for (const peer of this.#init.discovery.peers()) {
        this.#tell(peer, key, false)
      }
    }
  }

  /** Tells everybody that we are in no topic any more. */
  stop (): void {
    this.#announcer.stop()
  }

  // --- what happens to peers

  /** A peer that speaks the protocol is connected, or turned out to be of our kind: it is told of all topics. */
  onPeerAvailable (peer: PeerKey): void {
    if (!this.#announcer.hasTold(peer)) {
      this.#tellAll(peer)
    }
  }

  /** What we said last may be lost. */
  onLinkBroken (peer: PeerKey): void {
    if (this.#announcer.hasTold(peer)) {
      this.#announcer.restart(peer)
    }
  }

  /** No connection to the peer is left, or it is not to be heard. */
  onPeerGone (peer: PeerKey): void {
    this.#forget(peer)
    this.#heard.delete(peer)
    this.#announcer.forget(peer)
  }

  // --- what peers say

  /**
   * A frame of the topic in which peers speak of their topics.
   *
   * @throws {InvalidMessageError} what peers of our kind never say
   */
  onFrame (peer: PeerKey, payload: Uint8Array): void {
    this.#init.metrics?.onAnnouncementReceived(payload.byteLength)
    const message = decodeMessage(payload)

    if (message.type === 'disconnect') {
      // from one that does not know this topic: of an earlier version, say
      return
    }

    if (message.type !== 'gossip') {
      throw new InvalidMessageError(`${message.type} instead of an announcement`, 0)
    }

    const { type, sequence, isLast, statements } = decodeAnnouncement(message.content)

    if (type === 'ask') {
      if (this.#init.isEnabled) {
        this.#announcer.restart(peer)
      }

      return
    }

    // what is read after the last connection has closed would stay for ever
    if (!this.#init.network.isConnected(peer)) {
      return
    }

    const now = this.#init.timers.now()
    const heard = this.#heard.get(peer) ?? new Hearing(now)
    this.#heard.set(peer, heard)

    if (!heard.takes(statements.length, now)) {
      heard.next = undefined
      this.#init.onExcess(peer)
      return
    }

    if (type === 'start') {
      heard.unconfirmed = new Set(this.#announced.topicsOf(peer).map(([tag]) => tag))
      this.#announced.start(peer)

      if (this.#init.isEnabled) {
        this.#announcer.owe(peer)
      }
    } else if (sequence !== heard.next) {
      heard.next = undefined

      if (heard.mayAsk(now)) {
        this.#announcer.ask(peer)
      }

      return
    }

    heard.next = sequence + 1

    for (const { isIn, topic } of statements) {
      const tag = this.#tagIn(topic)
      heard.unconfirmed.delete(tag)
      this.#note(peer, tag, isIn, typeof topic === 'string' ? topic : undefined)
    }

    if (isLast) {
      heard.unconfirmed.forEach((tag) => { this.#note(peer, tag, false) })
      heard.unconfirmed.clear()
      this.#announced.complete(peer)
    }
  }

  /**
   * A peer has shown by what it does that it is in the topic, or not. Of one
   * that tells us of its topics this says nothing new, but may come out of order.
   */
  onShown (entry: TopicEntry, peer: PeerKey, isIn: boolean): void {
    if (this.#heard.get(peer)?.next != null) {
      return
    }

    if (isIn) {
      this.#addSubscriber(entry, peer, false)
    } else {
      this.#init.topics.onPeerLeft(entry, peer)
    }
  }

  // --- what is known

  /** Whether the peer says that it is in one of our topics. */
  isAnnounced (entry: TopicEntry, peer: PeerKey): boolean {
    return this.#announced.has(peer, this.#tags.get(entry.id.toString()) ?? '')
  }

  /** Connected peers that have said that they are in a topic. */
  peersIn (topic: TopicId): PeerId[] {
    return this.#announced.peersIn(this.#tagOf(topic.bytes)).map((peer) => this.#init.network.peerId(peer))
  }

  /**
   * What a peer has said of a topic that we are in: `absent` if it named all of
   * its topics and this is none of them, so that it need not be asked; `expected`
   * if it was told of ours only now, and is about to answer.
   */
  standing (peer: PeerKey, key: TopicKey): Standing {
    const tag = this.#tags.get(key)

    if (tag != null && this.#announced.isAbsent(peer, tag)) {
      return 'absent'
    }

    return this.#heard.get(peer)?.next == null && this.#announcer.age(peer) < ANSWER_MS ? 'expected' : 'unknown'
  }

  // ---

  /** Whether the peer is connected, and of our kind: a Rust peer lets go of its connection for a word of a stranger (rule 6). */
  #understands (peer: PeerKey): boolean {
    const { network, addresses } = this.#init

    return network.isConnected(peer) && (!network.isNative(peer) || addresses.isOurs(peer))
  }

  #tell (peer: PeerKey, key: TopicKey, isIn: boolean): void {
    if (this.#init.isEnabled) {
      this.#init.gatekeeper.letIn(peer, key, (isAdmitted) => {
        // it may have taken its time, and we have left since
        if (isAdmitted && this.#tags.has(key) === isIn) {
          this.#announcer.tell(peer, key, isIn)
        }
      })
    }
  }

  #tellAll (peer: PeerKey): void {
    for (const key of this.#tags.keys()) {
      this.#tell(peer, key, true)
    }
  }

  #note (peer: PeerKey, tag: TopicTag, isIn: boolean, name?: string): void {
    const entry = this.#ours.get(tag)
    const known = this.#announced.nameOf(peer, tag)

    if (isIn) {
      const isNews = this.#announced.add(peer, tag, name)

      if (entry != null) {
        this.#admit(entry, peer, false)
      } else if (isNews && name != null) {
        this.#elsewhere(name, peer, true)
      }

      return
    }

    const wasIn = this.#announced.has(peer, tag)
    this.#announced.delete(peer, tag)

    if (entry != null) {
      this.#init.topics.onPeerLeft(entry, peer)
    } else if (wasIn && known != null) {
      this.#elsewhere(known, peer, false)
    }
  }

  #forget (peer: PeerKey): void {
    const topics = this.#announced.topicsOf(peer)
    this.#announced.forget(peer)

    for (const [tag, name] of topics) {
      if (name != null && !this.#ours.has(tag)) {
        this.#elsewhere(name, peer, false)
      }
    }
  }

  #elsewhere (name: string, peer: PeerKey, subscribe: boolean): void {
    this.#init.onElsewhere(name, this.#init.network.peerId(peer), subscribe)
  }

  /** Counts the peer as subscriber, if the application wants it in the topic. */
  #admit (entry: TopicEntry, peer: PeerKey, isKnown: boolean): void {
    this.#init.gatekeeper.letIn(peer, entry.id.toString(), (isAdmitted) => {
      if (isAdmitted && this.#init.topics.get(entry.id.toString()) === entry) {
        this.#addSubscriber(entry, peer, isKnown)
      }
    })
  }

  #addSubscriber (entry: TopicEntry, peer: PeerKey, isKnown: boolean): void {
    const { network, topics, discovery } = this.#init

    // what is read after the last connection has closed would stay for ever
    if (network.isConnected(peer) && topics.addSubscriber(entry, peer, network.peerId(peer), isKnown)) {
      discovery.onSubscriber(entry, peer)
    }
  }

  #tagIn (topic: string | Uint8Array): TopicTag {
    return typeof topic === 'string' ? this.#tagOf(this.#init.hash(new TextEncoder().encode(topic))) : toString(topic, 'hex')
  }

  /** Says nothing about the topic's id to who does not know it. */
  #tagOf (id: Uint8Array): TopicTag {
    return toString(this.#init.hash(concat([TAG_PREFIX, id])).subarray(0, TOPIC_TAG_BYTES), 'hex')
  }
}
