import type { Timers } from './net/timers.ts'
import type { PeerKey, TopicKey } from './proto/messages.ts'
import type { TopicEntry, TopicRegistry } from './topic-registry.ts'

/** Time for a peer that has just connected to join us, before we ask it. */
const ASK_DELAY_MS = 100

/** Connected peers that are asked at a time for a topic, and the milliseconds until the next ones are. */
const MAX_ASKED = 4
const NEXT_ROUND_MS = 500

/** Milliseconds until a peer that did not become a neighbor is asked again, doubling from the first to the last. */
const BACK_OFF_MS = 10_000
const MAX_BACK_OFF_MS = 10 * 60_000

/** Connected peers that are remembered; beyond, new ones are not asked. */
const MAX_AVAILABLE = 4_096

/** What is known of a peer's part in a topic, as far as it has shown none: whether it is in it, need not be asked, or is about to say so. */
export type Standing = 'unknown' | 'absent' | 'expected'

interface Attempt {
  /** Monotonic milliseconds before which the peer is not asked again. */
  notBefore: number
  backOffMs: number
}

/**
 * Finds members of our topics among the peers that libp2p is connected to.
 *
 * A topic that was entered without bootstrap peers asks whoever speaks the
 * protocol, a few at a time, until its active view is full; one with bootstrap
 * peers only while it has no neighbor at all. Who did not become a neighbor is
 * asked again after a growing pause.
 */
export class Discovery {
  readonly #topics: TopicRegistry
  readonly #timers: Timers
  readonly #activeViewCapacity: number
  readonly #mayAsk: boolean
  readonly #me: PeerKey
  readonly #standing: (peer: PeerKey, key: TopicKey) => Standing
  readonly #ask: (entry: TopicEntry, peers: PeerKey[]) => void
  /** Peers seen to speak the protocol, while connected, and when each was asked for which topic. */
  readonly #available = new Map<PeerKey, Map<TopicKey, Attempt>>()
  readonly #armed = new Set<TopicKey>()

  /**
   * @param mayAsk - whether anybody is asked, or connected peers are only known
   * @param standing - what is known of a peer's part in a topic
   */
  constructor (me: PeerKey, topics: TopicRegistry, timers: Timers, activeViewCapacity: number, mayAsk: boolean, standing: (peer: PeerKey, key: TopicKey) => Standing, ask: (entry: TopicEntry, peers: PeerKey[]) => void) {
    this.#topics = topics
    this.#timers = timers
    this.#activeViewCapacity = activeViewCapacity
    this.#mayAsk = mayAsk
    this.#standing = standing
    this.#me = me
    this.#ask = ask
  }

  /** Connected peers that speak the protocol. */
  peers (): PeerKey[] {
    return [...this.#available.keys()]
  }

  /** Asks connected peers for a topic that was entered or lost neighbors, now and as long as it has room. */
  search (entry: TopicEntry): void {
    this.#round(entry)
  }

  /** The topic was left: who was asked for it may be asked at once when it is entered anew. */
  onTopicLeft (key: TopicKey): void {
    for (const attempts of this.#available.values()) {
      attempts.delete(key)
    }
  }

  /**
   * A peer that speaks the protocol has connected: it may be in topics that have room.
   *
   * @returns whether that was news
   */
  onPeerAvailable (peer: PeerKey): boolean {
    if (this.#available.has(peer) || this.#available.size >= MAX_AVAILABLE) {
      return false
    }

    this.#available.set(peer, new Map())
    this.#timers.schedule(ASK_DELAY_MS, () => {
      if (this.#available.has(peer)) {
        for (const entry of this.#topics.values()) {
          this.search(entry)
        }
      }
    })

    return true
  }

  /** A peer has shown that it is in the topic: one that was asked in vain, or left before, may be asked again. */
  onSubscriber (entry: TopicEntry, peer: PeerKey): void {
    const key = entry.id.toString()
    this.#available.get(peer)?.delete(key)
    // it heard of us in the same moment: one of both is to ask, the other only if that fails
    this.#timers.schedule(this.#me < peer ? 0 : ASK_DELAY_MS, () => {
      if (this.#topics.get(key) === entry) {
        this.search(entry)
      }
    })
  }

  /** The peer has left the topic: it is not asked again unless it connects anew. */
  onPeerLeft (entry: TopicEntry, peer: PeerKey): void {
    this.#available.get(peer)?.set(entry.id.toString(), { notBefore: Infinity, backOffMs: MAX_BACK_OFF_MS })
  }

  onPeerGone (peer: PeerKey): void {
    this.#available.delete(peer)
  }

  #round (entry: TopicEntry): void {
    const key = entry.id.toString()
    const room = (entry.hasBootstrap ? 1 : this.#activeViewCapacity) - entry.neighbors.size

    if (room <= 0 || !this.#mayAsk) {
      this.#forgetAttempts(key)

      return
    }

    const now = this.#timers.now()
    const most = Math.min(room, MAX_ASKED) - this.#askedSince(entry, now - NEXT_ROUND_MS)
    const asked: PeerKey[] = []
    let next = Infinity

    for (const [peer, attempts] of this.#inOrder(entry)) {
      if (entry.neighbors.has(peer)) {
        attempts.delete(key)
        continue
      }

      const standing = entry.subscribers.has(peer) ? 'unknown' : this.#standing(peer, key)

      if (standing === 'absent') {
        continue
      }

      if (standing === 'expected') {
        next = Math.min(next, now + NEXT_ROUND_MS)
        continue
      }

      const attempt = attempts.get(key)

      if ((attempt == null || attempt.notBefore <= now) && asked.length < most) {
        const backOffMs = attempt == null ? BACK_OFF_MS : Math.min(attempt.backOffMs * 2, MAX_BACK_OFF_MS)
        attempts.set(key, { notBefore: now + backOffMs, backOffMs })
        asked.push(peer)
        next = Math.min(next, now + NEXT_ROUND_MS)
      } else {
        next = Math.min(next, Math.max(attempt?.notBefore ?? 0, now + NEXT_ROUND_MS))
      }
    }

    if (next < Infinity) {
      this.#arm(entry, next - now)
    }

    if (asked.length > 0) {
      this.#ask(entry, asked)
    }
  }

  /** How many were asked after this time, and are no neighbors yet: when many connect at once there is a round for each. */
  #askedSince (entry: TopicEntry, time: number): number {
    const key = entry.id.toString()
    let count = 0

    for (const [peer, attempts] of this.#available) {
      const attempt = attempts.get(key)

      if (attempt != null && attempt.notBefore < Infinity && attempt.notBefore - attempt.backOffMs > time && !entry.neighbors.has(peer)) {
        count++
      }
    }

    return count
  }

  /** The topic has all that it needs: who was asked in vain is not kept for it, in ten thousand quiet topics. Those that left are. */
  #forgetAttempts (key: TopicKey): void {
    for (const attempts of this.#available.values()) {
      if (attempts.get(key)?.notBefore !== Infinity) {
        attempts.delete(key)
      }
    }
  }

  /** First those that are in the topic, as far as is known. */
  * #inOrder (entry: TopicEntry): Generator<[PeerKey, Map<TopicKey, Attempt>]> {
    for (const known of this.#available) {
      if (entry.subscribers.has(known[0])) {
        yield known
      }
    }

    for (const known of this.#available) {
      if (!entry.subscribers.has(known[0])) {
        yield known
      }
    }
  }

  #arm (entry: TopicEntry, delayMs: number): void {
    const key = entry.id.toString()

    if (this.#armed.has(key)) {
      return
    }

    this.#armed.add(key)
    this.#timers.schedule(delayMs, () => {
      this.#armed.delete(key)

      // the topic may have been left, and even entered anew
      const current = this.#topics.get(key)

      if (current != null) {
        this.#round(current)
      }
    })
  }
}
