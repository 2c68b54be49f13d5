import { MAX_OWED_ANNOUNCEMENTS, MAX_OWED_BYTES, MAX_OWED_PAYLOADS } from './limits.ts'
import { TimeBoundCache } from './time-bound-cache.ts'
import type { Gossip, IHaveEntry, PeerKey } from './messages.ts'

interface Debt {
  /** Payloads that were asked for, or that nobody could ask for later. */
  readonly payloads: TimeBoundCache<string, Gossip>
  /** Messages that it was not pushed, by key. */
  readonly announcements: TimeBoundCache<string, IHaveEntry>
}

/**
 * What peers whose send queue is full are owed.
 *
 * Instead of a payload they will get its announcement. A Rust peer asks for an
 * announced message once, and never again (rule 25): so a payload that it asked for is
 * kept, whatever becomes of the cache, until the queue has drained. What is
 * owed beyond the bounds is forgotten, the oldest first.
 */
export class Debts {
  private readonly debts = new Map<PeerKey, Debt>()
  private readonly retentionMs: number

  /**
   * @param retentionMs - how long an announcement is worth making
   */
  constructor (retentionMs: number) {
    this.retentionMs = retentionMs
  }

  /** Announcements and payloads owed to all peers. */
  get size (): number {
    let size = 0

    for (const debt of this.debts.values()) {
      size += debt.payloads.size + debt.announcements.size
    }

    return size
  }

  owePayload (peer: PeerKey, key: string, message: Gossip, now: number): void {
    this.debtTo(peer).payloads.set(key, message, now)
  }

  oweAnnouncement (peer: PeerKey, key: string, entry: IHaveEntry, now: number): void {
    this.debtTo(peer).announcements.set(key, entry, now)
  }

  /** Takes all that a peer is owed. */
  settle (peer: PeerKey): { payloads: Gossip[], announcements: Array<{ key: string, entry: IHaveEntry }> } {
    const debt = this.debts.get(peer)
    this.debts.delete(peer)

    return {
      payloads: debt?.payloads.toArray().map(([, message]) => message) ?? [],
      announcements: debt?.announcements.toArray().map(([key, entry]) => ({ key, entry })) ?? []
    }
  }

  sweep (now: number): void {
    for (const debt of this.debts.values()) {
      debt.announcements.expireUntil(now)
    }
  }

  removePeer (peer: PeerKey): void {
    this.debts.delete(peer)
  }

  private debtTo (peer: PeerKey): Debt {
    let debt = this.debts.get(peer)

    if (debt === undefined) {
      debt = {
        payloads: new TimeBoundCache({
          retentionMs: Infinity,
          capacity: MAX_OWED_BYTES,
          weigh: (message) => Math.max(message.content.byteLength, MAX_OWED_BYTES / MAX_OWED_PAYLOADS)
        }),
        announcements: new TimeBoundCache({ retentionMs: this.retentionMs, capacity: MAX_OWED_ANNOUNCEMENTS })
      }
      this.debts.set(peer, debt)
    }

    return debt
  }
}
