import { TimeBoundCache } from '../../proto/index.ts'
import { idKey } from '../../proto/message-id.ts'
import type { BroadcastConfig, DeliveryScope, Gossip, GossipMessage, IHaveEntry, MessageId, PeerKey, Scope } from '../../proto/index.ts'

/** Timers of broadcast in the Rust crate: one for each missing message. */
export type UpstreamBroadcastTimer =
  | { type: 'sendGraft', id: MessageId }
  | { type: 'dispatchLazyPush' }
  | { type: 'evictCache' }

/** Where broadcast leaves what it wants done. */
export interface UpstreamBroadcastOutbox {
  send (to: PeerKey, message: GossipMessage): void
  schedule (delayMs: number, timer: UpstreamBroadcastTimer): void
  received (content: Uint8Array, from: PeerKey, scope: DeliveryScope): void
}

/** Announcements in one IHave of at most 4,096 bytes, as the Rust crate counts them. */
const IHAVES_IN_A_MESSAGE = Math.floor((4096 - 32 - 1 - 3) / 35)

/**
 * PlumTree with the rules of iroh-gossip 0.101, defects included: strangers
 * enter the push sets, and what was announced and never came is kept for ever.
 */
export class UpstreamBroadcast {
  readonly eager = new Set<PeerKey>()
  readonly lazy = new Set<PeerKey>()
  private readonly lazyPushQueue = new Map<PeerKey, IHaveEntry[]>()
  private readonly missing = new Map<string, Array<{ peer: PeerKey, round: number }>>()
  private readonly received: TimeBoundCache<string, true>
  private readonly cache: TimeBoundCache<string, Gossip>
  private readonly graftScheduled = new Set<string>()
  private dispatchScheduled = false
  private started = false
  private readonly me: PeerKey
  private readonly config: BroadcastConfig
  private readonly hash: (content: Uint8Array) => MessageId

  constructor (me: PeerKey, config: BroadcastConfig, hash: (content: Uint8Array) => MessageId) {
    this.me = me
    this.config = config
    this.hash = hash
    // the Rust crate remembers ids for less long than we do
    this.received = new TimeBoundCache({ retentionMs: 90_000, capacity: Infinity })
    this.cache = new TimeBoundCache({ retentionMs: config.messageCacheRetentionMs, capacity: Infinity })
  }

  /** Once at the first event of any kind, as there. */
  start (out: UpstreamBroadcastOutbox): void {
    if (!this.started) {
      this.started = true
      out.schedule(this.config.cacheEvictIntervalMs, { type: 'evictCache' })
    }
  }

  broadcast (content: Uint8Array, scope: Scope, now: number, out: UpstreamBroadcastOutbox): void {
    const id = this.hash(content)

    if (scope === 'neighbors') {
      this.eagerPush({ type: 'gossip', id, content, scope: { type: 'neighbors' } }, this.me, out)

      return
    }

    const message: Gossip = { type: 'gossip', id, content, scope: { type: 'swarm', round: 0 } }
    const key = idKey(id)
    this.received.set(key, true, now)
    this.cache.set(key, message, now)
    this.lazyPush({ id, round: 0 }, this.me, out)
    this.eagerPush(message, this.me, out)
  }

  handleMessage (from: PeerKey, message: GossipMessage, now: number, out: UpstreamBroadcastOutbox): void {
    switch (message.type) {
      case 'gossip': this.onGossip(from, message, now, out); break
      case 'prune': this.addLazy(from); break
      case 'graft': {
        this.addEager(from)
        const cached = message.id === undefined ? undefined : this.cache.get(idKey(message.id))

        if (cached !== undefined) {
          out.send(from, cached)
        }

        break
      }
      case 'iHave': this.onIHave(from, message.messages, out); break
      default: message satisfies never
    }
  }

  handleTimer (timer: UpstreamBroadcastTimer, now: number, out: UpstreamBroadcastOutbox): void {
    switch (timer.type) {
      case 'sendGraft': this.onSendGraftTimer(timer.id, out); break
      case 'dispatchLazyPush': this.onDispatchTimer(out); break
      case 'evictCache':
        this.cache.expireUntil(now)
        this.received.expireUntil(now)
        out.schedule(this.config.cacheEvictIntervalMs, { type: 'evictCache' })
        break
      default: timer satisfies never
    }
  }

  addEager (peer: PeerKey): void {
    this.lazy.delete(peer)
    this.eager.add(peer)
  }

  onNeighborDown (peer: PeerKey): void {
    for (const [key, announcers] of this.missing) {
      const left = announcers.filter((announcer) => announcer.peer !== peer)

      if (left.length === 0) {
        this.missing.delete(key)
      } else {
        this.missing.set(key, left)
      }
    }

    this.eager.delete(peer)
    this.lazy.delete(peer)
  }

  private addLazy (peer: PeerKey): void {
    this.eager.delete(peer)
    this.lazy.add(peer)
  }

  private onGossip (from: PeerKey, message: Gossip, now: number, out: UpstreamBroadcastOutbox): void {
    const { id, content, scope } = message
    const key = idKey(id)

    if (this.received.has(key)) {
      this.addLazy(from)
      out.send(from, { type: 'prune' })

      return
    }

    if (scope.type === 'swarm') {
      const round = scope.round + 1
      const next: Gossip = { type: 'gossip', id, content, scope: { type: 'swarm', round } }
      this.received.set(key, true, now)
      this.cache.set(key, next, now)
      this.eagerPush(next, from, out)
      this.lazyPush({ id, round }, from, out)
      this.graftScheduled.delete(key)
      this.optimizeTree(from, key, round, out)
    }

    out.received(content, from, scope)
  }

  private optimizeTree (from: PeerKey, key: string, round: number, out: UpstreamBroadcastOutbox): void {
    const announcers = this.missing.get(key)

    if (announcers === undefined) {
      return
    }

    this.missing.delete(key)

    if (announcers.length === 0) {
      return
    }

    const best = announcers.reduce((a, b) => b.round < a.round ? b : a)

    if (round - best.round >= this.config.optimizationThreshold) {
      if (!this.eager.has(best.peer)) {
        this.addEager(best.peer)
        out.send(best.peer, { type: 'graft', round: best.round })
      }

      this.addLazy(from)
      out.send(from, { type: 'prune' })
    }
  }

  private onIHave (from: PeerKey, entries: IHaveEntry[], out: UpstreamBroadcastOutbox): void {
    for (const { id, round } of entries) {
      const key = idKey(id)

      if (this.received.has(key)) {
        continue
      }

      const announcers = this.missing.get(key)

      if (announcers === undefined) {
        this.missing.set(key, [{ peer: from, round }])
      } else {
        announcers.push({ peer: from, round })
      }

      if (!this.graftScheduled.has(key)) {
        this.graftScheduled.add(key)
        out.schedule(this.config.graftTimeout1Ms, { type: 'sendGraft', id })
      }
    }
  }

  private onSendGraftTimer (id: MessageId, out: UpstreamBroadcastOutbox): void {
    const key = idKey(id)
    this.graftScheduled.delete(key)

    if (this.received.has(key)) {
      return
    }

    const announcer = this.missing.get(key)?.shift()

    if (announcer !== undefined) {
      this.addEager(announcer.peer)
      out.send(announcer.peer, { type: 'graft', id, round: announcer.round })
      out.schedule(this.config.graftTimeout2Ms, { type: 'sendGraft', id })
    }
  }

  private onDispatchTimer (out: UpstreamBroadcastOutbox): void {
    this.dispatchScheduled = false

    for (const [peer, entries] of this.lazyPushQueue) {
      for (let i = 0; i < entries.length; i += IHAVES_IN_A_MESSAGE) {
        out.send(peer, { type: 'iHave', messages: entries.slice(i, i + IHAVES_IN_A_MESSAGE) })
      }
    }

    this.lazyPushQueue.clear()
  }

  private eagerPush (message: Gossip, from: PeerKey, out: UpstreamBroadcastOutbox): void {
    for (const peer of this.eager) {
      if (peer !== from && peer !== this.me) {
        out.send(peer, message)
      }
    }
  }

  private lazyPush (entry: IHaveEntry, from: PeerKey, out: UpstreamBroadcastOutbox): void {
    for (const peer of this.lazy) {
      if (peer === from) {
        continue
      }

      const queue = this.lazyPushQueue.get(peer)

      if (queue === undefined) {
        this.lazyPushQueue.set(peer, [entry])
      } else {
        queue.push(entry)
      }
    }

    if (!this.dispatchScheduled) {
      this.dispatchScheduled = true
      out.schedule(this.config.dispatchTimeoutMs, { type: 'dispatchLazyPush' })
    }
  }
}
