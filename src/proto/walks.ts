import { FIRST_SHUFFLE_MS, LATE_SHUFFLE_MS, MAX_LATE_SHUFFLES, MAX_WALK_LENGTH, SOUNDING_NODES, STALE_REPLIES } from './limits.ts'
import { askNeighbor } from './links.ts'
import { withUsableData } from './peer-data.ts'
import { Rests } from './rests.ts'
import type { Outbox } from './events.ts'
import type { Membership } from './hyparview.ts'
import type { ForwardJoin, PeerInfo, PeerKey, Shuffle, ShuffleReply } from './messages.ts'

/**
 * Random walks through the overlay: ForwardJoin, which spreads newcomers, and
 * Shuffle, which keeps passive views fresh.
 *
 * Nobody is told of a peer that it could not dial: a Rust peer never repeats a
 * dial that failed, and never sends to that peer again. So a walk takes another
 * neighbor, or ends here (rule 10).
 */
export class Walks {
  private readonly shared: Membership
  private shuffleArmed = false
  private shufflePauseMs = FIRST_SHUFFLE_MS
  /** Replies in a row that named nobody new. */
  private staleReplies = 0
  /** Shuffles that were not sent since the node was late. */
  private lateShuffles = 0
  private readonly rests = new Rests()
  /** What the views' changes were at the last Shuffle. */
  private changesBefore = -1

  constructor (shared: Membership) {
    this.shared = shared
  }

  /** Tells all neighbors of a newcomer (p. 7). */
  sendForwardJoins (newcomer: PeerKey, out: Outbox): void {
    const { views, rules, config } = this.shared
    const peer = views.info(newcomer)

    for (const neighbor of views.active) {
      if (neighbor !== newcomer && rules.mayTell(neighbor, peer)) {
        out.send(neighbor, { type: 'forwardJoin', peer, ttl: config.membership.activeRandomWalkLength })
      }
    }
  }

  /**
   * HyParView p. 7. Deviations: the newcomer becomes a neighbor when it
   * answers, as in the Rust crate, and is asked with low priority, since it
   * has free slots or does not need us. The walk never goes to the peer that it
   * names, and one that names us is over (rule 22).
   */
  onForwardJoin (from: PeerKey, message: ForwardJoin, now: number, out: Outbox): void {
    const { me, views, healing, config } = this.shared
    const peer = withUsableData(message.peer)

    if (peer.id === me) {
      return
    }

    const link = views.links.get(peer.id)

    if (link !== undefined) {
      views.known.learn(peer.id, peer.data, now, out)

      if (peer.id !== from) {
        // it joins anew, so it may have lost what it knew of us
        askNeighbor(peer.id, link, 'low', this.shared.peerData, now, out)
      }

      return
    }

    views.noteOther(peer, now)

    if (healing.isAsking(peer.id)) {
      return
    }

    // "if the time to live is equal to zero or if the number of nodes in p's
    // active view is equal to one"
    const ends = message.ttl === 0 || views.active.size <= 1
    // never to the newcomer, which is no neighbor as we saw
    const next = ends ? undefined : views.pickNeighbor([from], peer)

    if (next === undefined) {
      this.endForwardJoin(peer, now, out)

      return
    }

    if (message.ttl === config.membership.passiveRandomWalkLength) {
      views.addPassive(peer, now, out)
    }

    out.send(next, { type: 'forwardJoin', peer, ttl: Math.min(message.ttl - 1, MAX_WALK_LENGTH) })
  }

  /**
   * HyParView p. 8. Deviations: a walk that cannot go on ends here, where the
   * Rust crate loses it. With ttl 0 it is answered by whom it reaches, over the
   * connection that there is. Where nobody is new for long, or all are neighbors
   * of each other, one knows as much as the next, and the first answers.
   */
  onShuffle (from: PeerKey, message: Shuffle, now: number, out: Outbox): void {
    const { me, views, healing, shuffles, nearness } = this.shared

    if (message.origin === me) {
      return
    }

    const origin = withUsableData(message.nodes.find(({ id }) => id === message.origin) ?? views.info(message.origin))
    const ends = message.ttl === 0 || views.active.size <= 1 || this.isSettled || this.isAllThereIs(message)
    const next = ends ? undefined : views.pickNeighbor([origin.id, from], origin)

    if (next !== undefined) {
      for (const node of message.nodes) {
        views.noteOther(withUsableData(node), now)
      }

      out.send(next, shuffles.forward(message, next, Math.min(message.ttl - 1, MAX_WALK_LENGTH)))

      return
    }

    if (message.ttl === 0 && message.origin === from && message.nodes.length > 0 && !views.links.has(from)) {
      nearness.onAnswered(from, now)
    }

    // before its peers come into our view: they would only come back
    this.answerShuffle(origin, origin.id === from || views.links.has(origin.id), message.nodes.length, now, out)

    for (const node of message.nodes) {
      views.addPassive(withUsableData(node), now, out)
    }

    healing.refill(now, out)
  }

  /**
   * Comes from a stranger, the end of our walk (rule 21). Empty, it says only
   * that its sender has read what we sent.
   */
  onShuffleReply (from: PeerKey, message: ShuffleReply, now: number, out: Outbox): void {
    const { views, healing, shuffles, nearness, calls } = this.shared
    const believed = message.nodes.length === 0 ? undefined : shuffles.believe(from, message, now)

    if (believed === undefined) {
      return
    }

    // a sounding's reply is too short to tell
    if (believed.length > SOUNDING_NODES + 1) {
      this.staleReplies = believed.some(({ id }) => this.isNew(id)) ? 0 : this.staleReplies + 1
    }

    for (const node of believed) {
      views.addPassive(withUsableData(node), now, out)
    }

    nearness.onReply(from, now, out)
    calls.onReply(from, believed, now, out)
    healing.refill(now, out)
  }

  /**
   * HyParView p. 8. Deviation: a node shuffles soon after it got its first
   * neighbor, then ever more rarely, at the configured pace as soon as two
   * replies in a row brought nobody new; least of all where everybody knows everybody.
   * One that is late has too much to do as it is: these first ones wait, for a minute at most.
   */
  onShuffleTimer (now: number, out: Outbox): void {
    const { views, shuffles, peerData, config, lateness } = this.shared
    const to = views.pickNeighbor([])
    this.changesBefore = views.changes
    this.shuffleArmed = false

    if (to === undefined) {
      this.shufflePauseMs = FIRST_SHUFFLE_MS
      this.staleReplies = 0
    } else if (this.shufflePauseMs < config.membership.shuffleIntervalMs && lateness.isLate && this.lateShuffles < MAX_LATE_SHUFFLES) {
      this.lateShuffles++
      this.shufflePauseMs = Math.min(2 * this.shufflePauseMs, LATE_SHUFFLE_MS)
    } else if (this.shufflePauseMs < config.membership.shuffleIntervalMs) {
      this.shufflePauseMs = this.staleReplies >= (views.knowsOnlyNeighbors ? 1 : STALE_REPLIES) ? config.membership.shuffleIntervalMs : 2 * this.shufflePauseMs
      out.send(to, shuffles.create(to, peerData, now))
    } else if (views.isWorthAWord(this.rests)) {
      out.send(to, shuffles.create(to, peerData, now))
    }
  }

  /** Whether nobody came or went since the last Shuffle, though that is long ago, among peers of our kind. */
  private get isSettled (): boolean {
    const { views, config } = this.shared

    return views.others.size === 0 && views.changes === this.changesBefore && this.shufflePauseMs >= config.membership.shuffleIntervalMs
  }

  /** Whether the swarm seems to be us and our neighbors, to us and to who shuffles. */
  private isAllThereIs ({ nodes }: Shuffle): boolean {
    return this.shared.views.knowsOnlyNeighbors && !nodes.some(({ id }) => this.isNew(id))
  }

  private isNew (peer: PeerKey): boolean {
    const { me, views } = this.shared

    return peer !== me && !views.links.has(peer) && !views.passive.has(peer)
  }

  /** Schedules the next Shuffle if it is not yet; to be called while there are neighbors. */
  armShuffle (out: Outbox): void {
    if (this.shuffleArmed) {
      return
    }

    const { config, rng } = this.shared
    this.shuffleArmed = true
    this.shufflePauseMs = Math.min(this.shufflePauseMs, config.membership.shuffleIntervalMs)
    // a tenth more or less: those that began together drift apart
    out.schedule(Math.round(this.shufflePauseMs * (0.9 + rng.float() / 5)), { type: 'shuffle' })
  }

  /** The newcomer is asked here, unless that would drop one neighbor after the other. */
  private endForwardJoin (peer: PeerInfo, now: number, out: Outbox): void {
    const { views, healing, evictions, rules, config } = this.shared

    if (healing.isAvoided(peer.id) || !rules.canDial(peer.data === undefined ? views.info(peer.id) : peer)) {
      return
    }

    if ((views.isFull && !evictions.peek(now)) || healing.requests.size >= config.membership.passiveViewCapacity) {
      views.addPassive(peer, now, out)

      return
    }

    views.known.learn(peer.id, peer.data, now, out)
    healing.request(peer.id, 'forwardJoin', views.links.size === 0 ? 'high' : 'low', now, out)
  }

  private answerShuffle (origin: PeerInfo, connected: boolean, count: number, now: number, out: Outbox): void {
    const { views, healing, rules, shuffles, nearness } = this.shared

    if (!connected) {
      if (!rules.canDial(origin)) {
        return
      }

      views.known.learn(origin.id, origin.data, now, out)
    }

    out.send(origin.id, shuffles.reply(origin.id, count))

    if (!views.links.has(origin.id) && !healing.isAsking(origin.id) && !nearness.needs(origin.id)) {
      out.release(origin.id)
    }
  }
}
