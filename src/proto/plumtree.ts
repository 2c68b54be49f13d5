import { HeldMessages } from './held-messages.ts'
import {
  CACHED_MESSAGE_OVERHEAD, GRAFT_PAUSE_MS, MAX_CACHE_BYTES, MAX_GRAFTS_AT_ONCE, MAX_RECEIVED_IDS, MAX_ROUND, MIN_CACHED_MESSAGES, OFFER_AGE_MS
} from './limits.ts'
import { idKey } from './message-id.ts'
import { MissingMessages } from './missing-messages.ts'
import { equal } from './peer-data.ts'
import { PushPeers } from './push-peers.ts'
import { RecentMessages } from './recent-messages.ts'
import { gossipBytes, maxContentBytes } from './sizes.ts'
import { TimeBoundCache } from './time-bound-cache.ts'
import type { Config } from './config.ts'
import type { Outbox, TimerKind, ValidationResult } from './events.ts'
import type { Gossip, GossipMessage, Graft, IHave, IHaveEntry, MessageId, PeerKey, Scope } from './messages.ts'
import type { MissingMessage } from './missing-messages.ts'

export interface PlumTreeInit {
  me: PeerKey
  config: Config
  /** The id of a content: 32 bytes that stay as they are. */
  hash (content: Uint8Array): MessageId
  /** Peers whose send queue is full at the moment. */
  congested: ReadonlySet<PeerKey>
  /** When the topic was joined. */
  now: number
}

/** The timers that belong to broadcast. */
export type BroadcastTimer = Extract<TimerKind, { type: 'sendGraft' | 'dispatchLazyPush' | 'evictCache' }>

/** What a topic has counted since it was joined. */
export interface BroadcastStats {
  /** Gossip messages that came, duplicates included. */
  payloadsReceived: number
  /** Gossip messages whose content was known. */
  duplicates: number
  /** Prune, Graft and IHave messages that came. */
  controlReceived: number
  /** The round in which the newest message came, and the highest of all. */
  lastDeliveryHop: number
  maxDeliveryHop: number
  /** Contents handed to the application, and contents published. */
  delivered: number
  published: number
  /** Messages that were not judged: too many were waiting, or nobody answered in time. */
  unjudged: number
}

/** Entries of each map of broadcast; `cacheBytes` in bytes. */
export interface BroadcastSizes {
  received: number
  cache: number
  cacheBytes: number
  missing: number
  recent: number
  lazyPushQueue: number
  debts: number
  held: number
}

/**
 * PlumTree: which neighbors get payloads, and which only announcements.
 *
 * Page numbers are those of the SRDS 2007 paper. Strangers are served like
 * neighbors, as the Rust crate does, which never asks who sent; but they are in
 * no set.
 */
export class PlumTree {
  readonly stats: BroadcastStats = {
    payloadsReceived: 0,
    duplicates: 0,
    controlReceived: 0,
    lastDeliveryHop: 0,
    maxDeliveryHop: 0,
    delivered: 0,
    published: 0,
    unjudged: 0
  }

  readonly peers: PushPeers
  /** Whether messages are held until they were judged. */
  holdMessages = false
  private readonly init: PlumTreeInit
  private readonly config: Config
  private readonly maxContentBytes: number
  /** Ids of all messages received or published. */
  private readonly received: TimeBoundCache<string, true>
  /** Messages as they are sent on, by id. */
  private readonly cache: TimeBoundCache<string, Gossip>
  private readonly missing = new MissingMessages()
  private readonly recent = new RecentMessages()
  private readonly held = new HeldMessages()
  /** When each neighbor came: what a young one announces may be an offer. */
  private readonly neighborSince = new Map<PeerKey, number>()
  private graftArmedAt = Infinity
  private evictArmed = false

  constructor (init: PlumTreeInit) {
    const { broadcast, maxMessageSize } = init.config
    this.init = init
    this.config = init.config
    this.maxContentBytes = maxContentBytes(maxMessageSize)
    this.peers = new PushPeers(init.config, init.congested)
    this.received = new TimeBoundCache({ retentionMs: broadcast.messageIdRetentionMs, capacity: MAX_RECEIVED_IDS })
    this.cache = new TimeBoundCache({
      retentionMs: broadcast.messageCacheRetentionMs,
      capacity: Math.max(MAX_CACHE_BYTES, MIN_CACHED_MESSAGES * (maxMessageSize + CACHED_MESSAGE_OVERHEAD)),
      weigh: (message) => message.content.byteLength + CACHED_MESSAGE_OVERHEAD
    })
  }

  get sizes (): BroadcastSizes {
    return {
      received: this.received.size,
      cache: this.cache.size,
      cacheBytes: this.cache.weight,
      missing: this.missing.size,
      recent: this.recent.size,
      held: this.held.size,
      ...this.peers.sizes
    }
  }

  handleMessage (from: PeerKey, message: GossipMessage, now: number, out: Outbox): void {
    switch (message.type) {
      case 'gossip': this.onGossip(from, message, now, out); return
      case 'prune': this.peers.addLazy(from); break
      case 'graft': this.onGraft(from, message, now, out); break
      case 'iHave': this.onIHave(from, message, now, out); break
      default: message satisfies never
    }

    this.stats.controlReceived++
  }

  handleTimer (timer: BroadcastTimer, now: number, out: Outbox): void {
    switch (timer.type) {
      case 'sendGraft': this.onSendGraftTimer(timer.at, now, out); break
      case 'dispatchLazyPush': this.peers.onDispatchTimer(now, out); break
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

    const id = this.init.hash(content)
    const key = idKey(id)

    if (this.received.has(key)) {
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

    const payload: Gossip = { type: 'gossip', id, content, scope: { type: 'swarm', round: 0 } }
    this.keep(key, payload, now, out)
    this.recent.add(key, true, now)

    if (this.neighborSince.size === 0) {
      this.recent.addUnheard(key)
    }

    this.peers.push({ key, payload, announcement: { id, round: 0 } }, this.init.me, now, out)
  }

  onNeighborUp (peer: PeerKey, now: number): void {
    this.peers.add(peer)
    this.neighborSince.set(peer, now)
  }

  /**
   * Offers recent messages to a new neighbor: what was lost with the neighbors
   * before it is late, not gone. Comes after our Neighbor message, on the same
   * stream. A node that is itself young in the topic can hardly tell what is recent.
   */
  offer (peer: PeerKey, now: number, out: Outbox): void {
    const entries: IHaveEntry[] = []

    for (const key of this.recent.takeOffer(now - this.init.now < OFFER_AGE_MS, now)) {
      const message = this.cache.get(key)

      if (message?.scope.type === 'swarm') {
        entries.push({ id: message.id, round: message.scope.round })
      }
    }

    this.peers.announce(peer, entries, out)
  }

  /** A peer is no neighbor any more, or a stranger without connection: nothing is to be asked of it. */
  onPeerDown (peer: PeerKey): void {
    this.peers.remove(peer)
    this.neighborSince.delete(peer)
    this.missing.removePeer(peer)
  }

  /**
   * Sends a peer whose send queue has drained what it is owed, oldest first.
   *
   * @returns the bytes that were sent: at most `budget` and one message more
   */
  pay (peer: PeerKey, budget: number, out: Outbox): number {
    return this.peers.pay(peer, budget, (key) => this.cache.get(key), out)
  }

  private onGossip (from: PeerKey, message: Gossip, now: number, out: Outbox): void {
    const { id, content, scope } = message
    const key = idKey(id)
    this.stats.payloadsReceived++

    if (this.received.has(key)) {
      this.stats.duplicates++
      this.peers.forgetDebt(from, key)

      // a Prune for a neighbors message would keep all later ones away
      if (scope.type === 'swarm') {
        this.peers.addLazy(from)
        out.send(from, { type: 'prune' })
      }

      return
    }

    if (!equal(this.init.hash(content), id)) {
      out.violation(from, 'spoofedMessageId')

      return
    }

    if (this.holdMessages) {
      this.hold(from, message, key, now, out)
    } else {
      this.deliver(from, message, key, scope.type === 'swarm' ? this.missing.take(key) : undefined, now, out)
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
      missing = this.missing.take(key)
      this.remember(key, now, out)
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
    const scope = { type: 'swarm', round } as const

    if (gossipBytes(content.byteLength, scope) < this.config.maxMessageSize) {
      const payload: Gossip = { type: 'gossip', id, content, scope }
      this.keep(key, payload, now, out)

      if (!this.cameByOffer(from, missing, now)) {
        this.recent.add(key, false, now)
      }

      this.peers.push({ key, payload, announcement: { id, round } }, from, now, out)
    } else {
      // too large with our longer round: a Rust peer's link dies of trying (rule 14)
      this.remember(key, now, out)
    }

    if (missing !== undefined) {
      this.optimizeTree(from, missing, round, out)
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

  /**
   * PlumTree p. 12: a neighbor that announced the message much nearer to its
   * origin takes the place of the one that delivered it.
   */
  private optimizeTree (from: PeerKey, missing: MissingMessage, round: number, out: Outbox): void {
    let best: { peer: PeerKey, round: number } | undefined

    for (const announcement of missing.announcements) {
      if (this.peers.has(announcement.peer) && (best === undefined || announcement.round < best.round)) {
        best = announcement
      }
    }

    if (best === undefined || best.peer === from || round - best.round < this.config.broadcast.optimizationThreshold) {
      return
    }

    if (!this.peers.eager.has(best.peer)) {
      this.peers.addEager(best.peer)
      out.send(best.peer, { type: 'graft', round: best.round })
    }

    this.peers.addLazy(from)
    out.send(from, { type: 'prune' })
  }

  /** PlumTree p. 8: the sender gets payloads from now on, and the one that it misses. */
  private onGraft (from: PeerKey, message: Graft, now: number, out: Outbox): void {
    this.peers.addEager(from)

    if (message.id === undefined) {
      return
    }

    const key = idKey(message.id)
    const cached = this.cache.get(key)

    if (cached !== undefined) {
      this.peers.answer(from, key, cached, now, out)
    }
  }

  /** PlumTree p. 8: waits for the eager copy, and asks for it if it does not come. */
  private onIHave (from: PeerKey, message: IHave, now: number, out: Outbox): void {
    const dueAt = now + this.config.broadcast.graftTimeout1Ms
    let refused = false

    for (const entry of message.messages) {
      const key = idKey(entry.id)

      if (this.received.has(key)) {
        this.peers.forgetDebt(from, key)
      } else if (!this.missing.announce(from, key, entry, dueAt)) {
        refused = true
      }
    }

    if (refused) {
      out.violation(from, 'tooManyAnnouncements')
    }

    this.armGraft(now, out)
  }

  /**
   * "When a GRAFT message is sent, another timer is started to expire after a
   * certain timeout, to ensure that the message will be requested to another
   * neighbor" (p. 9). One timer serves all missing messages.
   */
  private onSendGraftTimer (at: number, now: number, out: Outbox): void {
    // what the timer was armed for is due, however the sum was rounded
    const due = Math.max(at, now)
    const againAt = now + this.config.broadcast.graftTimeout2Ms

    if (this.graftArmedAt <= due) {
      this.graftArmedAt = Infinity
    }

    for (let sent = 0; sent < MAX_GRAFTS_AT_ONCE; sent++) {
      const next = this.missing.nextDue(due, againAt)

      if (next === undefined) {
        break
      }

      const { message, announcement } = next
      this.peers.addEager(announcement.peer)
      out.send(announcement.peer, { type: 'graft', id: message.id, round: announcement.round })
    }

    this.armGraft(now, out, now + GRAFT_PAUSE_MS)
  }

  /** Arms the timer for the next message that is to be asked for, not before `earliest`. */
  private armGraft (now: number, out: Outbox, earliest = now): void {
    const next = this.missing.nextAt

    if (next === undefined) {
      return
    }

    const at = Math.max(next, earliest)

    if (at < this.graftArmedAt) {
      this.graftArmedAt = at
      out.schedule(at - now, { type: 'sendGraft', at })
    }
  }

  private onEvictCacheTimer (now: number, out: Outbox): void {
    this.evictArmed = false
    this.cache.expireUntil(now)
    this.received.expireUntil(now)
    this.peers.sweep(now)
    this.recent.sweep((key) => this.cache.has(key), now)
    this.stats.unjudged += this.held.expireUntil(now - this.config.broadcast.messageCacheRetentionMs)

    if (this.held.size + this.cache.size + this.received.size + this.recent.size + this.peers.debtCount > 0) {
      this.armEvict(out)
    }
  }

  private armEvict (out: Outbox): void {
    if (!this.evictArmed) {
      this.evictArmed = true
      out.schedule(this.config.broadcast.cacheEvictIntervalMs, { type: 'evictCache' })
    }
  }

  /** The message is known from now on. */
  private remember (key: string, now: number, out: Outbox): void {
    this.received.set(key, true, now)
    this.armEvict(out)
  }

  /** The same, and the message can be asked for. */
  private keep (key: string, message: Gossip, now: number, out: Outbox): void {
    this.remember(key, now, out)
    this.cache.set(key, message, now)
  }
}
