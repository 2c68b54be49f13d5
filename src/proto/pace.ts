import { BURST_INTERVAL_MS, BUSY_INTERVAL_MS, CALM_INTERVAL_MS } from './limits.ts'
import type { MessageId } from './messages.ts'

/** Weight of the newest interval in the mean interval between messages. */
const NEWEST_WEIGHT = 1 / 8

/** Mean milliseconds between two messages that may change the tree. */
const TREE_INTERVAL_MS = 500

/**
 * One in 2 to the power of so many of those may also shorten paths, the others
 * cut what is double; and one in 2 to the power of so many of all messages at
 * most, since both ends of each lazy link announce it.
 */
const SCOUT_BITS = 1
const MIN_SCOUT_BITS = 8
/** Milliseconds between two of them at least. */
const MIN_SCOUT_MS = 250

/** Milliseconds over which messages are counted, once a topic has been busy for so long. */
const COUNTING_MS = 1_000
/** With so many times the messages of the last counting a topic has become faster. */
const FASTER = 1.25

/** Mean milliseconds between two messages up to which they are taken to overlap on their way through the swarm. */
const OVERLAP_INTERVAL_MS = 150

/** How fast messages come in a topic, and what follows for when to do what costs less if done for many at once. */
export class Pace {
  private lastAt = -Infinity
  /** Milliseconds between two messages, the newer ones weighing more. */
  private interval = 2 * CALM_INTERVAL_MS
  private scoutAt = -Infinity
  private countingSince = -Infinity
  private count = 0
  /** Messages in the last counting, and milliseconds between two of them; none where it took in a pause. */
  private counted: { messages: number, interval: number } | undefined

  /** A message goes through the topic. */
  onMessage (now: number): void {
    // a pause of this length ends a burst, however long it was
    const elapsed = Math.min(now - this.lastAt, CALM_INTERVAL_MS / NEWEST_WEIGHT)
    this.lastAt = now
    // and after a long pause eight messages at twice the rate are enough to be busy again
    this.interval = Math.min(this.interval + (elapsed - this.interval) * NEWEST_WEIGHT, 2 * CALM_INTERVAL_MS)
    this.recount(now)
  }

  /** From 0 at up to ten messages a second to 1 from twenty on. */
  get busyness (): number {
    return Math.min(1, Math.max(0, (CALM_INTERVAL_MS - this.interval) / (CALM_INTERVAL_MS - BUSY_INTERVAL_MS)))
  }

  /** Whether messages overlap on their way through the swarm. */
  get overlaps (): boolean {
    return this.interval < OVERLAP_INTERVAL_MS
  }

  /** Whether so many messages are on their way that a link more costs more than it helps. */
  get isBurst (): boolean {
    return this.interval < BURST_INTERVAL_MS
  }

  /**
   * Whether a second copy of this message may cut a link.
   *
   * One message cuts each cycle of the tree at one place. Two that are on their
   * way at once cut it at two, which leaves nodes without any link until
   * announcements bring them back, by new cycles. So in a busy topic one in so
   * many messages decides, the same ones at all nodes: which they are lies in
   * their ids.
   */
  mayCut (id: MessageId): boolean {
    return isChosen(id, this.cutBits)
  }

  /** Whether announcements of this message may exchange links for shorter ones: fewer still, since in a busy topic both ends of each lazy link announce it by itself. */
  mayShorten (id: MessageId): boolean {
    const bits = this.cutBits

    return isChosen(id, bits === 0 ? 0 : Math.max(bits + SCOUT_BITS, MIN_SCOUT_BITS))
  }

  /**
   * Whether this message is announced at once though others wait: who hears of
   * it sooner than it comes knows a shorter path. To be called once for each
   * message: after one the next ones are none, since whoever makes messages has
   * their ids in its hand.
   */
  isScout (id: MessageId, now: number): boolean {
    if (!this.overlaps || !this.mayShorten(id) || now - this.scoutAt < MIN_SCOUT_MS) {
      return false
    }

    this.scoutAt = now

    return true
  }

  private get cutBits (): number {
    return this.overlaps ? Math.ceil(Math.log2(TREE_INTERVAL_MS / Math.max(this.steadyInterval, 0.1))) : 0
  }

  /**
   * Milliseconds between two messages as they were counted: messages come many
   * at a time, and the mean over a few of them differs from node to node. Where
   * the topic has become faster since, the mean.
   */
  private get steadyInterval (): number {
    const { counted } = this

    return counted === undefined || this.count > FASTER * counted.messages ? this.interval : Math.min(counted.interval, OVERLAP_INTERVAL_MS)
  }

  private recount (now: number): void {
    const elapsed = now - this.countingSince

    if (elapsed >= COUNTING_MS) {
      this.counted = elapsed < 2 * COUNTING_MS ? { messages: this.count, interval: elapsed / this.count } : undefined
      this.countingSince = now
      this.count = 0
    }

    this.count++
  }
}

/** Whether the first so many bits of an id are zero: true for one in 2 to the power of that. */
function isChosen (id: MessageId, bits: number): boolean {
  return bits === 0 || (id[0] << 16 | id[1] << 8 | id[2]) >>> (24 - bits) === 0
}
