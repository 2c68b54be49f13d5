import { Healing } from './healing.ts'
import {
  EVICTION_INTERVAL_MS, FIRST_SHUFFLE_MS, MAX_WALK_LENGTH, MIN_ALTERNATIVES, UPKEEP_INTERVAL_MS, REFUSAL_DELAY_MS, REMINDER_DELAY_MS
} from './limits.ts'
import { answerKnownNeighbor, askNeighbor, newLink, probeNeighbor } from './links.ts'
import { usableData, withUsableData } from './peer-data.ts'
import { EvictionBudget, Refusals } from './refusals.ts'
import { Shuffles } from './shuffles.ts'
import { Strangers } from './strangers.ts'
import { Views } from './views.ts'
import type { Config, Rules } from './config.ts'
import type { DisconnectReason, NeighborDownReason, Outbox, TimerKind } from './events.ts'
import type { Disconnect, ForwardJoin, Neighbor, PeerKey, Priority, Shuffle, ShuffleReply, SwarmMessage } from './messages.ts'
import type { NeighborRequest } from './neighbor-requests.ts'
import type { Rng } from './rng.ts'

export interface HyParViewInit {
  me: PeerKey
  peerData?: Uint8Array
  config: Config
  rules: Rules
  rng: Rng
}

/** The timers that belong to membership. */
export type MembershipTimer = Extract<TimerKind, {
  type: 'shuffle' | 'pendingNeighborRequest' | 'joinContact' | 'nextContact' | 'rejoin' | 'refillActiveView' | 'refuse' | 'upkeep' | 'remind'
}>

/**
 * HyParView: who our neighbors are, and who could replace them.
 *
 * Page numbers are those of the DSN 2007 paper. Where this departs from it, or
 * from the Rust crate, the reason stands beside.
 */
export class HyParView {
  readonly views: Views
  private readonly me: PeerKey
  private readonly config: Config
  private readonly rules: Rules
  private readonly rng: Rng
  private readonly healing: Healing
  private readonly shuffles: Shuffles
  private readonly strangers = new Strangers()
  private readonly refusals = new Refusals()
  private readonly evictions = new EvictionBudget()
  private peerData?: Uint8Array
  private shuffleArmed = false
  private shufflePauseMs = FIRST_SHUFFLE_MS
  private upkeepArmed = false

  constructor (init: HyParViewInit) {
    const { me, config, rules, rng } = init
    this.me = me
    this.config = config
    this.rules = rules
    this.rng = rng
    this.views = new Views({
      me,
      config: config.membership,
      rules,
      rng,
      busyWith: (peer) => this.healing.isAsking(peer) || this.refusals.has(peer)
    })
    this.shuffles = new Shuffles(me, config, rules, this.views)
    this.healing = new Healing({
      me,
      config: config.membership,
      rng,
      views: this.views,
      myData: () => this.peerData
    })
    this.updatePeerData(init.peerData)
  }

  /** Sizes of all that grows with what peers do. */
  get sizes (): { passiveView: number, peerData: number, neighborRequests: number, refusals: number, strangers: number, remembered: number, shuffles: number } {
    return {
      passiveView: this.views.passive.size,
      peerData: this.views.peerData.size,
      neighborRequests: this.healing.requests.size,
      refusals: this.refusals.size,
      strangers: this.strangers.size,
      remembered: this.healing.size,
      shuffles: this.shuffles.size
    }
  }

  /** Whether a connection to the peer is of use: it is a neighbor, or something is being asked by either. */
  needs (peer: PeerKey): boolean {
    return this.views.links.has(peer) || this.healing.isAsking(peer) || this.refusals.has(peer)
  }

  /** Our address data from now on. Data that nobody may pass on is not sent at all. */
  updatePeerData (data: Uint8Array | undefined): void {
    this.peerData = usableData(data) ? data : undefined
  }

  join (peers: PeerKey[], now: number, out: Outbox): void {
    this.healing.join(peers, now, out)
    this.settle(out)
  }

  /** Tells everybody who counts us as neighbor, or soon will. */
  quit (out: Outbox): void {
    for (const peer of this.views.active.toArray()) {
      const goodbye = this.shuffles.alternatives(peer)
      this.views.removeActive(peer)
      out.emit({ type: 'neighborDown', peer, reason: 'stopped' })
      out.send(peer, goodbye)
      this.sendDisconnect(peer, false, out)
    }

    const asked = new Set([...this.healing.requests.peers(), ...this.healing.contacts.asked(), ...this.refusals.peers()])

    for (const peer of asked) {
      this.sendDisconnect(peer, false, out)
    }
  }

  /**
   * Notes a sign of life; to be called for each message.
   *
   * @returns whether the sender is a neighbor
   */
  heard (from: PeerKey, now: number): boolean {
    const link = this.views.links.get(from)

    if (link === undefined) {
      return false
    }

    link.heardAt = now
    link.probes = 0

    return true
  }

  handleMessage (from: PeerKey, message: SwarmMessage, now: number, out: Outbox): void {
    if (message.type !== 'disconnect') {
      this.dropHeldReply(from, out)
    }

    switch (message.type) {
      case 'join': this.onJoin(from, message.data, now, out); break
      case 'forwardJoin': this.onForwardJoin(from, message, now, out); break
      case 'shuffle': this.onShuffle(from, message, now, out); break
      case 'shuffleReply': this.onShuffleReply(from, message, now, out); break
      case 'neighbor': this.onNeighbor(from, message, now, out); break
      case 'disconnect': this.onDisconnect(from, message, now, out); break
      default: message satisfies never
    }

    if (!this.needs(from)) {
      out.release(from)
    }

    this.settle(out)
  }

  /** A neighbor sends broadcast messages: what it said before was no goodbye. */
  onBroadcastMessage (from: PeerKey, out: Outbox): void {
    this.dropHeldReply(from, out)
  }

  /**
   * A peer that is no neighbor sends broadcast messages, so it counts us as
   * one. If it goes on it is told; both sides agree again.
   */
  onStranger (from: PeerKey, now: number, out: Outbox): void {
    this.dropHeldReply(from, out)

    if (!this.needs(from) && this.strangers.isDue(from, now)) {
      this.sendDisconnect(from, true, out)
    }

    this.settle(out)
  }

  /** No connection to the peer is left. */
  onPeerDisconnected (peer: PeerKey, reason: DisconnectReason, now: number, out: Outbox): void {
    const { request, contact } = this.healing.answered(peer)
    this.refusals.cancel(peer)

    if (reason === 'banned') {
      this.healing.forget(peer)
      this.views.passive.delete(peer)
    }

    if (this.views.links.has(peer)) {
      this.dropNeighbor(peer, reason, now, out)
    }

    if (request !== undefined || contact) {
      this.healing.onUnavailable(peer, contact, out)
    }

    this.healing.refill(now, out)
    this.settle(out)
  }

  handleTimer (timer: MembershipTimer, now: number, out: Outbox): void {
    switch (timer.type) {
      case 'shuffle': this.onShuffleTimer(now, out); break
      case 'pendingNeighborRequest': this.healing.onPendingNeighborRequestTimer(timer.peer, timer.generation, now, out); break
      case 'joinContact': this.healing.onJoinContactTimer(timer.peer, timer.generation, out); break
      case 'nextContact': this.healing.onNextContactTimer(timer.generation, out); break
      case 'rejoin': this.healing.onRejoinTimer(now, out); break
      case 'refillActiveView': this.healing.onRefillTimer(now, out); break
      case 'refuse': this.onRefuseTimer(timer.peer, timer.generation, now, out); break
      case 'upkeep': this.onUpkeepTimer(now, out); break
      case 'remind': this.remind(timer.peer, now, out); break
      default: timer satisfies never
    }

    this.settle(out)
  }

  /**
   * Tells a neighbor that this topic goes on. After a Disconnect in any topic a
   * Rust peer drops what it sends with in all of them, and counts us again
   * only when it receives a frame.
   */
  remind (peer: PeerKey, now: number, out: Outbox): void {
    const link = this.views.links.get(peer)

    if (link !== undefined) {
      askNeighbor(peer, link, 'low', this.peerData, now, out)
    }
  }

  /** Schedules a reminder, or sends it at once where it cannot overtake our own Disconnect on another stream. */
  onParted (peer: PeerKey, sent: boolean, now: number, out: Outbox): void {
    if (!sent) {
      this.remind(peer, now, out)
    } else if (this.views.links.has(peer)) {
      out.schedule(REMINDER_DELAY_MS, { type: 'remind', peer })
    }
  }

  /**
   * "A node that receives a join request will start by adding the new node to
   * its active view, even if it has to drop a random node from it" (p. 6), and
   * tells all others by ForwardJoin (p. 7).
   *
   * Deviation: when too many had to be dropped lately, the joiner is refused,
   * if it can be told of enough others.
   */
  private onJoin (from: PeerKey, data: Uint8Array | undefined, now: number, out: Outbox): void {
    if (from === this.me) {
      return
    }

    this.views.peerData.learn(from, data, now, out)
    const known = this.views.links.get(from)

    if (known === undefined && !this.hasRoomFor(from, 'high', undefined, now)) {
      this.views.addPassive({ id: from, data }, now, out)
      this.refuseLater(from, out)

      return
    }

    this.healing.answered(from)
    this.refusals.cancel(from)
    const link = known ?? this.addNeighbor(from, false, now, out)
    askNeighbor(from, link, 'high', this.peerData, now, out)

    if (known !== undefined && now - known.since < EVICTION_INTERVAL_MS) {
      // both joined through each other: the others have been told already
      return
    }

    const peer = this.views.info(from)

    for (const neighbor of this.views.active) {
      if (neighbor !== from && this.rules.mayTell(neighbor, peer)) {
        out.send(neighbor, { type: 'forwardJoin', peer, ttl: this.config.membership.activeRandomWalkLength })
      }
    }
  }

  /**
   * HyParView p. 7. Deviations: the newcomer becomes a neighbor when it
   * answers, as in the Rust crate, and is asked with low priority, since it
   * has free slots or does not need us. The walk never goes to the peer that it
   * names, nor to one that could not dial it.
   */
  private onForwardJoin (from: PeerKey, message: ForwardJoin, now: number, out: Outbox): void {
    const peer = withUsableData(message.peer)
    const link = this.views.links.get(peer.id)
    const { activeRandomWalkLength, passiveRandomWalkLength } = this.config.membership

    if (peer.id === this.me) {
      return
    }

    if (link !== undefined) {
      // it may have lost what it knew of us
      this.views.peerData.learn(peer.id, peer.data, now, out)

      if (peer.id !== from) {
        askNeighbor(peer.id, link, 'low', this.peerData, now, out)
      }

      return
    }

    if (this.healing.isAsking(peer.id)) {
      return
    }

    const ends = message.ttl === 0 || this.views.active.size <= 1
    const next = ends ? undefined : this.views.pickNeighbor([from, peer.id], peer)

    if (next === undefined) {
      this.endForwardJoin(peer.id, peer.data, now, out)

      return
    }

    if (message.ttl === passiveRandomWalkLength) {
      this.views.addPassive(peer, now, out)
    }

    const ttl = Math.min(message.ttl - 1, Math.max(MAX_WALK_LENGTH, activeRandomWalkLength))
    out.send(next, { type: 'forwardJoin', peer, ttl })
  }

  private endForwardJoin (peer: PeerKey, data: Uint8Array | undefined, now: number, out: Outbox): void {
    if (!this.rules.canDial(data === undefined ? this.views.info(peer) : { id: peer, data })) {
      return
    }

    if (this.views.isFull && !this.evictions.peek(now)) {
      this.views.addPassive({ id: peer, data }, now, out)
    } else if (this.healing.requests.size < this.config.membership.passiveViewCapacity) {
      this.views.peerData.learn(peer, data, now, out)
      this.healing.request(peer, 'forwardJoin', this.views.links.size === 0 ? 'high' : 'low', out)
    }
  }

  /**
   * A request, the answer to ours, or the last word of a handshake; see
   * `links.ts` for a sender that is a neighbor already. HyParView p. 7.
   */
  private onNeighbor (from: PeerKey, message: Neighbor, now: number, out: Outbox): void {
    if (from === this.me) {
      return
    }

    this.views.peerData.learn(from, message.data, now, out)
    const { request, contact } = this.healing.answered(from)
    const known = this.views.links.get(from)

    if (known !== undefined) {
      answerKnownNeighbor(from, known, message.priority, this.peerData, now, out)

      return
    }

    if (!this.hasRoomFor(from, message.priority, request, now)) {
      // also a late answer that we no longer want: its sender counts us as neighbor
      this.refuseLater(from, out)

      return
    }

    this.refusals.cancel(from)
    this.acceptNeighbor(from, message.priority, request, contact, now, out)
    this.healing.refill(now, out)
  }

  private acceptNeighbor (from: PeerKey, priority: Priority, request: NeighborRequest | undefined, contact: boolean, now: number, out: Outbox): void {
    const link = this.addNeighbor(from, request !== undefined || contact, now, out)

    if (request !== undefined && !contact) {
      // the last word: a Rust peer that answered would wait for one for ever, and keep a slot for it
      out.send(from, { type: 'neighbor', priority: 'low', data: this.peerData })
    } else {
      answerKnownNeighbor(from, link, priority, this.peerData, now, out)
    }
  }

  /**
   * Whether a peer may become a neighbor. May count an eviction: whoever gets
   * true makes room.
   *
   * A Join or high priority request is refused only where the refused can be
   * given enough others: a Rust peer does not ask again.
   */
  private hasRoomFor (peer: PeerKey, priority: Priority, request: NeighborRequest | undefined, now: number): boolean {
    if (!this.views.isFull) {
      return true
    }

    if (request !== undefined) {
      return (request.kind === 'swap' || request.kind === 'forwardJoin') && this.evictions.take(now)
    }

    return priority === 'high' && (this.evictions.take(now) || this.shuffles.alternatives(peer).nodes.length < MIN_ALTERNATIVES)
  }

  /** Makes room if there is none, and adds the peer. */
  private addNeighbor (peer: PeerKey, chosenByUs: boolean, now: number, out: Outbox): ReturnType<typeof newLink> {
    if (this.views.isFull) {
      const { active, links } = this.views
      const victim = active.pick(this.rng, (id) => links.get(id)?.chosenByUs === false) ?? active.pick(this.rng)

      if (victim !== undefined) {
        this.dropNeighbor(victim, 'evicted', now, out)
      }
    }

    const link = newLink(chosenByUs, now)
    this.views.addActive(peer, link)
    this.strangers.forget(peer)
    out.emit({ type: 'neighborUp', peer })
    this.healing.onNeighborUp(peer, now, out)
    this.armShuffle(out)

    return link
  }

  /** Removes a neighbor and tells it where we are the ones to; filling its slot is up to the caller. */
  private dropNeighbor (peer: PeerKey, reason: NeighborDownReason, now: number, out: Outbox): void {
    this.views.removeActive(peer)
    this.healing.onNeighborDown(peer, reason, now)
    out.emit({ type: 'neighborDown', peer, reason })

    switch (reason) {
      case 'evicted':
        out.send(peer, this.shuffles.alternatives(peer))
        this.views.addPassive(this.views.info(peer), now, out)
        this.sendDisconnect(peer, true, out)
        break
      case 'evictedByPeer':
        this.views.addPassive(this.views.info(peer), now, out)
        break
      case 'left':
        this.views.peerData.forget(peer)
        break
      default:
        // a failure: the connection is gone, and the peer is asked again by Healing
    }
  }

  private onDisconnect (from: PeerKey, message: Disconnect, now: number, out: Outbox): void {
    const named = this.shuffles.takeHeld(from)
    const { request, contact } = this.healing.answered(from)
    this.refusals.cancel(from)

    for (const node of named ?? []) {
      this.views.addPassive(withUsableData(node), now, out)
    }

    if (this.views.links.has(from)) {
      this.dropNeighbor(from, message.alive ? 'evictedByPeer' : 'left', now, out)
    } else if (!message.alive) {
      this.views.passive.delete(from)
      this.healing.avoid(from, now)
    } else if (request !== undefined || contact) {
      this.healing.onRefused(from, now)
    }

    if ((request !== undefined || contact) && !message.alive) {
      this.healing.onUnavailable(from, contact, out)
    }

    out.parted(from, false)
    this.healing.refill(now, out)
  }

  /** HyParView p. 8. A walk that cannot go on ends here, where the paper would lose it. */
  private onShuffle (from: PeerKey, message: Shuffle, now: number, out: Outbox): void {
    if (message.origin === this.me) {
      return
    }

    const named = message.nodes.find((node) => node.id === message.origin)
    const origin = withUsableData(named ?? this.views.info(message.origin))
    const ends = message.ttl === 0 || this.views.active.size <= 1
    const next = ends ? undefined : this.views.pickNeighbor([message.origin, from], origin)

    if (next !== undefined) {
      out.send(next, this.shuffles.forward(message, next, Math.min(message.ttl - 1, MAX_WALK_LENGTH)))

      return
    }

    const connected = message.origin === from || this.views.links.has(message.origin)

    if (connected || this.rules.canDial(origin)) {
      if (!connected) {
        this.views.peerData.learn(origin.id, origin.data, now, out)
        this.views.peerData.recall(origin.id, out)
      }

      // before its peers come into our view: they would only come back
      out.send(message.origin, this.shuffles.reply(message.origin, message.nodes.length))

      if (!this.needs(message.origin)) {
        out.release(message.origin)
      }
    }

    for (const node of message.nodes) {
      this.views.addPassive(withUsableData(node), now, out)
    }

    this.healing.refill(now, out)
  }

  private onShuffleReply (from: PeerKey, message: ShuffleReply, now: number, out: Outbox): void {
    if (message.nodes.length === 0) {
      // says only that its sender has read what we sent
      return
    }

    const believed = this.shuffles.believe(from, message, now)

    for (const node of believed ?? []) {
      this.views.addPassive(withUsableData(node), now, out)
    }

    if (believed !== undefined) {
      this.healing.refill(now, out)
    }
  }

  /** HyParView p. 8. Deviation: a node shuffles soon after it got its first neighbor, then ever more rarely. */
  private onShuffleTimer (now: number, out: Outbox): void {
    const to = this.views.pickNeighbor([])
    this.shuffleArmed = false

    if (to === undefined) {
      this.shufflePauseMs = FIRST_SHUFFLE_MS

      return
    }

    out.send(to, this.shuffles.create(to, this.peerData, now))
    this.shufflePauseMs *= 2
    this.armShuffle(out)
  }

  private armShuffle (out: Outbox): void {
    if (this.shuffleArmed) {
      return
    }

    this.shuffleArmed = true
    const pause = Math.min(this.shufflePauseMs, this.config.membership.shuffleIntervalMs)
    out.schedule(Math.round(pause * (0.9 + this.rng.float() / 5)), { type: 'shuffle' })
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

  private onRefuseTimer (peer: PeerKey, generation: number, now: number, out: Outbox): void {
    if (!this.refusals.expire(peer, generation)) {
      return
    }

    if (this.views.isFull) {
      this.refuse(peer, out)
    } else {
      askNeighbor(peer, this.addNeighbor(peer, false, now, out), 'low', this.peerData, now, out)
    }
  }

  /** First where else to go, then no: in this order Rust has somebody to ask when it reads the no. */
  private refuse (peer: PeerKey, out: Outbox): void {
    out.send(peer, this.shuffles.alternatives(peer))
    this.sendDisconnect(peer, true, out)
  }

  /** Probes silent neighbors and forgets what is too old. */
  private onUpkeepTimer (now: number, out: Outbox): void {
    this.upkeepArmed = false

    for (const [peer, link] of [...this.views.links]) {
      if (probeNeighbor(peer, link, this.peerData, now, out) === 'dead') {
        this.dropNeighbor(peer, 'connectionClosed', now, out)
        out.release(peer)
      }
    }

    this.views.peerData.sweep(now)
    this.shuffles.sweep(now)
    this.strangers.sweep(now)
    this.healing.sweep(now)
    this.healing.refill(now, out)
  }

  /** After every event: timers that run as long as there is something for them to do. */
  private settle (out: Outbox): void {
    this.healing.settle(out)

    if (!this.upkeepArmed && this.views.links.size + this.views.peerData.size + this.shuffles.size + this.strangers.size + this.healing.size > 0) {
      this.upkeepArmed = true
      out.schedule(UPKEEP_INTERVAL_MS, { type: 'upkeep' })
    }
  }

  private sendDisconnect (peer: PeerKey, alive: boolean, out: Outbox): void {
    out.send(peer, { type: 'disconnect', alive, respond: false })
    out.release(peer)
    out.parted(peer, true)
  }

  private dropHeldReply (from: PeerKey, out: Outbox): void {
    if (this.shuffles.isHeld(from)) {
      this.shuffles.takeHeld(from)
      out.violation(from, 'unexpectedShuffleReply')
    }
  }
}
