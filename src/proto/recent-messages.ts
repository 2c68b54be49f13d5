import { first } from './first.ts'
import { LazyMap } from './lazy-map.ts'
import { MAX_OFFERED, OFFER_AGE_MS, YOUNG_OFFER_AGE_MS } from './limits.ts'

interface Recent {
  readonly key: string
  readonly at: number
  readonly own: boolean
}

/**
 * Which messages a new neighbor is offered: recent ones that reached us by
 * themselves, and own ones that nobody was there to hear.
 *
 * Nothing that came by an offer is offered on: a Rust peer that has forgotten
 * an id takes it for new, and the message would wander for ever (rule 26).
 */
export class RecentMessages {
  /** The newest so many messages, in a ring. */
  private readonly ring: Recent[] = []
  private head = 0
  /** Own messages sent to nobody; the oldest goes first. */
  private readonly unheard = new LazyMap<string, true>()

  get size (): number {
    return this.ring.length + this.unheard.size
  }

  /** A message was received, or published by ourselves. */
  add (key: string, own: boolean, now: number): void {
    if (this.ring.length < MAX_OFFERED) {
      this.ring.push({ key, at: now, own })
    } else {
      this.ring[this.head] = { key, at: now, own }
      this.head = (this.head + 1) % MAX_OFFERED
    }
  }

  /** A message was published while there was no neighbor. */
  addUnheard (key: string): void {
    this.unheard.set(key, true)

    const oldest = first(this.unheard.keys())

    if (oldest !== undefined && this.unheard.size > MAX_OFFERED) {
      this.unheard.delete(oldest)
    }
  }

  /**
   * Keys to offer to a new neighbor, at most 256, the oldest first. Those that
   * nobody heard are offered to the first neighbor, whatever their age.
   *
   * @param isYoung - whether we have been in the topic for so short a time that
   * what is new to us may be old to others
   */
  takeOffer (isYoung: boolean, now: number): Set<string> {
    const offer = new Set(this.unheard.keys())
    this.unheard.clear()

    for (let i = 0; i < this.ring.length && offer.size < MAX_OFFERED; i++) {
      const { key, at, own } = this.ring[(this.head + i) % this.ring.length]

      if (now - at < (isYoung && !own ? YOUNG_OFFER_AGE_MS : OFFER_AGE_MS)) {
        offer.add(key)
      }
    }

    return offer
  }

  /** Forgets what is too old to be offered, or has left the cache. */
  sweep (isCached: (key: string) => boolean, now: number): void {
    const newest = this.ring.length === 0 ? undefined : this.ring[(this.head + this.ring.length - 1) % this.ring.length]

    if (newest !== undefined && now - newest.at >= OFFER_AGE_MS) {
      this.ring.length = 0
      this.head = 0
    }

    for (const key of this.unheard.keys()) {
      if (!isCached(key)) {
        this.unheard.delete(key)
      }
    }
  }
}
