import { MAX_QUEUED_ANNOUNCEMENTS } from './limits.ts'
import type { BroadcastConfig } from './config.ts'
import type { Outbox } from './events.ts'
import type { IHaveEntry, PeerKey } from './messages.ts'
import type { Pace } from './pace.ts'

/** Announcements that wait for one peer. */
interface Queue {
  /** By message, the oldest first; mostly there are none. */
  entries?: Map<string, IHaveEntry>
  /** When they go out; `Infinity` while there are none. */
  dueAt: number
  /** Until when only what waits for long is announced: the link's two ends have told each other what they have. */
  quietUntil: number
  sentAt: number
}

/** How much longer whoever announced last waits than the other end of the link, which announces next time. */
const SENDER_PATIENCE = 2
/** Share of the wait after which announcements leave even if no newer message came to join them. */
const GRACE = 0.5
/** Fractions of the multiples of this are spread evenly, however many there are: the golden ratio. */
const GOLDEN = (Math.sqrt(5) - 1) / 2

/**
 * Announcements for lazy peers, gathered until it is time to send them
 * (PlumTree p. 10 leaves open how long).
 *
 * An announcement costs a packet as large as a small payload. So a busy topic
 * announces many messages at a time: the wait grows with the rate from
 * `dispatchTimeoutMs`, at up to ten messages a second, to
 * `maxDispatchTimeoutMs`, from twenty on. Scouts are announced at once, so that
 * trees find shorter paths by them.
 *
 * Of the two ends of a lazy link one announces: what the other one announces,
 * or sends, is not announced to it any more. They take turns. A Rust peer does
 * not wait, so it is announced only what it did not announce.
 */
export class LazyPush {
  private readonly me: PeerKey
  private readonly config: BroadcastConfig
  private readonly pace: Pace
  private queues: Map<PeerKey, Queue> | undefined
  private armedAt = Infinity
  /** No queue is due before. */
  private earliest = Infinity
  private phase = 0

  constructor (me: PeerKey, config: BroadcastConfig, pace: Pace) {
    this.me = me
    this.config = config
    this.pace = pace
  }

  /** Announcements that wait, for all peers. */
  get size (): number {
    let size = 0

    for (const { entries } of this.queues?.values() ?? []) {
      size += entries?.size ?? 0
    }

    return size
  }

  /**
   * @param atOnce - whether it cannot wait; what waits leaves with it
   * @returns entries that are to be sent at once, for this reason or because there is no room for more
   */
  add (peer: PeerKey, key: string, entry: IHaveEntry, atOnce: boolean, now: number): IHaveEntry[] | undefined {
    const queue = this.queueOf(peer)
    queue.entries ??= new Map()
    queue.entries.set(key, entry)

    if (atOnce || queue.entries.size >= MAX_QUEUED_ANNOUNCEMENTS) {
      return this.take(queue, now)
    }

    queue.dueAt = Math.min(queue.dueAt, now < queue.quietUntil ? queue.quietUntil + this.wait * GRACE : now + this.config.dispatchTimeoutMs)
    this.earliest = Math.min(this.earliest, queue.dueAt)

    return undefined
  }

  /** The peer knows the message, or gets it otherwise. */
  forget (peer: PeerKey, key: string): void {
    const queue = this.queues?.get(peer)

    if (queue?.entries?.delete(key) === true && queue.entries.size === 0) {
      queue.entries = undefined
      queue.dueAt = Infinity
    }
  }

  /** The peer has announced what it has: it is our turn next time. */
  onAnnounced (peer: PeerKey, now: number): void {
    const queue = this.queues?.get(peer)

    if (queue !== undefined) {
      // where both announced at the same time, only one goes first next time
      const crossed = now - queue.sentAt < this.wait / 2 && this.me > peer
      queue.quietUntil = now + this.spread(crossed ? SENDER_PATIENCE : 1)
    }
  }

  removePeer (peer: PeerKey): void {
    this.queues?.delete(peer)
  }

  /** Arms the timer for what is due next; to be called after the last `add`. */
  arm (now: number, out: Outbox): void {
    const at = this.earliest

    if (at < this.armedAt) {
      this.armedAt = at
      out.schedule(at - now, { type: 'dispatchLazyPush', at })
    }
  }

  /** What is due for each peer, in the order in which they were first announced to; `arm` is to be called afterwards. */
  takeDue (at: number, now: number): Array<[PeerKey, IHaveEntry[]]> {
    // what the timer was armed for is due, however the sum was rounded
    const due = Math.max(at, now)
    const taken: Array<[PeerKey, IHaveEntry[]]> = []

    if (this.armedAt <= due) {
      this.armedAt = Infinity
    }

    this.earliest = Infinity

    for (const [peer, queue] of this.queues ?? []) {
      if (queue.dueAt <= due) {
        taken.push([peer, this.take(queue, now)])
      }

      this.earliest = Math.min(this.earliest, queue.dueAt)
    }

    return taken
  }

  private queueOf (peer: PeerKey): Queue {
    this.queues ??= new Map()
    let queue = this.queues.get(peer)

    if (queue === undefined) {
      queue = { entries: undefined, dueAt: Infinity, quietUntil: -Infinity, sentAt: -Infinity }
      this.queues.set(peer, queue)
    }

    return queue
  }

  private take (queue: Queue, now: number): IHaveEntry[] {
    const entries = [...queue.entries?.values() ?? []]
    // what nodes announce last differs: so they drift apart
    this.phase += (entries.at(-1)?.id[0] ?? 0) / 256
    queue.entries = undefined
    queue.dueAt = Infinity
    queue.sentAt = now
    queue.quietUntil = now + this.spread(SENDER_PATIENCE)

    return entries
  }

  /** So many waits, a quarter more or less: what leaves for all peers at once would hold up what comes meanwhile. */
  private spread (waits: number): number {
    this.phase = (this.phase + GOLDEN) % 1

    return this.wait * waits * (0.75 + this.phase / 2)
  }

  /** How long announcements wait at the present rate. */
  private get wait (): number {
    const { dispatchTimeoutMs, maxDispatchTimeoutMs } = this.config

    return dispatchTimeoutMs + Math.max(0, maxDispatchTimeoutMs - dispatchTimeoutMs) * this.pace.busyness
  }
}
