import { TopicHandle } from './topic.ts'
import type { TopicEvent as ProtoTopicEvent } from './proto/events.ts'
import type { PeerKey, TopicKey } from './proto/messages.ts'
import type { TopicId } from './topic-id.ts'
import type { TopicBackend, TopicEvent } from './topic.ts'
import type { PeerId } from '@libp2p/interface'

/** A topic that the node is in: who uses it here, and who its neighbors are. */
export interface TopicEntry {
  readonly id: TopicId
  /** The name it was subscribed by, if it was. */
  name?: string
  /** Whether `message` events are fired for it. */
  subscribed: boolean
  readonly handles: Set<TopicHandle>
  readonly neighbors: Map<PeerKey, PeerId>
  /** Whether the application named peers to join through. */
  hasBootstrap: boolean
}

/**
 * The topics of this node and their local users.
 */
export class TopicRegistry {
  readonly #entries = new Map<TopicKey, TopicEntry>()

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
      entry = { id, subscribed: false, handles: new Set(), neighbors: new Map(), hasBootstrap: false }
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
  isUnused (entry: TopicEntry): boolean {
    return !entry.subscribed && entry.handles.size === 0
  }

  delete (key: TopicKey): void {
    this.#entries.delete(key)
  }

  /** Topics in which the peer is a neighbor. */
  sharedWith (peer: PeerKey): number {
    let shared = 0

    for (const entry of this.#entries.values()) {
      shared += entry.neighbors.has(peer) ? 1 : 0
    }

    return shared
  }

  /**
   * Applies an event of the core to its topic: keeps the neighbors, tells every handle.
   *
   * @param peerId - turns the core's name of a peer into the application's
   */
  apply (entry: TopicEntry, event: ProtoTopicEvent, peerId: (key: PeerKey) => PeerId): void {
    let told: TopicEvent

    switch (event.type) {
      case 'received':
        told = { type: 'received', content: event.content, deliveredFrom: peerId(event.deliveredFrom), scope: event.scope }
        break
      case 'neighborUp':
        told = { type: 'neighborUp', peer: peerId(event.peer) }
        entry.neighbors.set(event.peer, told.peer)
        break
      case 'neighborDown':
        told = { type: 'neighborDown', peer: peerId(event.peer), reason: event.reason }
        entry.neighbors.delete(event.peer)
        break
      default:
        return
    }

    for (const handle of entry.handles) {
      handle.push(told)
    }
  }
}
