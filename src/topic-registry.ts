import { TopicHandle } from './topic.ts'
import type { TopicEvent as ProtoTopicEvent } from './proto/events.ts'
import type { PeerKey, TopicKey } from './proto/messages.ts'
import type { TopicId } from './topic-id.ts'
import type { TopicBackend, TopicEvent } from './topic.ts'
import type { PeerId } from '@libp2p/interface'

/**
 * Connected peers remembered as being in a topic. Beyond, only neighbors are
 * added, and go when they are none any more: nobody is dropped to make room, or
 * applications would see live subscribers come and go.
 */
const MAX_SUBSCRIBERS = 4_096

/** A topic that the node is in: who uses it here, and who else is in it. */
export interface TopicEntry {
  readonly id: TopicId
  /** The name it was subscribed by, if it was. */
  name?: string
  /** Whether `message` events are fired for it. */
  subscribed: boolean
  /** Monotonic milliseconds until which it is kept for what was published without being subscribed. */
  keptUntil: number
  readonly handles: Set<TopicHandle>
  readonly neighbors: Map<PeerKey, PeerId>
  /** Connected peers known to be in the topic: its neighbors, and those that no longer are. */
  readonly subscribers: Map<PeerKey, PeerId>
  /** Whether the application named peers to join through. */
  hasBootstrap: boolean
}

/** A peer that was found in a topic, or is in it no more. */
export interface SubscriptionChange { (entry: TopicEntry, peerId: PeerId, subscribe: boolean): void }

/**
 * The topics of this node, their local users and their known members.
 */
export class TopicRegistry {
  readonly #entries = new Map<TopicKey, TopicEntry>()
  /** In how many topics a peer is a neighbor: with thousands of topics, counting takes too long. */
  readonly #shared = new Map<PeerKey, number>()
  readonly #onSubscriptionChange: SubscriptionChange

  constructor (onSubscriptionChange: SubscriptionChange = () => {}) {
    this.#onSubscriptionChange = onSubscriptionChange
  }

  get size (): number {
    return this.#entries.size
  }

  has (key: TopicKey): boolean {
    return this.#entries.has(key)
  }

  get (key: TopicKey): TopicEntry | undefined {
    return this.#entries.get(key)
  }

  values (): IterableIterator<TopicEntry> {
    return this.#entries.values()
  }

  /** The entry of a topic, made if there is none. */
  add (id: TopicId): TopicEntry {
    const key = id.toString()
    let entry = this.#entries.get(key)

    if (entry == null) {
      entry = { id, subscribed: false, keptUntil: 0, handles: new Set(), neighbors: new Map(), subscribers: new Map(), hasBootstrap: false }
      this.#entries.set(key, entry)
    }

    return entry
  }

  /** A new handle, which hears of the neighbors that are there already. */
  addHandle (entry: TopicEntry, backend: TopicBackend, eventQueueCapacity: number): TopicHandle {
    const handle = new TopicHandle(entry.id, backend, eventQueueCapacity)
    entry.handles.add(handle)

    // whoever comes later has joined too if there is a neighbor (rule 23)
    for (const peer of entry.neighbors.values()) {
      handle.push({ type: 'neighborUp', peer })
    }

    return handle
  }

  /** Whether nobody here uses the topic any more. */
  isUnused (entry: TopicEntry, now: number): boolean {
    return !entry.subscribed && entry.handles.size === 0 && entry.keptUntil <= now
  }

  delete (key: TopicKey): void {
    for (const peer of this.#entries.get(key)?.neighbors.keys() ?? []) {
      this.#share(peer, -1)
    }

    this.#entries.delete(key)
  }

  /** Topics in which the peer is a neighbor. */
  sharedWith (peer: PeerKey): number {
    return this.#shared.get(peer) ?? 0
  }

  /**
   * Keeps a topic's neighbors and subscribers as an event of the core says.
   *
   * A neighbor that was dropped to make room, by either side, is in the topic
   * still: whoever counts subscribers is not to see it go and come.
   *
   * @param isAnnounced - whether the peer says that it is in the topic: it also says when it has left
   */
  applyNeighbor (entry: TopicEntry, event: Exclude<ProtoTopicEvent, { type: 'received' }>, peerId: PeerId, isAnnounced = false): void {
    if (event.type === 'neighborUp') {
      this.#share(event.peer, entry.neighbors.has(event.peer) ? 0 : 1)
      entry.neighbors.set(event.peer, peerId)
      this.tell(entry, { type: 'neighborUp', peer: peerId })
      this.addSubscriber(entry, event.peer, peerId)
      return
    }

    this.#share(event.peer, entry.neighbors.delete(event.peer) ? -1 : 0)
    this.tell(entry, { type: 'neighborDown', peer: peerId, reason: event.reason })

    if (event.reason === 'stopped') {
      // it was us who left: the peer is in the topic still
      entry.subscribers.delete(event.peer)
    } else if ((event.reason !== 'evicted' && event.reason !== 'evictedByPeer' && !(event.reason === 'left' && isAnnounced)) || entry.subscribers.size > MAX_SUBSCRIBERS) {
      this.#removeSubscriber(entry, event.peer)
    }
  }

  /**
   * A connected peer has shown that it is in the topic.
   *
   * @param isKnown - whether the application has heard so before
   * @returns whether that was news
   */
  addSubscriber (entry: TopicEntry, peer: PeerKey, peerId: PeerId, isKnown = false): boolean {
    if (entry.subscribers.has(peer) || (entry.subscribers.size >= MAX_SUBSCRIBERS && !entry.neighbors.has(peer))) {
      return false
    }

    entry.subscribers.set(peer, peerId)

    if (!isKnown) {
      this.#onSubscriptionChange(entry, peerId, true)
    }

    return true
  }

  /** No connection to the peer is left. */
  onPeerGone (peer: PeerKey): void {
    for (const entry of this.#entries.values()) {
      this.#removeSubscriber(entry, peer)
    }
  }

  /** Says that a peer which is no neighbor has left the topic. */
  onPeerLeft (entry: TopicEntry, peer: PeerKey): void {
    if (!entry.neighbors.has(peer)) {
      this.#removeSubscriber(entry, peer)
    }
  }

  /** Tells every handle. */
  tell (entry: TopicEntry, event: TopicEvent): void {
    for (const handle of entry.handles) {
      handle.push(event)
    }
  }

  #share (peer: PeerKey, topics: number): void {
    const shared = this.sharedWith(peer) + topics

    if (shared > 0) {
      this.#shared.set(peer, shared)
    } else {
      this.#shared.delete(peer)
    }
  }

  #removeSubscriber (entry: TopicEntry, peer: PeerKey): void {
    const peerId = entry.subscribers.get(peer)

    if (peerId != null) {
      entry.subscribers.delete(peer)
      this.#onSubscriptionChange(entry, peerId, false)
    }
  }
}

/** What the application calls a topic: the name it was subscribed by, or its id in hex. */
export function nameOf (entry: TopicEntry): string {
  return entry.name ?? entry.id.toString()
}
