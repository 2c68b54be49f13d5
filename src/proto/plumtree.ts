import { newBroadcastStats } from './broadcast-stats.ts'
import { HeldMessages } from './held-messages.ts'
import { KnownMessages } from './known-messages.ts'
import { LazyMap } from './lazy-map.ts'
import { MAX_ROUND, OFFER_AGE_MS } from './limits.ts'
import { idKey } from './message-id.ts'
import { Pace } from './pace.ts'
import { equal } from './peer-data.ts'
import { PushPeers } from './push-peers.ts'
import { Repair } from './repair.ts'
import { gossipBytes, maxContentBytes } from './sizes.ts'
import { SpareLinks } from './spare-links.ts'
import { TreeForming } from './tree-forming.ts'
import type { BroadcastSizes, BroadcastStats } from './broadcast-stats.ts'
import type { Config } from './config.ts'
import type { Outbox, TimerKind, ValidationResult } from './events.ts'
import type { DeliveryScope, Gossip, GossipMessage, Graft, IHave, MessageId, PeerKey, Scope } from './messages.ts'
import type { MissingMessage } from './missing-messages.ts'

export interface PlumTreeInit {
  me: PeerKey
  config: Config
  /** The id of a content: 32 bytes that stay as they are. */
  hash (content: Uint8Array): MessageId
  /** Peers whose send queue is full at the moment. */
  congested: LazyMap<PeerKey, true>
  /** When the topic was joined. */
  now: number
  /** Milliseconds to the farthest neighbor and back; 0 where nothing was measured. */
  longestRoundTripMs (): number
}

/** The timers that belong to broadcast. */
export type BroadcastTimer = Extract<TimerKind, { type: 'sendGraft' | 'dispatchLazyPush' | 'sendWaiting' | 'evictCache' }>

/** Scopes of the first rounds: each message that is kept has one, and hardly any has come further. */
const SCOPES = Array.from({ length: 64 }, (_, round): DeliveryScope => ({ type: 'swarm', round }))

function swarmScope (round: number): DeliveryScope {
  return SCOPES[round] ?? { type: 'swarm', round }
}

/**
 * PlumTree: which neighbors get payloads, and which only announcements.
 *
 * Page numbers are those of the SRDS 2007 paper. Strangers are served like
 * neighbors, as the Rust crate does, which never asks who sent; but they are in
 * no set.
 */
export class PlumTree {
  readonly stats: BroadcastStats = newBroadcastStats()
  readonly peers: PushPeers
  /** Whether messages are held until they were judged. */
  holdMessages = false
  private readonly me: PeerKey
  private readonly hash: (content: Uint8Array) => MessageId
  private readonly joinedAt: number
  private readonly config: Config
  private readonly maxContentBytes: number
  private readonly known: KnownMessages
  private readonly repair: Repair
  private readonly pace = new Pace()
  private readonly forming: TreeForming
  private readonly spareLinks: SpareLinks
  private readonly held = new HeldMessages()
  /** When each neighbor came: what a young one announces may be an offer. */
  private readonly neighborSince = new LazyMap<PeerKey, number>()
  private evictArmed = false

  constructor (init: PlumTreeInit) {
    this.me = init.me
    this.hash = init.hash
    this.joinedAt = init.now
    this.config = init.config
    this.maxContentBytes = maxContentBytes(init.config.maxMessageSize)
    this.known = new KnownMessages(init.config)
    this.peers = new PushPeers(init.me, init.config, init.congested, this.pace)
    this.repair = new Repair(init.config.broadcast, this.peers, this.pace)
    this.forming = new TreeForming(init, this.peers, this.pace)
    this.spareLinks = new SpareLinks(init.me, { peers: this.peers, pace: this.pace, repair: this.repair, forming: this.forming })
  }

  get sizes (): BroadcastSizes {
    return {
      ...this.known.sizes,
      missing: this.repair.size,
      held: this.held.size,
      waiting: this.forming.size,
      ...this.peers.sizes
    }
  }

  handleMessage (from: PeerKey, message: GossipMessage, now: number, out: Outbox): void {
    switch (message.type) {
      case 'gossip': this.onGossip(from, message, now, out); return
      case 'prune': this.onPrune(from); break
      case 'graft': this.onGraft(from, message, now, out); break
      case 'iHave': this.onIHave(from, message, now, out); break
      default: message satisfies never
    }

    this.stats.controlReceived++
  }

  handleTimer (timer: BroadcastTimer, now: number, out: Outbox): void {
    switch (timer.type) {
      case 'sendGraft': this.repair.onTimer(timer.at, now, out); break
      case 'dispatchLazyPush': this.peers.onDispatchTimer(timer.at, now, out); break
      case 'sendWaiting': this.forming.onTimer(timer.at, now, out); break
      case 'evictCache': this.onEvictCacheTimer(now, out); break
      default: timer satisfies never
    }
  }

  /**
   * Publishes a content.
   *
   * One that the topic has seen is not put on the wire: every neighbor that
   * still knows it would answer with Prune (rule 27).
   *
   * @throws {RangeError} when the content is larger than what survives any number of hops
   */
  broadcast (content: Uint8Array, scope: Scope, now: number, out: Outbox): void {
    if (content.byteLength > this.maxContentBytes) {
      throw new RangeError(`content has ${content.byteLength} bytes, at most ${this.maxContentBytes} can be sent`)
    }

    const id = this.hash(content)
    const key = idKey(id)

    if (this.known.has(key)) {
      out.duplicate()

      return
    }

    this.stats.published++

    if (scope === 'neighbors') {
      // to the whole active view, where Rust serves eager peers only: whether a
      // neighbor gets it should not depend on the tree. Nobody keeps the id of
      // such a message, so the same content may be sent again.
      this.peers.pushToAll(key, { type: 'gossip', id, content, scope: { type: 'neighbors' } }, now, out)

      return
    }

    const payload: Gossip = { type: 'gossip', id, content, scope: swarmScope(0) }
    this.keep(key, payload, this.me, now, out)
    this.known.recent.add(key, now)

    if (this.neighborSince.size === 0) {
      this.known.recent.addUnheard(key)
    }

    this.forming.push({ key, payload, announcement: { id, round: 0 } }, this.me, now, out)
  }

  /**
   * @param since - when it became a neighbor
   */
  onNeighborUp (peer: PeerKey, since: number): void {
    this.peers.add(peer)
    this.neighborSince.set(peer, since)
  }

  /**
   * Offers recent messages to a new neighbor: what was lost with the neighbors
   * before it is late, not gone. Comes after our Neighbor message, on the same
   * stream. A node that is itself young in the topic can hardly tell what is recent.
   */
  offer (peer: PeerKey, now: number, out: Outbox): void {
    this.peers.announce(peer, this.known.takeOffer(this.me, now - this.joinedAt < OFFER_AGE_MS, now), out)
  }

  /** A peer is no neighbor any more, or a stranger without connection: nothing is to be asked of it. */
  onPeerDown (peer: PeerKey): void {
    this.peers.remove(peer)
    this.neighborSince.delete(peer)
    this.repair.removePeer(peer)
  }

  /**
   * Sends a peer whose send queue has drained what it is owed, oldest first.
   *
   * @returns the bytes that were sent: at most `budget` and one message more
   */
  pay (peer: PeerKey, budget: number, out: Outbox): number {
    return this.peers.pay(peer, budget, (key) => this.known.get(key), out)
  }

  private onGossip (from: PeerKey, message: Gossip, now: number, out: Outbox): void {
    const { id, content, scope } = message
    const key = idKey(id)
    this.stats.payloadsReceived++

    const bringer = this.known.bringer(key)

    if (bringer !== undefined) {
      this.stats.duplicates++
      this.peers.forget(from, key)
      this.repair.onSecondCopy(key, from)

      // a Prune for a neighbors message would keep all later ones away
      const spare = scope.type === 'swarm' ? this.spareLinks.find(from, bringer, key, id, now) : undefined

      if (spare !== undefined) {
        this.repair.onCut(spare)
        this.forming.cut(spare, now, out)
      }

      return
    }

    if (!equal(this.hash(content), id)) {
      out.violation(from, 'spoofedMessageId')

      return
    }

    if (this.holdMessages) {
      this.hold(from, message, key, now, out)
    } else {
      this.deliver(from, message, key, scope.type === 'swarm' ? this.repair.take(key, from, scope.round, now) : undefined, now, out)
    }
  }

  /**
   * Keeps a message until it was judged. Copies that come meanwhile count as
   * duplicates; one that finds no room is dropped as if it had never come, so
   * that it can be asked of whoever announces it.
   */
  private hold (from: PeerKey, message: Gossip, key: string, now: number, out: Outbox): void {
    if (!this.held.hasRoomFor(message.content.byteLength)) {
      this.stats.unjudged++

      return
    }

    let missing: MissingMessage | undefined

    if (message.scope.type === 'swarm') {
      missing = this.repair.take(key, from, message.scope.round, now)
      this.remember(key, from, now, out)
    } else {
      // its wait must end too, though nobody keeps its id
      this.armEvict(out)
    }

    out.validate(this.held.add({ from, message, missing, at: now }), message, from)
  }

  /** A held message was judged. Its id stays known, so that no copy is judged again. */
  onValidated (ticket: number, result: ValidationResult, now: number, out: Outbox): void {
    const held = this.held.take(ticket)

    if (held !== undefined && result === 'accept') {
      this.deliver(held.from, held.message, idKey(held.message.id), held.missing, now, out)
    }
  }

  private deliver (from: PeerKey, message: Gossip, key: string, missing: MissingMessage | undefined, now: number, out: Outbox): void {
    const { content, scope } = message
    this.stats.delivered++

    if (scope.type === 'swarm') {
      this.stats.lastDeliveryHop = scope.round
      this.stats.maxDeliveryHop = Math.max(this.stats.maxDeliveryHop, scope.round)
      this.forward(from, message, scope.round, key, missing, now, out)
    }

    out.emit({ type: 'received', content, deliveredFrom: from, scope })
  }

  private forward (from: PeerKey, { id, content }: Gossip, receivedRound: number, key: string, missing: MissingMessage | undefined, now: number, out: Outbox): void {
    const round = Math.min(receivedRound + 1, MAX_ROUND)
    const scope = swarmScope(round)

    if (gossipBytes(content.byteLength, scope) < this.config.maxMessageSize) {
      const payload: Gossip = { type: 'gossip', id, content, scope }
      this.keep(key, payload, from, now, out)

      if (!this.cameByOffer(from, missing, now)) {
        this.known.recent.add(key, now)
      }

      this.forming.push({ key, payload, announcement: { id, round } }, from, now, out)
    } else {
      // too large with our longer round: a Rust peer's link dies of trying (rule 14)
      this.remember(key, from, now, out)
    }

    if (missing !== undefined && this.pace.mayShorten(id)) {
      this.repair.optimizeTree(from, missing, round, now, out)
    }
  }

  /** Whether a message was asked of a neighbor so new that its announcement may have been an offer. */
  private cameByOffer (from: PeerKey, missing: MissingMessage | undefined, now: number): boolean {
    if (missing?.asked !== from) {
      return false
    }

    const since = this.neighborSince.get(from)

    return since === undefined || now - since < OFFER_AGE_MS
  }

  private onPrune (from: PeerKey): void {
    this.peers.addLazy(from)
    this.repair.onCut(from)
  }

  /** PlumTree p. 8: the sender gets payloads from now on, and the one that it misses. */
  private onGraft (from: PeerKey, message: Graft, now: number, out: Outbox): void {
    this.peers.addEager(from)

    if (message.id === undefined) {
      return
    }

    const key = idKey(message.id)
    const cached = this.known.get(key)

    if (cached !== undefined) {
      this.peers.answer(from, key, cached, now, out)
    }
  }

  /** PlumTree p. 8: waits for the eager copy, and asks for it if it does not come. */
  private onIHave (from: PeerKey, message: IHave, now: number, out: Outbox): void {
    let [refused, isNew] = [false, false]

    for (const entry of message.messages) {
      const key = idKey(entry.id)

      if (this.known.has(key)) {
        this.peers.forget(from, key)
      } else if (this.repair.announce(from, key, entry, now)) {
        isNew = true
      } else {
        refused = true
      }
    }

    if (refused) {
      out.violation(from, 'tooManyAnnouncements')
    }

    this.peers.onAnnounced(from, now)

    if (isNew) {
      this.repair.arm(now, out)
    }
  }

  private onEvictCacheTimer (now: number, out: Outbox): void {
    this.evictArmed = false
    this.known.sweep(now)
    this.peers.sweep(now)
    this.stats.unjudged += this.held.expireUntil(now - this.config.broadcast.messageCacheRetentionMs)

    if (!this.known.isEmpty || this.held.size + this.peers.debtCount > 0) {
      this.armEvict(out)
    }
  }

  private armEvict (out: Outbox): void {
    if (!this.evictArmed) {
      this.evictArmed = true
      out.schedule(this.config.broadcast.cacheEvictIntervalMs, { type: 'evictCache' })
    }
  }

  /** {@link KnownMessages.remember} */
  private remember (key: string, from: PeerKey, now: number, out: Outbox): void {
    this.known.remember(key, from, now)
    this.armEvict(out)
  }

  /** {@link KnownMessages.keep} */
  private keep (key: string, message: Gossip, from: PeerKey, now: number, out: Outbox): void {
    this.known.keep(key, message, from, now)
    this.armEvict(out)
  }
}
