import { LazyMap } from './lazy-map.ts'
import { MAX_ANNOUNCERS, MAX_MISSING_FROM_PEER, MAX_MISSING_MESSAGES } from './limits.ts'
import { TimerQueue } from './timer-queue.ts'
import type { IHaveEntry, MessageId, PeerKey } from './messages.ts'

/** A peer that announced a message, and the round in which it would send it. */
export interface Announcement {
  readonly peer: PeerKey
  readonly round: number
}

export interface MissingMessage {
  readonly id: MessageId
  /** Those that were not asked yet, in the order in which they announced. */
  readonly announcements: Announcement[]
  /** Who was asked last. */
  asked?: PeerKey
}

/**
 * Messages that were announced and have not come.
 *
 * Each is asked for when its time has come, one announcer after the other, and
 * forgotten when the last one had its chance: so every entry ends by itself.
 * Beyond the bounds new announcements are not taken, since dropping older ones
 * would let one peer silence the others.
 */
export class MissingMessages {
  private readonly messages = new LazyMap<string, MissingMessage>()
  private readonly due = new TimerQueue<{ key: string, message: MissingMessage }>()
  private readonly counts = new LazyMap<PeerKey, number>()

  get size (): number {
    return this.messages.size
  }

  /** When the next message is to be asked for, if it has not come until then. */
  get nextAt (): number | undefined {
    return this.due.peek()
  }

  /**
   * Takes an announcement of a message that was not received.
   *
   * @param dueAt - when to ask for it, if nobody announced it before
   * @returns false if there are too many
   */
  announce (peer: PeerKey, key: string, entry: IHaveEntry, dueAt: number): boolean {
    const known = this.messages.get(key)

    if (known?.announcements.some((announcement) => announcement.peer === peer) === true) {
      return true
    }

    const count = this.counts.get(peer) ?? 0

    if (count >= MAX_MISSING_FROM_PEER) {
      return false
    }

    if (known !== undefined) {
      if (known.announcements.length < MAX_ANNOUNCERS) {
        known.announcements.push({ peer, round: entry.round })
        this.counts.set(peer, count + 1)
      }

      return true
    }

    if (this.messages.size >= MAX_MISSING_MESSAGES) {
      return false
    }

    const message: MissingMessage = { id: entry.id, announcements: [{ peer, round: entry.round }] }
    this.messages.set(key, message)
    this.counts.set(peer, count + 1)
    this.due.push(dueAt, { key, message })

    return true
  }

  /** The message has come: forgets it and returns what was known. */
  take (key: string): MissingMessage | undefined {
    const message = this.messages.get(key)

    if (message !== undefined) {
      this.messages.delete(key)

      for (const { peer } of message.announcements) {
        this.uncount(peer)
      }

      if (this.messages.size === 0) {
        // what is left in the queue is stale
        this.due.clear()
      }
    }

    return message
  }

  /**
   * The next message that is due, and whom to ask for it; asked for again at
   * `againAt`. Messages without anybody left to ask are forgotten on the way.
   *
   * @param isPreferred - whom to ask before those who announced it earlier
   */
  nextDue (now: number, againAt: number, isPreferred: (peer: PeerKey) => boolean): { key: string, message: MissingMessage, announcement: Announcement } | undefined {
    let timed = this.due.popBefore(now)

    while (timed !== undefined) {
      const { key, message } = timed.item

      if (this.messages.get(key) === message) {
        const preferred = message.announcements.findIndex(({ peer }) => isPreferred(peer))
        const [announcement] = message.announcements.splice(Math.max(preferred, 0), 1)

        if (announcement !== undefined) {
          this.uncount(announcement.peer)
          message.asked = announcement.peer
          this.due.push(againAt, timed.item)

          return { key, message, announcement }
        }

        this.messages.delete(key)
      }

      timed = this.due.popBefore(now)
    }

    return undefined
  }

  /**
   * "The record of IHAVE messages sent from failed members is deleted from the
   * missing history" (PlumTree p. 9).
   */
  removePeer (peer: PeerKey): void {
    if (!this.counts.delete(peer)) {
      return
    }

    for (const message of this.messages.values()) {
      const index = message.announcements.findIndex((announcement) => announcement.peer === peer)

      if (index !== -1) {
        message.announcements.splice(index, 1)
      }
    }
  }

  private uncount (peer: PeerKey): void {
    const count = this.counts.get(peer) ?? 0

    if (count > 1) {
      this.counts.set(peer, count - 1)
    } else {
      this.counts.delete(peer)
    }
  }
}
