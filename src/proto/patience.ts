import { ANSWER_RETENTION_MS, CALL_PATIENCE_MS, MAX_LATE_REQUESTS, REFUSAL_DELAY_MS } from './limits.ts'
import { TimeBoundCache } from './time-bound-cache.ts'
import type { PeerKey } from './messages.ts'

/** Weights of the newest answer in the mean and in the mean deviation, and how many deviations an answer may take: RFC 6298, as for TCP. */
const MEAN_WEIGHT = 1 / 8
const DEVIATION_WEIGHT = 1 / 4
const DEVIATIONS = 4

/** An answer counts as so many times what was waited for at most: one alone says little. */
const MOST_WAITS = 2

const LATE = { retentionMs: CALL_PATIENCE_MS, capacity: MAX_LATE_REQUESTS }

/**
 * For how long a node waits for answers, in all topics: as long as configured,
 * or longer where they take longer.
 *
 * A request that was given up too early is worse than slow. The next peer is
 * asked, both accept in the end, one is let go and asks others: where everybody
 * is late, as in a process that has joined a hundred topics at once, that would
 * have no end, and the requests would be what makes everybody late.
 *
 * Only answers count, and for a minute. Peers that do not answer at all make
 * nobody patient: in a swarm that lost many, healing would be slow.
 */
export class Patience {
  private mean = 0
  private deviation = 0
  private answeredAt = -Infinity
  /** Requests that were given up, by peer: when sent, and by which stay in a topic. */
  private readonly late = new TimeBoundCache<PeerKey, { asker: number, sentAt: number }>(LATE)

  /** Milliseconds to wait for an answer, `leastMs` at least, ten seconds at most. */
  wait (leastMs: number, now: number): number {
    if (now - this.answeredAt > ANSWER_RETENTION_MS) {
      return leastMs
    }

    return Math.min(Math.max(leastMs, Math.ceil(this.mean + DEVIATIONS * this.deviation)), Math.max(leastMs, CALL_PATIENCE_MS))
  }

  /** A request was given up; its answer may still come. */
  onGivenUp (asker: number, peer: PeerKey, sentAt: number, now: number): void {
    this.late.expireUntil(now)
    this.late.set(peer, { asker, sentAt }, now)
  }

  /**
   * A peer has accepted or refused.
   *
   * @param sentAt - when it was asked, where the request was not given up before
   * @param leastMs - for how long it is waited for at least
   * @param refused - refusals of our kind come later than need be
   */
  onAnswer (asker: number, peer: PeerKey, sentAt: number | undefined, leastMs: number, refused: boolean, now: number): void {
    this.late.expireUntil(now)
    const late = this.late.get(peer)
    const askedAt = sentAt ?? (late?.asker === asker ? late.sentAt : undefined)

    if (askedAt === undefined) {
      return
    }

    if (late?.asker === asker) {
      this.late.delete(peer)
    }

    const ms = Math.min(Math.max(0, now - askedAt - (refused ? REFUSAL_DELAY_MS : 0)), MOST_WAITS * this.wait(leastMs, now))

    if (now - this.answeredAt > ANSWER_RETENTION_MS) {
      this.mean = 0
      this.deviation = 0
    }

    this.answeredAt = now
    this.deviation += (Math.abs(ms - this.mean) - this.deviation) * DEVIATION_WEIGHT
    this.mean += (ms - this.mean) * MEAN_WEIGHT
  }
}
