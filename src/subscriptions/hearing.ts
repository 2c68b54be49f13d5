import type { TopicTag } from './announced-topics.ts'

/** Statements that a peer may make at once, and in a second from then on. */
const BURST_STATEMENTS = 16_384
const STATEMENTS_PER_SECOND = 1_024

/** Milliseconds before a peer is asked again to start over. */
const ASK_INTERVAL_MS = 2_000

/** How far a peer has come in saying which topics it is in. */
export class Hearing {
  /** The sequence number of the announcement that comes next; `undefined` until the peer starts over. */
  next: number | undefined
  /** Topics that it named before it started over, and has not named again. */
  unconfirmed = new Set<TopicTag>()
  #askedAt = -Infinity
  /** Statements that it may still make, and when that was counted. */
  #left = BURST_STATEMENTS
  #at: number

  /**
   * @param now - monotonic milliseconds
   */
  constructor (now: number) {
    this.#at = now
  }

  /** Whether the peer may make so many statements now; counts them if so. */
  takes (statements: number, now: number): boolean {
    this.#left = Math.min(BURST_STATEMENTS, this.#left + (now - this.#at) * STATEMENTS_PER_SECOND / 1_000)
    this.#at = now

    if (statements > this.#left) {
      return false
    }

    this.#left -= statements

    return true
  }

  /** Whether it is time to ask the peer to start over, as it is then. */
  mayAsk (now: number): boolean {
    if (now - this.#askedAt < ASK_INTERVAL_MS) {
      return false
    }

    this.#askedAt = now

    return true
  }
}
