import { first } from './first.ts'
import { LazyMap } from './lazy-map.ts'
import { MAX_OFFERED, OFFER_AGE_MS, YOUNG_OFFER_AGE_MS } from './limits.ts'

/**
 * Which messages a new neighbor is offered: recent ones that reached us by
 * themselves, and own ones that nobody was there to hear.
 *
 * Nothing that came by an offer is offered on: a Rust peer that has forgotten
 * an id takes it for new, and the message would wander for ever (rule 26).
 */
export class RecentMessages {
  /** The newest so many messages, in a ring: their keys, and when they came. */
  private readonly keys: string[] = []
  private readonly times: number[] = []
  private head = 0
  /** Own messages sent to nobody; the oldest goes first. */
  private readonly unheard = new LazyMap<string, true>()

  get size (): number {
    return this.keys.length + this.unheard.size
  }

  /** A message was received, or published by ourselves. */
  add (key: string, now: number): void {
    if (this.keys.length < MAX_OFFERED) {
      this.keys.push(key)
      this.times.push(now)
    } else {
      this.keys[this.head] = key
      this.times[this.head] = now
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
   * @param isOwn - whether a message was published by ourselves
   */
  takeOffer (isYoung: boolean, now: number, isOwn: (key: string) => boolean): Set<string> {
    const offer = new Set(this.unheard.keys())
    this.unheard.clear()

    for (let i = 0; i < this.keys.length && offer.size < MAX_OFFERED; i++) {
      const place = (this.head + i) % this.keys.length
      const key = this.keys[place]

      if (now - this.times[place] < (isYoung && !isOwn(key) ? YOUNG_OFFER_AGE_MS : OFFER_AGE_MS)) {
        offer.add(key)
      }
    }

    return offer
  }

  /** Forgets what is too old to be offered, or has left the cache. */
  sweep (isCached: (key: string) => boolean, now: number): void {
    const { keys, times } = this

    if (keys.length > 0 && now - times[(this.head + keys.length - 1) % keys.length] >= OFFER_AGE_MS) {
      keys.length = 0
      times.length = 0
      this.head = 0
    }

    for (const key of this.unheard.keys()) {
      if (!isCached(key)) {
        this.unheard.delete(key)
      }
    }
  }
}
