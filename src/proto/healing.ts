import { Contacts } from './contacts.ts'
import { Joining } from './joining.ts'
import {
  CALL_PATIENCE_MS, FORMER_NEIGHBOR_RETENTION_MS, MAX_CONNECTED_FIRST, MAX_FORMER_NEIGHBORS, MAX_REFILL_PAUSE_MS, MAX_REFUSED_BY, MAX_REJOIN_MS, MAX_REQUESTS_AT_ONCE,
  MIN_LINK_AGE_MS, REFILL_PAUSE_MS, REFUSALS_BEFORE_PAUSE, REFUSED_RETENTION_MS, REJOIN_MS
} from './limits.ts'
import { NeighborRequests, isForItsSake } from './neighbor-requests.ts'
import { TimeBoundCache } from './time-bound-cache.ts'
import type { MembershipConfig, Rules } from './config.ts'
import type { NeighborDownReason, Outbox } from './events.ts'
import type { Lateness } from './lateness.ts'
import type { PeerKey, Priority } from './messages.ts'
import type { NeighborRequest, RequestKind } from './neighbor-requests.ts'
import type { Patience } from './patience.ts'
import type { Rng } from './rng.ts'
import type { Views } from './views.ts'

export interface HealingInit {
  me: PeerKey
  config: MembershipConfig
  rules: Rules
  rng: Rng
  views: Views
  epoch: number
  patience: Patience
  lateness: Lateness
  /** Our address data as it is now. */
  myData (): Uint8Array | undefined
}

// the bounds are the same in every topic
const REFUSED_BY = { retentionMs: REFUSED_RETENTION_MS, capacity: MAX_REFUSED_BY }
const FORMER = { retentionMs: FORMER_NEIGHBOR_RETENTION_MS, capacity: MAX_FORMER_NEIGHBORS }

/** Doublings after which the pause before a re-join is at its longest. */
const MAX_REJOIN_STEPS = Math.ceil(Math.log2(MAX_REJOIN_MS / REJOIN_MS))

/**
 * Asks others to be our neighbors: contacts to join through, remembered peers
 * when a slot is free, lost neighbors and bootstrap peers when nobody is left.
 *
 * Join and high priority are for a node without neighbors only, for one
 * contact at a time: each makes a Rust peer drop a neighbor. A Rust peer that
 * has slots left is as glad of low priority (rule 16).
 */
export class Healing {
  readonly requests = new NeighborRequests()
  readonly contacts = new Contacts()
  readonly joining: Joining
  private readonly init: HealingInit
  /** Peers that refused us or let us go: not asked for a while. */
  private readonly refusedBy = new TimeBoundCache<PeerKey, true>(REFUSED_BY)

  /** Neighbors lost to a failure. */
  private readonly former = new TimeBoundCache<PeerKey, true>(FORMER)

  private refusals = 0
  /** Requests without answer, halved by each new neighbor. */
  private unanswered = 0
  private pausedUntil = 0
  private refillArmed = false
  private rejoinArmed = false
  private rejoinSteps = 0
  /** The peer to be asked first at the next refill. */
  private hint?: PeerKey

  constructor (init: HealingInit) {
    this.init = init
    this.joining = new Joining(init, this)
  }

  /** Entries that expire. */
  get size (): number {
    return this.refusedBy.size + this.former.size
  }

  /** Whether the peer may answer something that we asked. */
  isAsking (peer: PeerKey): boolean {
    return this.requests.has(peer) || this.contacts.has(peer)
  }

  /** Asks a peer to be our neighbor, once. */
  request (peer: PeerKey, kind: RequestKind, priority: Priority, now: number, out: Outbox): void {
    const { generation } = this.requests.add(peer, kind, now)

    this.init.views.known.recall(peer, out)
    out.send(peer, { type: 'neighbor', priority, data: this.init.myData() })

    // the attempt with a contact has its own end
    if (kind !== 'join') {
      out.schedule(isForItsSake(kind) ? CALL_PATIENCE_MS : this.init.patience.wait(this.init.config.neighborRequestTimeoutMs, now), { type: 'pendingNeighborRequest', peer, generation })
    }
  }

  /**
   * Asks remembered peers for the free slots of the active view.
   *
   * HyParView p. 7. Deviation: several at once with low priority, but one at a
   * time with high priority, also of a node without neighbors; with a growing pause after refusals, where the
   * Rust peer asks the next one without end.
   */
  refill (now: number, out: Outbox): void {
    const { views } = this.init

    if (views.links.size > 0 && now < this.pausedUntil) {
      if (!this.refillArmed) {
        this.refillArmed = true
        out.schedule(this.pausedUntil - now, { type: 'refillActiveView' })
      }

      return
    }

    const alone = views.links.size === 0

    if (alone && this.contacts.isAsking && this.unanswered === 0) {
      return
    }

    while (this.requests.ofOurs < this.requestsAtOnce) {
      const hint = this.takeHint()

      if (hint === undefined && !alone && this.refusals >= REFUSALS_BEFORE_PAUSE && this.canInsist()) {
        if (this.requests.ofOurs === 0) {
          this.insist(now, out)
        }

        return
      }

      const peer = hint ?? this.pickRemembered()

      if (peer === undefined) {
        this.askAcquaintances(now, out)

        return
      }

      this.request(peer, 'refill', alone && this.requests.size === 0 && !this.contacts.isAsking ? 'high' : 'low', now, out)
    }
  }

  /**
   * HyParView p. 7. Deviation: first two to whom a connection is open, if there
   * are any: a dial costs both sides more than all else that they say. If they
   * refuse, anybody: where all are connected to the same few, those are full.
   */
  private pickRemembered (): PeerKey | undefined {
    const { views, rng, rules } = this.init
    const connected = this.refusals >= MAX_CONNECTED_FIRST ? undefined : views.passive.pick(rng, (id) => rules.isConnected(id) && this.isAskable(id))

    return connected ?? views.passive.pick(rng, (id) => this.isAskable(id))
  }

  /**
   * How many requests may be open: one for each free slot, and more for a node
   * that lacks several neighbors while nobody answers. Then most of those that
   * it knows are dead, and one after the other would take too long. Who answers
   * without need is refused.
   */
  private get requestsAtOnce (): number {
    const { views, config } = this.init
    const free = config.activeViewCapacity - views.links.size

    return free < 2 ? free : Math.max(free, Math.min(free + this.unanswered, MAX_REQUESTS_AT_ONCE))
  }

  /**
   * A slot is free, and nobody of the passive view is left to fill it: others
   * heard of long ago are asked, several at once and therefore with low priority.
   * One that is full says who else there is.
   */
  private askAcquaintances (now: number, out: Outbox): void {
    const { views, rules } = this.init

    for (const peer of views.known.newestFirst()) {
      if (this.requests.ofOurs >= this.requestsAtOnce) {
        return
      }

      if (!views.links.has(peer.id) && !this.isAsking(peer.id) && !this.refusedBy.has(peer.id) && rules.canDial(peer)) {
        this.request(peer.id, 'refill', 'low', now, out)
      }
    }
  }

  /** Whether a slot is free for which nobody is asked yet, and the peer may be asked for it. */
  mayAsk (peer: PeerKey, now: number): boolean {
    return now >= this.pausedUntil && this.requests.ofOurs < this.requestsAtOnce && this.isAskable(peer)
  }

  /** Who is to be asked next: a peer that let us go says first who took our place, and has slots left. */
  suggest (peer: PeerKey): void {
    this.hint = peer
  }

  private takeHint (): PeerKey | undefined {
    const { hint } = this
    this.hint = undefined

    return hint !== undefined && this.init.views.passive.has(hint) && this.isAskable(hint) ? hint : undefined
  }

  /**
   * Whether we may ask with high priority though we have neighbors: we lack two
   * or more, and know a peer of our kind. Whoever lets us in then lets another
   * one go, and sends it to us, so that we are inserted into a link. A Rust peer
   * would let one go without saying for whom.
   */
  private canInsist (): boolean {
    const { views, config } = this.init

    return views.links.size + 2 <= config.activeViewCapacity &&
      views.passive.toArray().some((id) => views.isOurKind(id) && this.isAskable(id))
  }

  private insist (now: number, out: Outbox): void {
    const peer = this.init.views.passive.pick(this.init.rng, (id) => this.init.views.isOurKind(id) && this.isAskable(id))

    if (peer !== undefined) {
      this.request(peer, 'refill', 'high', now, out)
    }
  }

  private isAskable (peer: PeerKey): boolean {
    return !this.isAsking(peer) && !this.refusedBy.has(peer) && this.init.views.canDial(peer)
  }

  /**
   * The peer answered, by whatever message.
   *
   * @returns what it was asked
   */
  answered (peer: PeerKey): { request?: NeighborRequest, contact: boolean } {
    return { request: this.requests.take(peer), contact: this.contacts.end(peer) }
  }

  /**
   * The peer accepted or refused: how long it took says how long the next ones may take.
   *
   * @param request - what it was asked, unless that was given up
   */
  onDecided (peer: PeerKey, request: NeighborRequest | undefined, refused: boolean, now: number): void {
    const { patience, epoch, config } = this.init
    patience.onAnswer(epoch, peer, request?.sentAt, config.neighborRequestTimeoutMs, refused, now)
  }

  /** A new neighbor: nothing needs to be asked with high priority any more. */
  onNeighborUp (peer: PeerKey, now: number, out: Outbox): void {
    this.refusals = 0
    this.unanswered >>= 1
    this.pausedUntil = 0
    this.former.delete(peer)

    for (const id of this.contacts.clearQueue()) {
      this.init.views.addPassive({ id }, now, out)
    }
  }

  /** Whether the peer is a neighbor that we lost to a failure: if it asks, two parts of the overlay may find together again. */
  wasLost (peer: PeerKey): boolean {
    return this.former.has(peer)
  }

  /** Whether a peer refused us, or let us go, a short while ago. */
  isAvoided (peer: PeerKey): boolean {
    return this.refusedBy.has(peer)
  }

  /**
   * A neighbor is lost. After a failure it is asked again: a Rust peer that lost
   * its connection to us has removed us everywhere, and asks nothing (rule 11).
   *
   * @param livedMs - for how long it was one
   */
  onNeighborDown (peer: PeerKey, reason: NeighborDownReason, livedMs: number, now: number): void {
    const failed = reason === 'connectionClosed' || reason === 'sendStalled' || reason === 'protocolError'
    this.refusals = 0
    this.pausedUntil = 0

    if (failed) {
      this.former.set(peer, true, now)
    }

    if (reason !== 'connectionClosed') {
      this.avoid(peer, now)
    }

    if (!failed) {
      // after evictions a quick re-join would loop: the other side is just full
      this.rejoinSteps = MAX_REJOIN_STEPS
    } else if (livedMs >= MIN_LINK_AGE_MS) {
      this.rejoinSteps = 0
    }
  }

  /** Not to be asked for a while. */
  avoid (peer: PeerKey, now: number): void {
    this.refusedBy.set(peer, true, now)
  }

  /** A peer that we asked refused: it is full. */
  onRefused (peer: PeerKey, now: number): void {
    this.avoid(peer, now)
    this.refusals++

    if (this.refusals >= REFUSALS_BEFORE_PAUSE) {
      const pause = this.canInsist() ? REFILL_PAUSE_MS : REFILL_PAUSE_MS * 2 ** (this.refusals - REFUSALS_BEFORE_PAUSE)
      this.pausedUntil = now + this.jitter(Math.min(pause, MAX_REFILL_PAUSE_MS))
    }
  }

  /** A peer that we asked cannot be reached, or is not in the topic. */
  onUnavailable (peer: PeerKey, wasContact: boolean, now: number, out: Outbox): void {
    this.init.views.forget(peer)

    if (wasContact && this.init.views.links.size === 0) {
      this.joining.askNextContact(now, out)
    }
  }

  /** Asks nobody any more who is a stranger by now: for a peer that is banned. */
  forget (peer: PeerKey): void {
    this.former.delete(peer)
    this.contacts.forget(peer)
  }

  onPendingNeighborRequestTimer (peer: PeerKey, generation: number, now: number, out: Outbox): void {
    const { patience, lateness, config } = this.init
    const request = this.requests.get(peer, generation)

    if (request === undefined) {
      return
    }

    if (lateness.isLate && now - request.sentAt < CALL_PATIENCE_MS) {
      // the answer may lie unread
      out.schedule(patience.wait(config.neighborRequestTimeoutMs, now), { type: 'pendingNeighborRequest', peer, generation })

      return
    }

    this.requests.take(peer)

    if (isForItsSake(request.kind)) {
      this.init.views.forget(peer)
    } else {
      this.init.views.setAside(peer)
      this.init.patience.onGivenUp(this.init.epoch, peer, request.sentAt, now)
      this.unanswered++
    }

    this.releaseIdle(peer, out)
    this.refill(now, out)
  }

  onRefillTimer (now: number, out: Outbox): void {
    this.refillArmed = false
    this.refill(now, out)
  }

  onRejoinTimer (now: number, out: Outbox): void {
    const { views, rng } = this.init
    this.rejoinArmed = false
    this.rejoinSteps = Math.min(this.rejoinSteps + 1, MAX_REJOIN_STEPS)
    const former = [...this.former.keys()].filter((peer) =>
      !views.links.has(peer) && !this.isAsking(peer) && views.canDial(peer))

    if (views.links.size > 0) {
      if (former.length > 0) {
        // also with a full view: what was lost may be the other half of a partition
        this.request(former[rng.below(former.length)], views.isFull ? 'swap' : 'refill', 'low', now, out)
      }

      return
    }

    this.refill(now, out)

    if (this.requests.size === 0 && !this.contacts.isAsking) {
      this.contacts.enqueue(rng.shuffle([...new Set([...this.contacts.all(), ...former])])
        .filter((peer) => !this.refusedBy.has(peer)))
      this.joining.askNextContact(now, out)
    }
  }

  /**
   * Arms the next re-join where one is needed: nobody is left and nothing is
   * being asked, or a neighbor was lost and there is room for it. To be called
   * after every event.
   */
  settle (out: Outbox): void {
    const { views } = this.init

    if (this.rejoinArmed) {
      return
    }

    const needed = views.links.size === 0
      ? this.requests.size === 0 && !this.contacts.isAsking && this.contacts.size + this.former.size + views.passive.size + views.known.trusted > 0
      : this.former.size > 0

    if (needed) {
      this.rejoinArmed = true
      const pause = Math.min(REJOIN_MS * 2 ** this.rejoinSteps, MAX_REJOIN_MS)
      // from half the pause to the whole: not all that lost the same peer at once
      out.schedule(Math.round(pause * (0.5 + this.init.rng.float() / 2)), { type: 'rejoin' })
    }
  }

  sweep (now: number): void {
    this.refusedBy.expireUntil(now)
    this.former.expireUntil(now)
  }

  /** Lets go of a peer that did not answer. */
  releaseIdle (peer: PeerKey, out: Outbox): void {
    if (!this.init.views.links.has(peer)) {
      out.release(peer)
    }
  }

  private jitter (ms: number): number {
    return Math.round(ms * (0.75 + this.init.rng.float() / 2))
  }
}
