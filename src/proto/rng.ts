/** The golden ratio in 32 bits: steps through all seeds without a pattern. */
const GOLDEN = 0x9e3779b9

/**
 * A seeded pseudo-random generator (sfc32: 128 bits of state, passes PractRand).
 *
 * The same seed gives the same numbers on every platform. Not for secrets.
 */
export class Rng {
  private a: number
  private b: number
  private c: number
  private counter = 1

  /**
   * @param seed - any finite number; all of its 53 bits count
   */
  constructor (seed: number) {
    const whole = Math.abs(Math.trunc(seed))
    this.a = whole | 0
    this.b = Math.floor(whole / 0x1_0000_0000) | 0
    this.c = seed < 0 ? GOLDEN : GOLDEN ^ 0x5bf0_3635

    // near seeds differ in few bits: let them spread over the whole state
    for (let i = 0; i < 15; i++) {
      this.next()
    }
  }

  /** A whole number from 0 to 2^32 - 1. */
  next (): number {
    const t = (this.a + this.b + this.counter) | 0
    this.counter = (this.counter + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = ((this.c << 21) | (this.c >>> 11)) + t | 0

    return t >>> 0
  }

  /** A number from 0 up to, but not including, 1. */
  float (): number {
    return this.next() / 0x1_0000_0000
  }

  /** A whole number from 0 to `bound - 1`; `bound` is from 1 to 2^32. */
  below (bound: number): number {
    // the bias of scaling 32 bits is under 1 in 10^6 for the sizes of a view
    return Math.floor(this.float() * bound)
  }

  /** A generator of its own, which goes on independently of this one. */
  fork (): Rng {
    return new Rng(this.next() * 0x20_0000 + (this.next() >>> 11))
  }

  /** Puts the items into random order, in place, and returns them. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const item = items[i]
      items[i] = items[j]
      items[j] = item
    }

    return items
  }
}
