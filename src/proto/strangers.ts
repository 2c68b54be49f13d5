import { MAX_STRANGERS, STRANGER_RETENTION_MS, STRANGER_TOLERANCE_MS } from './limits.ts'
import { TimeBoundCache } from './time-bound-cache.ts'
import type { PeerKey } from './messages.ts'

// the same in every topic
const WATCHED = { retentionMs: STRANGER_RETENTION_MS, capacity: MAX_STRANGERS }

/**
 * Peers that send broadcast messages without being neighbors. Their messages
 * may be in flight since we parted, so they are told only when they go on.
 */
export class Strangers {
  /** When each was heard first, for so long after. */
  private readonly since = new TimeBoundCache<PeerKey, number>(WATCHED)

  get size (): number {
    return this.since.size
  }

  /** Whether the sender of this message has gone on for too long; counts anew if so. */
  isDue (peer: PeerKey, now: number): boolean {
    const first = this.since.get(peer)

    if (first === undefined || now >= first + STRANGER_RETENTION_MS) {
      this.since.set(peer, now, now)

      return false
    }

    if (now - first < STRANGER_TOLERANCE_MS) {
      return false
    }

    this.since.set(peer, now, now)

    return true
  }

  forget (peer: PeerKey): void {
    this.since.delete(peer)
  }

  /** Forgets those that have been quiet for long, and returns them. */
  sweep (now: number): PeerKey[] {
    if (this.since.size === 0) {
      return []
    }

    const before = [...this.since.keys()]

    return this.since.expireUntil(now) === 0 ? [] : before.filter((peer) => !this.since.has(peer))
  }
}
