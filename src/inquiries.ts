import type { AddressLookup } from './address-lookup.ts'
import type { Discovery } from './discovery.ts'
import type { Network } from './net/network.ts'
import type { Timers } from './net/timers.ts'
import type { PeerKey, TopicKey } from './proto/messages.ts'
import type { TopicEntry, TopicRegistry } from './topic-registry.ts'

/** Time in milliseconds for peers to show by themselves that they are in a topic, and as much again at random, so that of two only one asks. */
const PAUSE_MS = 100

/** Questions asked at a time, and the milliseconds until the next ones are. */
const MAX_ASKED = 32
const INTERVAL_MS = 50

/** Questions that wait; beyond, a peer shows that it is in the topic only by what it does there. */
const MAX_WAITING = 65_536

/** What inquiries ask of their surroundings. */
export interface InquiriesInit {
  /** Whether anybody is asked at all. */
  isEnabled: boolean
  topics: TopicRegistry
  timers: Timers
  network: Pick<Network, 'isConnected' | 'isNative' | 'peerId'>
  addresses: Pick<AddressLookup, 'isOurs'>
  discovery: Pick<Discovery, 'peers' | 'onSubscriber'>
  ask (entry: TopicEntry, peers: PeerKey[]): void
}

/**
 * Finds out which connected peers are in our topics, though they are no
 * neighbors: a view has five of them, and applications that count subscribers
 * expect all that are connected.
 *
 * Whoever enters a topic asks its connected peers once, and so does each side
 * of a new connection; the answer tells both. That is one small frame for each
 * topic and connected peer, as much as announcing subscriptions would take.
 */
export class Inquiries {
  readonly #init: InquiriesInit
  readonly #waiting = new Map<TopicKey, Set<PeerKey>>()
  #count = 0
  #armed = false

  constructor (init: InquiriesInit) {
    this.#init = init
  }

  /** The topic was entered: all connected peers are asked, soon. */
  onTopicEntered (entry: TopicEntry): void {
    for (const peer of this.#init.discovery.peers()) {
      this.#add(entry, peer)
    }
  }

  /** The topic was left. */
  onTopicLeft (key: TopicKey): void {
    this.#count -= this.#waiting.get(key)?.size ?? 0
    this.#waiting.delete(key)
  }

  /** A peer that speaks the protocol is connected: it is asked for all topics, soon. */
  onPeerAvailable (peer: PeerKey): void {
    for (const entry of this.#init.topics.values()) {
      this.#add(entry, peer)
    }
  }

  /** A peer has shown that it is in the topic. */
  onShown (entry: TopicEntry, peer: PeerKey): void {
    const { network, topics, discovery } = this.#init

    // what is read after the last connection has closed would stay for ever
    if (network.isConnected(peer) && topics.addSubscriber(entry, peer, network.peerId(peer))) {
      discovery.onSubscriber(entry, peer)
    }
  }

  /** Who is to be told that we leave the topic: who counts us as subscribed, neighbor or not. */
  toTell (entry: TopicEntry): PeerKey[] {
    return [...entry.subscribers.keys()].filter((peer) => this.#understands(peer))
  }

  /** Whether the peer is connected, and of our kind: a Rust peer lets go of its connection for a word of a stranger (rule 6). */
  #understands (peer: PeerKey): boolean {
    const { network, addresses } = this.#init

    return network.isConnected(peer) && (!network.isNative(peer) || addresses.isOurs(peer))
  }

  #add (entry: TopicEntry, peer: PeerKey): void {
    const key = entry.id.toString()
    let peers = this.#waiting.get(key)

    if (!this.#init.isEnabled || this.#count >= MAX_WAITING || peers?.has(peer) === true) {
      return
    }

    if (peers == null) {
      peers = new Set()
      this.#waiting.set(key, peers)
    }

    peers.add(peer)
    this.#count++
    this.#arm(PAUSE_MS * (1 + Math.random()))
  }

  #arm (delayMs: number): void {
    if (!this.#armed) {
      this.#armed = true
      this.#init.timers.schedule(delayMs, () => {
        this.#armed = false
        this.#round()
      })
    }
  }

  #round (): void {
    const { topics, ask } = this.#init
    let left = MAX_ASKED

    for (const [key, peers] of this.#waiting) {
      const entry = topics.get(key)
      const asked: PeerKey[] = []

      for (const peer of peers) {
        if (left === 0) {
          break
        }

        peers.delete(peer)
        this.#count--

        if (entry?.subscribers.has(peer) === false && this.#understands(peer)) {
          asked.push(peer)
          left--
        }
      }

      if (peers.size === 0) {
        this.#waiting.delete(key)
      }

      if (entry != null && asked.length > 0) {
        ask(entry, asked)
      }
    }

    if (this.#count > 0) {
      this.#arm(INTERVAL_MS)
    }
  }
}
