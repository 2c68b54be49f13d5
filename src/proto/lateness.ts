import { MAX_LATE_MS } from './limits.ts'

/** Weight of the newest timer in the mean, and the most that one counts: a pause to collect garbage is no state to be in. */
const NEWEST_WEIGHT = 1 / 4
const MOST_MS = 100

/**
 * How late a node is for its own timers, in all topics.
 *
 * While it is late, whatever it measures is itself: a round trip waits for its
 * turn at both ends. And an answer that has not come may lie there unread.
 */
export class Lateness {
  private mean = 0
  private last = 0

  /** A timer that was due at `dueAt` runs out. */
  onTimer (dueAt: number, now: number): void {
    this.last = now - dueAt
    this.mean += (Math.min(Math.max(0, this.last), MOST_MS) - this.mean) * NEWEST_WEIGHT
  }

  /** Whether it is now, or was with most timers of late. */
  get isLate (): boolean {
    return this.last > MAX_LATE_MS || this.mean > MAX_LATE_MS
  }
}
