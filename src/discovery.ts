import type { Timers } from './net/timers.ts'
import type { PeerKey, TopicKey } from './proto/messages.ts'
import type { TopicEntry, TopicRegistry } from './topic-registry.ts'

/** Time for a peer that has just connected to join us, before we ask it. */
const ASK_DELAY_MS = 100

/** Connected peers that are tried at a time for a topic. */
const MAX_CANDIDATES = 8

/**
 * Finds members of our topics among the peers that libp2p is connected to.
 *
 * A topic that was entered without bootstrap peers asks whoever speaks the
 * protocol until its active view is full; one with bootstrap peers only while
 * it has no neighbor at all.
 */
export class Discovery {
  readonly #topics: TopicRegistry
  readonly #timers: Timers
  readonly #activeViewCapacity: number
  readonly #ask: (entry: TopicEntry, peer: PeerKey) => void
  /** Peers seen to speak the protocol, while connected, and the topics that they have left meanwhile. */
  readonly #available = new Map<PeerKey, Set<TopicKey>>()

  constructor (topics: TopicRegistry, timers: Timers, activeViewCapacity: number, ask: (entry: TopicEntry, peer: PeerKey) => void) {
    this.#topics = topics
    this.#timers = timers
    this.#activeViewCapacity = activeViewCapacity
    this.#ask = ask
  }

  /** Connected peers that speak the protocol. */
  peers (): PeerKey[] {
    return [...this.#available.keys()]
  }

  /** Connected peers that may be in the topic. */
  candidates (entry: TopicEntry): PeerKey[] {
    return this.peers().filter((peer) => this.#mayBeIn(entry, peer)).slice(0, MAX_CANDIDATES)
  }

  /** A peer that speaks the protocol has connected: it may be in topics that have room. */
  onPeerAvailable (peer: PeerKey): void {
    if (this.#available.has(peer)) {
      return
    }

    this.#available.set(peer, new Set())
    this.#timers.schedule(ASK_DELAY_MS, () => {
      for (const entry of this.#topics.values()) {
        const hasRoom = entry.neighbors.size < (entry.hasBootstrap ? 1 : this.#activeViewCapacity)

        if (hasRoom && this.#mayBeIn(entry, peer)) {
          this.#ask(entry, peer)
        }
      }
    })
  }

  /** The peer has left the topic: it is not asked again unless it connects anew. */
  onPeerLeft (entry: TopicEntry, peer: PeerKey): void {
    this.#available.get(peer)?.add(entry.id.toString())
  }

  onPeerGone (peer: PeerKey): void {
    this.#available.delete(peer)
  }

  #mayBeIn (entry: TopicEntry, peer: PeerKey): boolean {
    return !entry.neighbors.has(peer) && this.#available.get(peer)?.has(entry.id.toString()) === false
  }
}
