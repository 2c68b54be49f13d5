import { CALL_PATIENCE_MS, JOIN_TIMEOUT_MS, MAX_SWAP_REQUESTS, NEXT_CONTACT_MS } from './limits.ts'
import type { Outbox } from './events.ts'
import type { Healing, HealingInit } from './healing.ts'
import type { PeerKey } from './messages.ts'

/**
 * Joins through contacts: one at a time, the next one when the first had its
 * time. A node that has neighbors asks for a link instead.
 */
export class Joining {
  private readonly init: HealingInit
  private readonly healing: Healing

  constructor (init: HealingInit, healing: Healing) {
    this.init = init
    this.healing = healing
  }

  /** The application names peers to join through. */
  join (peers: PeerKey[], now: number, out: Outbox): void {
    const { me, views } = this.init
    const others = [...new Set(peers)].filter((peer) => peer !== me)

    for (const peer of others) {
      this.healing.contacts.remember(peer)
    }

    if (views.links.size === 0) {
      this.healing.contacts.enqueue(others)

      if (!this.healing.contacts.isAsking) {
        this.askNextContact(now, out)
      }

      return
    }

    let asked = 0

    for (const peer of others) {
      if (views.links.has(peer) || this.healing.isAsking(peer)) {
        continue
      }

      if (asked++ < MAX_SWAP_REQUESTS) {
        this.healing.request(peer, 'swap', 'low', now, out)
      } else {
        views.addPassive({ id: peer }, now, out)
      }
    }
  }

  /**
   * The surroundings have found peers that may be in the topic. They take free
   * slots and no others: who made room for them would be found a new neighbor in
   * the same way, which made room for it, and so on without end.
   */
  found (peers: PeerKey[], now: number, out: Outbox): void {
    const { views } = this.init

    if (views.links.size === 0) {
      this.join(peers, now, out)

      return
    }

    for (const peer of peers) {
      if (peer === this.init.me || views.links.has(peer) || this.healing.isAsking(peer)) {
        continue
      }

      this.healing.contacts.remember(peer)

      if (this.healing.mayAsk(peer, now)) {
        this.healing.request(peer, 'refill', 'low', now, out)
      } else {
        views.addPassive({ id: peer }, now, out)
      }
    }
  }

  /** A Join has no answer yet: Rust neither repeats nor confirms it, so it is followed by Neighbor, twice. */
  onJoinContactTimer (peer: PeerKey, generation: number, now: number, out: Outbox): void {
    const { contacts } = this.healing
    const startedAt = contacts.startedAt(peer, generation)

    if (startedAt === undefined) {
      return
    }

    if (this.mayLieUnread(startedAt, now)) {
      out.schedule(this.patienceMs(now), { type: 'joinContact', peer, generation })

      return
    }

    const sent = contacts.again(peer)

    if (sent <= 3 && this.init.views.links.size === 0) {
      this.healing.request(peer, 'join', 'high', now, out)
      out.schedule(this.patienceMs(now), { type: 'joinContact', peer, generation })

      return
    }

    this.healing.contacts.end(peer)
    this.healing.requests.take(peer)
    this.healing.releaseIdle(peer, out)
  }

  onNextContactTimer (generation: number, now: number, out: Outbox): void {
    const { newest } = this.healing.contacts

    if (generation !== newest.generation || this.init.views.links.size > 0) {
      return
    }

    if (this.mayLieUnread(newest.startedAt, now)) {
      out.schedule(this.patienceMs(now), { type: 'nextContact', generation })
    } else {
      this.askNextContact(now, out)
    }
  }

  /** Begins with the next contact of this round, if there is one. */
  askNextContact (now: number, out: Outbox): void {
    const { views } = this.init
    const next = this.healing.contacts.next(now)

    if (next === undefined) {
      return
    }

    views.known.recall(next.peer, out)
    out.send(next.peer, { type: 'join', data: this.init.myData() })
    out.schedule(this.patienceMs(now), { type: 'joinContact', ...next })
    out.schedule(Math.min(this.patienceMs(now) * NEXT_CONTACT_MS / JOIN_TIMEOUT_MS, CALL_PATIENCE_MS), { type: 'nextContact', generation: next.generation })
  }

  private patienceMs (now: number): number {
    return this.init.patience.wait(JOIN_TIMEOUT_MS, now)
  }

  /** Whether an answer may have come that a late node has not read. */
  private mayLieUnread (askedAt: number, now: number): boolean {
    return this.init.lateness.isLate && now - askedAt < CALL_PATIENCE_MS
  }
}
