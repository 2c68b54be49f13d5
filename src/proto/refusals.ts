import { first } from './first.ts'
import { LazyMap } from './lazy-map.ts'
import { EVICTION_BURST, EVICTION_INTERVAL_MS, MAX_REFUSALS } from './limits.ts'
import type { PeerKey } from './messages.ts'

/**
 * Requests that will be refused after a delay (rule 18). One for each peer; when there
 * are too many, the oldest has to be refused at once.
 */
export class Refusals {
  private readonly waiting = new LazyMap<PeerKey, number>()
  private generation = 0

  get size (): number {
    return this.waiting.size
  }

  has (peer: PeerKey): boolean {
    return this.waiting.has(peer)
  }

  /**
   * Lets a request wait; the peer must not be waiting already.
   *
   * @returns the generation for its timer, and who has to be refused now to make room
   */
  add (peer: PeerKey): { generation: number, overdue?: PeerKey } {
    const generation = ++this.generation
    const overdue = this.waiting.size >= MAX_REFUSALS ? first(this.waiting.keys()) : undefined

    if (overdue !== undefined) {
      this.waiting.delete(overdue)
    }

    this.waiting.set(peer, generation)

    return { generation, overdue }
  }

  /** Returns false if the peer was not waiting. */
  cancel (peer: PeerKey): boolean {
    return this.waiting.delete(peer)
  }

  /** Ends the waiting if it is still that one; returns whether it was. */
  expire (peer: PeerKey, generation: number): boolean {
    return this.waiting.get(peer) === generation && this.waiting.delete(peer)
  }

  peers (): Iterable<PeerKey> {
    return this.waiting.keys()
  }
}

/**
 * Limits how fast others can make us drop neighbors: a burst, then one in each
 * interval. Without it anyone replaces a whole active view by asking often.
 */
export class EvictionBudget {
  private left = EVICTION_BURST
  private countedAt = 0

  /** Whether a neighbor may be dropped now. */
  peek (now: number): boolean {
    const gained = Math.floor((now - this.countedAt) / EVICTION_INTERVAL_MS)

    if (gained > 0) {
      this.left = Math.min(EVICTION_BURST, this.left + gained)
      this.countedAt += gained * EVICTION_INTERVAL_MS
    }

    return this.left > 0
  }

  /** The same, and counts it if so. */
  take (now: number): boolean {
    if (!this.peek(now)) {
      return false
    }

    this.left--

    return true
  }
}
