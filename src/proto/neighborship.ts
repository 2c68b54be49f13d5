import { EVICTION_INTERVAL_MS, MIN_ALTERNATIVES, REFUSAL_DELAY_MS, UNBIASED_LINKS } from './limits.ts'
import { answerKnownNeighbor, askNeighbor, newLink, probeNeighbor } from './links.ts'
import { isForItsSake } from './neighbor-requests.ts'
import { withUsableData } from './peer-data.ts'
import { Refusals } from './refusals.ts'
import type { DisconnectReason, NeighborDownReason, Outbox } from './events.ts'
import type { Membership } from './hyparview.ts'
import type { Disconnect, Neighbor, PeerKey, Priority } from './messages.ts'
import type { NeighborRequest } from './neighbor-requests.ts'
import type { Link } from './views.ts'
import type { Walks } from './walks.ts'

/** How somebody became a neighbor. */
interface NewNeighbor {
  peer: PeerKey
  /** Whether we asked. */
  chosenByUs: boolean
  /** Measured on the way, in milliseconds. */
  roundTripMs?: number
  /** Because it is near: the farthest makes room. */
  nearer?: boolean
  /** It has slots left: who makes room for it is sent to it. */
  lacksNeighbors?: boolean
  /** It was called: a neighbor of our kind makes room, if there is one. */
  called?: boolean
}

/**
 * Who becomes a neighbor and who stops being one: Join, Neighbor, Disconnect.
 */
export class Neighborship {
  readonly refusals = new Refusals()
  private readonly shared: Membership
  private readonly walks: Walks
  /** The last two that asked in vain though they have slots left, the newer first. */
  private lacking: PeerKey[] = []

  constructor (shared: Membership, walks: Walks) {
    this.shared = shared
    this.walks = walks
  }

  /**
   * "A node that receives a join request will start by adding the new node to
   * its active view, even if it has to drop a random node from it" (p. 6), and
   * tells all others by ForwardJoin (p. 7).
   *
   * Deviation: when too many had to be dropped lately, the joiner is refused,
   * if it can be told of enough others. A Rust peer is announced all the same.
   */
  onJoin (from: PeerKey, data: Uint8Array | undefined, now: number, out: Outbox): void {
    const { views, healing, calls } = this.shared
    views.known.learn(from, data, now, out)
    const known = views.links.get(from)

    if (known === undefined && !this.hasRoomFor(from, 'high', undefined, now)) {
      // remembered, so that the next one that is refused may hear of it
      views.addPassive({ id: from, data }, now, out)
      this.refuseLater(from, out)

      if (!views.isOurKind(from)) {
        // it does not ask again, and whom the refusal names takes it in with a single link
        this.walks.sendForwardJoins(from, out)
        calls.hurry(now, out)
      }

      return
    }

    healing.answered(from)
    const link = known ?? this.add({ peer: from, chosenByUs: false }, now, out)
    askNeighbor(from, link, 'high', this.shared.peerData, now, out)

    // two that join through each other have told the others already
    if (known === undefined || now - known.since >= EVICTION_INTERVAL_MS) {
      this.walks.sendForwardJoins(from, out)
    }
  }

  /**
   * A request, the answer to ours, or the last word of a handshake; see
   * `links.ts` for a sender that is a neighbor already. HyParView p. 7.
   */
  onNeighbor (from: PeerKey, message: Neighbor, now: number, out: Outbox): void {
    const { views, healing, peerData } = this.shared
    views.known.learn(from, message.data, now, out)
    const { request, contact } = healing.answered(from)
    const known = views.links.get(from)
    healing.onDecided(from, request, false, now)

    if (known !== undefined) {
      answerKnownNeighbor(from, known, message.priority, peerData, now, out)

      return
    }

    const nearMs = this.roundTripOf(from, message, request, now)

    if (!this.hasRoomFor(from, message.priority, request, now, nearMs)) {
      if (request === undefined && nearMs === undefined) {
        this.lacking = [from, ...this.lacking.filter((peer) => peer !== from)].slice(0, 2)
      }

      // also a late answer that we no longer want: its sender counts us as neighbor
      this.refuseLater(from, out)

      return
    }

    const called = request !== undefined && isForItsSake(request.kind)
    const link = this.add({
      peer: from,
      chosenByUs: request !== undefined || contact,
      roundTripMs: nearMs ?? (request === undefined ? undefined : now - request.sentAt),
      nearer: nearMs !== undefined,
      lacksNeighbors: called || (request === undefined && nearMs === undefined),
      called
    }, now, out)

    if (request !== undefined && request.kind !== 'join') {
      // the last word: a Rust peer that answered would wait for one for ever, and keep a slot for it (rule 17)
      out.send(from, { type: 'neighbor', priority: 'low', data: peerData })
    } else {
      answerKnownNeighbor(from, link, message.priority, peerData, now, out)
    }

    healing.refill(now, out)
  }

  onDisconnect (from: PeerKey, message: Disconnect, now: number, out: Outbox): void {
    const { views, healing, shuffles } = this.shared
    const { request, contact } = healing.answered(from)
    const wasAsked = request !== undefined || contact
    healing.onDecided(from, request, true, now)
    this.refusals.cancel(from)

    // a reply before the goodbye: where else to go
    const alternatives = shuffles.takeHeld(from) ?? []

    for (const node of alternatives) {
      views.addPassive(withUsableData(node), now, out)
    }

    if (message.alive && alternatives.length > 0) {
      healing.suggest(alternatives[0].id)
    }

    if (views.links.has(from)) {
      this.drop(from, message.alive ? 'evictedByPeer' : 'left', now, out)
    } else if (message.alive && request !== undefined && isForItsSake(request.kind)) {
      healing.avoid(from, now)
    } else if (message.alive && wasAsked) {
      healing.onRefused(from, now)
    }

    if (!message.alive) {
      healing.avoid(from, now)
      views.forget(from)

      if (wasAsked) {
        healing.onUnavailable(from, contact, now, out)
      }
    }

    out.parted(from, false)
    healing.refill(now, out)
  }

  onPeerDisconnected (peer: PeerKey, reason: DisconnectReason, now: number, out: Outbox): void {
    const { views, healing } = this.shared
    const { request, contact } = healing.answered(peer)
    this.refusals.cancel(peer)

    if (reason === 'banned') {
      healing.forget(peer)
      views.forget(peer)
    }

    if (views.links.has(peer)) {
      this.drop(peer, reason, now, out)
    }

    if (request !== undefined || contact) {
      healing.onUnavailable(peer, contact, now, out)
    }

    healing.refill(now, out)
  }

  /** Says goodbye to all neighbors, and to those that may soon count us as one. */
  quit (out: Outbox): void {
    const { views, healing, shuffles } = this.shared

    for (const peer of views.active.toArray()) {
      const goodbye = shuffles.alternatives(peer)
      views.removeActive(peer)
      out.emit({ type: 'neighborDown', peer, reason: 'stopped' })
      out.send(peer, goodbye)
      this.sendDisconnect(peer, false, out)
    }

    for (const peer of new Set([...healing.requests.peers(), ...healing.contacts.asked(), ...this.refusals.peers()])) {
      healing.answered(peer)
      this.refusals.cancel(peer)
      this.sendDisconnect(peer, false, out)
    }
  }

  /** Asks neighbors that have been silent for long whether they still are, and drops those that never answered. */
  probe (now: number, out: Outbox): void {
    const { views, peerData } = this.shared

    for (const [peer, link] of [...views.links]) {
      if (probeNeighbor(peer, link, views.isOurKind(peer), peerData, now, out) === 'dead') {
        this.drop(peer, 'connectionClosed', now, out)
        out.release(peer)
      }
    }
  }

  /** The delay of a refusal is over; a slot may have become free meanwhile. */
  onRefuseTimer (peer: PeerKey, generation: number, now: number, out: Outbox): void {
    if (!this.refusals.expire(peer, generation)) {
      return
    }

    if (this.shared.views.isFull) {
      this.refuse(peer, out)
    } else {
      askNeighbor(peer, this.add({ peer, chosenByUs: false }, now, out), 'low', this.shared.peerData, now, out)
    }
  }

  sendDisconnect (peer: PeerKey, alive: boolean, out: Outbox): void {
    out.send(peer, { type: 'disconnect', alive, respond: false })
    out.release(peer)
    out.parted(peer, true)
  }

  /** The round trip to a peer that asks, or was asked, because it is near; `undefined` for others. */
  private roundTripOf (from: PeerKey, message: Neighbor, request: NeighborRequest | undefined, now: number): number | undefined {
    if (request !== undefined) {
      return request.kind === 'nearer' ? now - request.sentAt : undefined
    }

    return message.priority === 'low' ? this.shared.nearness.roundTripTo(from, now) : undefined
  }

  /**
   * Whether a peer may become a neighbor. May count an eviction: whoever gets
   * true adds it.
   *
   * A Join or high priority request is refused only where the refused can be
   * given enough others: a Rust peer does not ask again (rule 18).
   */
  private hasRoomFor (peer: PeerKey, priority: Priority, request: NeighborRequest | undefined, now: number, nearMs?: number): boolean {
    const { views, shuffles, evictions, healing, nearness, calls } = this.shared

    if (nearMs !== undefined) {
      return nearness.isWorthIt(nearMs) && (!views.isFull || evictions.take(now))
    }

    if (!views.isFull) {
      return true
    }

    if (request?.kind === 'call') {
      return calls.replaceable() !== undefined && evictions.take(now)
    }

    if (request !== undefined) {
      return (request.kind === 'rescue' || request.kind === 'swap' || request.kind === 'forwardJoin') && evictions.take(now)
    }

    if (healing.wasLost(peer)) {
      return evictions.take(now)
    }

    return priority === 'high' && (evictions.take(now) || shuffles.alternatives(peer).nodes.length < MIN_ALTERNATIVES)
  }

  /**
   * Adds a neighbor; in a full view another one makes room: for a nearer one the
   * farthest, else one of those that we did not choose ourselves if there are any.
   */
  private add ({ peer, chosenByUs, roundTripMs, nearer = false, lacksNeighbors = false, called = false }: NewNeighbor, now: number, out: Outbox): Link {
    const { views, healing, rng, nearness, calls } = this.shared
    this.refusals.cancel(peer)

    if (views.isFull) {
      const victim = (nearer ? nearness.farthest()?.peer : undefined) ?? (called ? calls.replaceable() : undefined) ??
        views.active.pick(rng, (id) => views.links.get(id)?.chosenByUs === false) ?? views.active.pick(rng)

      if (victim !== undefined) {
        this.drop(victim, 'evicted', now, out, lacksNeighbors ? peer : undefined)
        !called && !views.isOurKind(victim) && calls.hurry(now, out)
      }
    }

    const unbiased = !nearer && [...views.links.values()].filter((link) => link.unbiased).length < UNBIASED_LINKS
    const link = newLink({ chosenByUs, roundTripMs, unbiased }, now)
    views.noteOther({ id: peer }, now)
    views.addActive(peer, link)
    out.emit({ type: 'neighborUp', peer })
    healing.onNeighborUp(peer, now, out)

    return link
  }

  /**
   * Removes a neighbor and tells it where we are the ones to; filling its slot
   * is up to the caller.
   *
   * @param successor - the peer that took its place and would take it, named first
   */
  private drop (peer: PeerKey, reason: NeighborDownReason, now: number, out: Outbox, successor?: PeerKey): void {
    const { views, healing, shuffles, calls } = this.shared
    const since = views.links.get(peer)?.since ?? now
    views.removeActive(peer)
    healing.onNeighborDown(peer, reason, now - since, now)
    out.emit({ type: 'neighborDown', peer, reason })

    switch (reason) {
      case 'evicted':
        // it may have no other link, so it hears where else to go first (rule 20)
        out.send(peer, shuffles.alternatives(peer, successor))
        views.addPassive(views.info(peer), now, out)
        this.sendDisconnect(peer, true, out)
        break
      case 'evictedByPeer':
        views.addPassive(views.info(peer), now, out)
        break
      case 'banned':
        this.sendDisconnect(peer, false, out)
        views.known.forget(peer)
        break
      case 'left':
        views.known.forget(peer)
        break
      default:
        // a failure: the connection is gone, and Healing asks the peer again; it may have been somebody's last
        calls.hurry(now, out)
    }
  }

  /** Lets a request wait for its refusal: Rust asks the next one at once, and a slot may become free. */
  private refuseLater (peer: PeerKey, out: Outbox): void {
    if (this.refusals.has(peer)) {
      return
    }

    const { generation, overdue } = this.refusals.add(peer)
    out.schedule(REFUSAL_DELAY_MS, { type: 'refuse', peer, generation })

    if (overdue !== undefined) {
      this.refuse(overdue, out)
    }
  }

  /**
   * First where else to go, then no: in this order Rust has somebody to ask when
   * it reads the no. Two that were refused are named to each other: most nodes
   * are full, and the few that are not would hardly find each other.
   */
  private refuse (peer: PeerKey, out: Outbox): void {
    out.send(peer, this.shared.shuffles.alternatives(peer, this.lacking.find((other) => other !== peer)))
    this.sendDisconnect(peer, true, out)
  }
}
