import { TimeBoundCache } from '../proto/time-bound-cache.ts'
import type { PeerKey } from '../proto/messages.ts'

/** Rejected messages after which a peer is let go, and the milliseconds in which they count. */
const MAX_REJECTIONS = 16
const REJECTION_MEMORY_MS = 60_000

/** Peers counted at a time, and banned at a time; the one that was noted longest ago goes first. */
const MAX_PEERS = 1_024

/** Milliseconds for which a peer is neither heard nor asked. */
const BAN_MS = 10 * 60_000

/**
 * Counts the rejected messages that each peer handed over, and remembers who
 * is banned. A peer may hand over a bad message in good faith, before its own
 * validator knew better; one that goes on is let go.
 */
export class Rejections {
  readonly #now: () => number
  readonly #counts = new TimeBoundCache<PeerKey, number>({ retentionMs: REJECTION_MEMORY_MS, capacity: MAX_PEERS })
  readonly #banned = new TimeBoundCache<PeerKey, number>({ retentionMs: BAN_MS, capacity: MAX_PEERS })

  /**
   * @param now - monotonic milliseconds
   */
  constructor (now: () => number) {
    this.#now = now
  }

  /** Notes a rejected message. Returns whether the peer is banned for it. */
  add (peer: PeerKey): boolean {
    const now = this.#now()
    this.#counts.expireUntil(now)
    const count = (this.#counts.get(peer) ?? 0) + 1

    if (count < MAX_REJECTIONS) {
      this.#counts.set(peer, count, now)
      return false
    }

    this.#counts.delete(peer)
    this.#banned.expireUntil(now)
    this.#banned.set(peer, now + BAN_MS, now)

    return true
  }

  /** Whether the peer is banned now. Costs nothing while nobody is. */
  isBanned (peer: PeerKey): boolean {
    return this.#banned.size > 0 && (this.#banned.get(peer) ?? -Infinity) > this.#now()
  }
}
