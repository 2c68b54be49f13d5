import { Debts } from './debts.ts'
import {
  CACHED_MESSAGE_OVERHEAD, MAX_CACHE_BYTES, MAX_QUEUED_ANNOUNCEMENTS, MAX_RECEIVED_IDS, MAX_ROUND, MIN_CACHED_MESSAGES, OFFER_AGE_MS
} from './limits.ts'
import { idKey } from './message-id.ts'
import { MissingMessages } from './missing-messages.ts'
import { equal } from './peer-data.ts'
import { RecentMessages } from './recent-messages.ts'
import { chunkIHaves, gossipBytes, maxContentBytes } from './sizes.ts'
import { TimeBoundCache } from './time-bound-cache.ts'
import type { Config } from './config.ts'
import type { Outbox, TimerKind } from './events.ts'
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
export type BroadcastTimer = Extract<TimerKind, { type: 'sendGraft' | 'dispatchLazyPush' }>

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
  /** Contents received for the first time, and contents published. */
  delivered: number
  published: number
}

interface OwnDelivery {
  payload: Gossip
  announced: IHaveEntry
}

/**
 * PlumTree: which neighbors get payloads, and which only announcements.
 *
 * Page numbers are those of the SRDS 2007 paper. Only neighbors are ever in the
 * eager or the lazy set, and each is in exactly one. Others are served all the
 * same, as the Rust crate does: it never asks who sent.
 */
export class PlumTree {
  readonly eagerPushPeers = new Set<PeerKey>()
  readonly lazyPushPeers = new Set<PeerKey>()
  readonly stats: BroadcastStats = {
    payloadsReceived: 0,
    duplicates: 0,
    controlReceived: 0,
    lastDeliveryHop: 0,
    maxDeliveryHop: 0,
    delivered: 0,
    published: 0
  }

  private readonly init: PlumTreeInit
  private readonly config: Config
  /** Ids of all messages received or published. */
  private readonly received: TimeBoundCache<string, true>
  /** Messages as they are sent on, by id. */
  private readonly cache: TimeBoundCache<string, Gossip>
  private readonly missing = new MissingMessages()
  private readonly recent = new RecentMessages()
  private readonly debts: Debts
  private readonly lazyPushQueue = new Map<PeerKey, IHaveEntry[]>()
  /** When each young neighbor came: what it announces may be an offer. */
  private readonly neighborSince = new Map<PeerKey, number>()
  private dispatchArmed = false
  private graftArmedAt = Infinity

  constructor (init: PlumTreeInit) {
    const { broadcast, maxMessageSize } = init.config
    this.init = init
    this.config = init.config
    this.received = new TimeBoundCache({ retentionMs: broadcast.messageIdRetentionMs, capacity: MAX_RECEIVED_IDS })
    this.cache = new TimeBoundCache({
      retentionMs: broadcast.messageCacheRetentionMs,
      capacity: Math.max(MAX_CACHE_BYTES, MIN_CACHED_MESSAGES * (maxMessageSize + CACHED_MESSAGE_OVERHEAD)),
      weigh: (message) => message.content.byteLength + CACHED_MESSAGE_OVERHEAD
    })
    this.debts = new Debts(broadcast.messageCacheRetentionMs)
  }

  /** Sizes of all that grows with what peers do. */
  get sizes (): { received: number, cache: number, cacheBytes: number, missing: number, lazyPushQueue: number, debts: number, recent: number } {
    let queued = 0

    for (const entries of this.lazyPushQueue.values()) {
      queued += entries.length
    }

    return {
      received: this.received.size,
      cache: this.cache.size,
      cacheBytes: this.cache.weight,
      missing: this.missing.size,
      lazyPushQueue: queued,
      debts: this.debts.size,
      recent: this.recent.size
    }
  }

  handleMessage (from: PeerKey, message: GossipMessage, now: number, out: Outbox): void {
    if (message.type === 'gossip') {
      this.stats.payloadsReceived++
      this.onGossip(from, message, now, out)

      return
    }

    this.stats.controlReceived++

    switch (message.type) {
      case 'prune': this.addLazy(from); break
      case 'graft': this.onGraft(from, message, now, out); break
      case 'iHave': this.onIHave(from, message, now, out); break
      default: message satisfies never
    }
  }

  handleTimer (timer: BroadcastTimer, now: number, out: Outbox): void {
    switch (timer.type) {
      case 'sendGraft': this.onSendGraftTimer(timer.at, now, out); break
      case 'dispatchLazyPush': this.onDispatchTimer(out); break
      default: timer satisfies never
    }
  }

  /**
   * Publishes a content.
   *
   * A content that the topic has seen is not put on the wire: every neighbor
   * that still knows it would answer with Prune.
   *
   * @throws {RangeError} when the content is larger than what survives any number of hops
   */
  broadcast (content: Uint8Array, scope: Scope, now: number, out: Outbox): void {
    const max = maxContentBytes(this.config.maxMessageSize)

    if (content.byteLength > max) {
      throw new RangeError(`content has ${content.byteLength} bytes, at most ${max} can be sent`)
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
      this.pushToNeighbors({ type: 'gossip', id, content, scope: { type: 'neighbors' } }, key, now, out)

      return
    }

    const own: Gossip = { type: 'gossip', id, content, scope: { type: 'swarm', round: 0 } }
    this.received.set(key, true, now)
    this.cache.set(key, own, now)
    this.recent.add(key, now)

    if (this.eagerPushPeers.size + this.lazyPushPeers.size === 0) {
      this.recent.addUnheard(key)
    }

    this.push({ payload: own, announced: { id, round: 0 } }, key, this.init.me, now, out)
  }

  /** A new neighbor gets payloads until it says otherwise. */
  onNeighborUp (peer: PeerKey, now: number): void {
    this.eagerPushPeers.add(peer)
    this.neighborSince.set(peer, now)
  }

  /**
   * Offers recent messages to a new neighbor: what was lost with the neighbors
   * before it is late, not gone. Comes after our Neighbor message, on the same
   * stream. A node that is itself young in the topic cannot tell what is recent.
   */
  offer (peer: PeerKey, now: number, out: Outbox): void {
    const entries: IHaveEntry[] = []

    for (const key of this.recent.takeOffer(now - this.init.now >= OFFER_AGE_MS, now)) {
      const message = this.cache.get(key)

      if (message?.scope.type === 'swarm') {
        entries.push({ id: message.id, round: message.scope.round })
      }
    }

    this.announce(peer, entries, out)
  }

  onNeighborDown (peer: PeerKey): void {
    this.eagerPushPeers.delete(peer)
    this.lazyPushPeers.delete(peer)
    this.neighborSince.delete(peer)
    this.lazyPushQueue.delete(peer)
    this.missing.removePeer(peer)
    this.debts.removePeer(peer)
  }

  /**
   * The send queue of a peer has drained: it gets the payloads that it asked
   * for, and hears of those that it was not pushed, as far as they can be asked for.
   */
  onDrained (peer: PeerKey, out: Outbox): void {
    const { payloads, announcements } = this.debts.settle(peer)

    for (const message of payloads) {
      out.send(peer, message)
    }

    this.announce(peer, announcements.filter(({ key }) => this.cache.has(key)).map(({ entry }) => entry), out)
  }

  /** Whether there is anything that expires. */
  get isExpiring (): boolean {
    return this.received.size + this.cache.size + this.recent.size + this.debts.size > 0
  }

  sweep (now: number): void {
    this.cache.expireUntil(now)
    this.received.expireUntil(now)
    this.debts.sweep(now)
    this.recent.sweep((key) => this.cache.has(key), now)
  }

  private onGossip (from: PeerKey, message: Gossip, now: number, out: Outbox): void {
    const { id, content, scope } = message
    const key = idKey(id)

    if (this.received.has(key)) {
      this.stats.duplicates++

      // a Prune for a neighbors message would keep all later ones away
      if (scope.type === 'swarm') {
        this.addLazy(from)
        out.send(from, { type: 'prune' })
      }

      return
    }

    if (!equal(this.init.hash(content), id)) {
      out.violation(from, 'spoofedMessageId')

      return
    }

    this.stats.delivered++

    if (scope.type === 'swarm') {
      this.received.set(key, true, now)
      this.forward(from, message, scope.round, key, now, out)
      this.stats.lastDeliveryHop = scope.round
      this.stats.maxDeliveryHop = Math.max(this.stats.maxDeliveryHop, scope.round)
    }

    out.emit({ type: 'received', content, deliveredFrom: from, scope })
  }

  private forward (from: PeerKey, { id, content }: Gossip, receivedRound: number, key: string, now: number, out: Outbox): void {
    const round = Math.min(receivedRound + 1, MAX_ROUND)
    const scope = { type: 'swarm', round } as const
    const missing = this.missing.take(key)

    // with a longer round it would not fit: a Rust peer's link dies of trying
    if (gossipBytes(content.byteLength, scope) < this.config.maxMessageSize) {
      const payload: Gossip = { type: 'gossip', id, content, scope }
      this.cache.set(key, payload, now)

      if (!this.cameByOffer(from, missing, now)) {
        this.recent.add(key, now)
      }

      this.push({ payload, announced: { id, round } }, key, from, now, out)
    }

    if (missing !== undefined) {
      this.optimizeTree(from, missing, round, out)
    }
  }

  /** Whether a message was asked of a neighbor that was so new that its announcement may have been an offer. */
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
      if (this.isNeighbor(announcement.peer) && (best === undefined || announcement.round < best.round)) {
        best = announcement
      }
    }

    if (best === undefined || best.peer === from || round - best.round < this.config.broadcast.optimizationThreshold) {
      return
    }

    if (!this.eagerPushPeers.has(best.peer)) {
      this.addEager(best.peer)
      out.send(best.peer, { type: 'graft', round: best.round })
    }

    this.addLazy(from)
    out.send(from, { type: 'prune' })
  }

  private onGraft (from: PeerKey, message: Graft, now: number, out: Outbox): void {
    this.addEager(from)

    if (message.id === undefined) {
      return
    }

    const key = idKey(message.id)
    const cached = this.cache.get(key)

    if (cached === undefined) {
      return
    }

    if (!this.init.congested.has(from)) {
      out.send(from, cached)
    } else if (this.isNeighbor(from)) {
      this.debts.owePayload(from, key, cached, now)
    }
  }

  /** PlumTree p. 8: waits for the eager copy, and asks for it if it does not come. */
  private onIHave (from: PeerKey, message: IHave, now: number, out: Outbox): void {
    const dueAt = now + this.config.broadcast.graftTimeout1Ms
    let refused = false

    for (const entry of message.messages) {
      const key = idKey(entry.id)

      if (!this.received.has(key) && !this.missing.announce(from, key, entry, dueAt)) {
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

    let next = this.missing.nextDue(due, againAt)

    while (next !== undefined) {
      const { message, announcement } = next
      this.addEager(announcement.peer)
      out.send(announcement.peer, { type: 'graft', id: message.id, round: announcement.round })
      next = this.missing.nextDue(due, againAt)
    }

    this.armGraft(now, out)
  }

  private armGraft (now: number, out: Outbox): void {
    const at = this.missing.nextAt

    if (at !== undefined && at < this.graftArmedAt) {
      this.graftArmedAt = at
      out.schedule(Math.max(0, at - now), { type: 'sendGraft', at })
    }
  }

  private onDispatchTimer (out: Outbox): void {
    this.dispatchArmed = false

    for (const [peer, entries] of this.lazyPushQueue) {
      this.announce(peer, entries, out)
    }

    this.lazyPushQueue.clear()
  }

  private announce (peer: PeerKey, entries: IHaveEntry[], out: Outbox): void {
    if (entries.length === 0) {
      return
    }

    for (const messages of chunkIHaves(entries, this.config.maxMessageSize)) {
      out.send(peer, { type: 'iHave', messages })
    }
  }

  /**
   * Sends to eager peers at once and to lazy peers an announcement a little
   * later. All eager peers get the same object, one after the other, so that
   * it is encoded once.
   */
  private push ({ payload, announced }: OwnDelivery, key: string, from: PeerKey, now: number, out: Outbox): void {
    const { congested } = this.init

    for (const peer of this.eagerPushPeers) {
      if (peer === from) {
        continue
      }

      if (congested.size > 0 && congested.has(peer)) {
        this.debts.oweAnnouncement(peer, key, announced, now)
      } else {
        out.send(peer, payload)
      }
    }

    for (const peer of this.lazyPushPeers) {
      if (peer === from) {
        continue
      }

      if (congested.size > 0 && congested.has(peer)) {
        this.debts.oweAnnouncement(peer, key, announced, now)
        continue
      }

      this.queueAnnouncement(peer, announced)

      if (!this.dispatchArmed) {
        this.dispatchArmed = true
        out.schedule(this.config.broadcast.dispatchTimeoutMs, { type: 'dispatchLazyPush' })
      }
    }
  }

  private pushToNeighbors (payload: Gossip, key: string, now: number, out: Outbox): void {
    for (const peers of [this.eagerPushPeers, this.lazyPushPeers]) {
      for (const peer of peers) {
        if (this.init.congested.has(peer)) {
          this.debts.owePayload(peer, key, payload, now)
        } else {
          out.send(peer, payload)
        }
      }
    }
  }

  private queueAnnouncement (peer: PeerKey, entry: IHaveEntry): void {
    const queue = this.lazyPushQueue.get(peer)

    if (queue === undefined) {
      this.lazyPushQueue.set(peer, [entry])
      return
    }

    if (queue.length >= MAX_QUEUED_ANNOUNCEMENTS) {
      queue.shift()
    }

    queue.push(entry)
  }

  private isNeighbor (peer: PeerKey): boolean {
    return this.eagerPushPeers.has(peer) || this.lazyPushPeers.has(peer)
  }

  /** Moves a neighbor into the eager set; does nothing for others. */
  private addEager (peer: PeerKey): void {
    if (this.lazyPushPeers.delete(peer)) {
      this.eagerPushPeers.add(peer)
    }
  }

  /** Moves a neighbor into the lazy set; does nothing for others. */
  private addLazy (peer: PeerKey): void {
    if (this.eagerPushPeers.delete(peer)) {
      this.lazyPushPeers.add(peer)
    }
  }
}
