import { IndexedSet } from '../../proto/index.ts'
import type { Disconnect, ForwardJoin, MembershipConfig, Neighbor, PeerKey, Priority, Rng, Shuffle, ShuffleReply, SwarmMessage } from '../../proto/index.ts'

/** Timers of membership in the Rust crate. */
export type UpstreamMembershipTimer =
  | { type: 'doShuffle' }
  | { type: 'pendingNeighborRequest', peer: PeerKey }

/** Where the machines of a Rust node leave what they want done. */
export interface UpstreamOutbox {
  send (to: PeerKey, message: SwarmMessage): void
  schedule (delayMs: number, timer: UpstreamMembershipTimer): void
  neighborUp (peer: PeerKey): void
  neighborDown (peer: PeerKey, reason: 'evicted' | 'evictedByPeer' | 'left' | 'connectionClosed' | 'stopped'): void
  disconnect (peer: PeerKey): void
}

/**
 * HyParView with the rules of iroh-gossip 0.101, defects included: no retry of
 * a Join, pending requests without timers, nobody is asked once all neighbors
 * and remembered peers are gone. Nodes carry no address data here.
 */
export class UpstreamMembership {
  readonly active = new IndexedSet<PeerKey>()
  readonly passive = new IndexedSet<PeerKey>()
  private readonly pending = new Set<PeerKey>()
  /** Peers that said they live on when they disconnected: the end of the connection does not remove them from the passive view. */
  private readonly aliveDisconnected = new Set<PeerKey>()
  private shuffleScheduled = false
  private readonly me: PeerKey
  private readonly config: MembershipConfig
  private readonly rng: Rng

  constructor (me: PeerKey, config: MembershipConfig, rng: Rng) {
    this.me = me
    this.config = config
    this.rng = rng
  }

  /** Once at the first event of any kind, as there. */
  start (out: UpstreamOutbox): void {
    if (!this.shuffleScheduled) {
      this.shuffleScheduled = true
      out.schedule(this.config.shuffleIntervalMs, { type: 'doShuffle' })
    }
  }

  join (peer: PeerKey, out: UpstreamOutbox): void {
    out.send(peer, { type: 'join' })
  }

  quit (out: UpstreamOutbox): void {
    for (const peer of this.active.toArray()) {
      this.active.delete(peer)
      this.sendDisconnect(peer, false, out)
    }
  }

  handleMessage (from: PeerKey, message: SwarmMessage, out: UpstreamOutbox): void {
    switch (message.type) {
      case 'join': this.onJoin(from, out); break
      case 'forwardJoin': this.onForwardJoin(from, message, out); break
      case 'shuffle': this.onShuffle(from, message, out); break
      case 'shuffleReply': this.onShuffleReply(message, out); break
      case 'neighbor': this.onNeighbor(from, message, out); break
      case 'disconnect': this.onDisconnect(from, message, out); break
      default: message satisfies never
    }

    if (message.type !== 'disconnect' && !this.active.has(from)) {
      out.disconnect(from)
    }
  }

  handleTimer (timer: UpstreamMembershipTimer, out: UpstreamOutbox): void {
    if (timer.type === 'doShuffle') {
      this.onShuffleTimer(out)
    } else if (this.pending.delete(timer.peer)) {
      this.passive.delete(timer.peer)
      this.refill(undefined, out)
    }
  }

  onPeerDisconnected (peer: PeerKey, out: UpstreamOutbox): void {
    this.pending.delete(peer)

    if (this.active.has(peer)) {
      this.removeActive(peer, 'connectionClosed', out)
      this.refill(peer, out)
    } else if (!this.aliveDisconnected.delete(peer)) {
      this.passive.delete(peer)
    }
  }

  private onJoin (from: PeerKey, out: UpstreamOutbox): void {
    this.addActive(from, 'high', true, out)

    for (const neighbor of this.active) {
      if (neighbor !== from) {
        out.send(neighbor, { type: 'forwardJoin', peer: { id: from }, ttl: this.config.activeRandomWalkLength })
      }
    }
  }

  private onForwardJoin (from: PeerKey, message: ForwardJoin, out: UpstreamOutbox): void {
    const { peer, ttl } = message

    if (this.active.has(peer.id) || ttl === 0 || this.active.size <= 1) {
      this.sendNeighbor(peer.id, 'high', out)

      return
    }

    if (ttl === this.config.passiveRandomWalkLength) {
      this.addPassive(peer.id)
    }

    if (this.pending.has(peer.id)) {
      return
    }

    const next = this.active.pick(this.rng, (id) => id !== from)

    if (next !== undefined) {
      out.send(next, { type: 'forwardJoin', peer, ttl: ttl - 1 })
    }
  }

  private onNeighbor (from: PeerKey, message: Neighbor, out: UpstreamOutbox): void {
    const isReply = this.pending.delete(from)

    if (!this.addActive(from, message.priority, !isReply, out)) {
      this.sendDisconnect(from, true, out)
    }
  }

  private onShuffle (from: PeerKey, message: Shuffle, out: UpstreamOutbox): void {
    if (message.ttl === 0 || this.active.size <= 1) {
      for (const node of message.nodes) {
        this.addPassive(node.id)
      }

      this.sendShuffleReply(message.origin, message.nodes.length, out)

      return
    }

    const next = this.active.pick(this.rng, (id) => id !== from && id !== message.origin)

    if (next !== undefined) {
      out.send(next, { ...message, ttl: message.ttl - 1 })
    }
  }

  private onShuffleReply (message: ShuffleReply, out: UpstreamOutbox): void {
    for (const node of message.nodes) {
      this.addPassive(node.id)
    }

    this.refill(undefined, out)
  }

  private onDisconnect (from: PeerKey, message: Disconnect, out: UpstreamOutbox): void {
    this.pending.delete(from)

    if (this.active.has(from)) {
      this.removeActive(from, message.alive ? 'evictedByPeer' : 'left', out)
      this.refill(from, out)
    } else if (message.alive && this.passive.has(from)) {
      this.aliveDisconnected.add(from)
    }
  }

  private onShuffleTimer (out: UpstreamOutbox): void {
    const to = this.active.pick(this.rng)
    const { shuffleActiveViewCount, shufflePassiveViewCount, shuffleRandomWalkLength, shuffleIntervalMs } = this.config

    if (to !== undefined) {
      const nodes = [
        ...this.active.sample(this.rng, shuffleActiveViewCount, (id) => id !== to),
        ...this.passive.sample(this.rng, shufflePassiveViewCount, (id) => id !== to),
        this.me
      ]
      out.send(to, { type: 'shuffle', origin: this.me, nodes: nodes.map((id) => ({ id })), ttl: shuffleRandomWalkLength })
    }

    out.schedule(shuffleIntervalMs, { type: 'doShuffle' })
  }

  private addPassive (peer: PeerKey): void {
    if (peer === this.me || this.active.has(peer) || this.passive.has(peer)) {
      return
    }

    if (this.passive.size >= this.config.passiveViewCapacity) {
      const dropped = this.passive.pick(this.rng)

      if (dropped !== undefined) {
        this.passive.delete(dropped)
      }
    }

    this.passive.add(peer)
  }

  private addActive (peer: PeerKey, priority: Priority, reply: boolean, out: UpstreamOutbox): boolean {
    if (peer === this.me) {
      return false
    }

    if (!this.active.has(peer)) {
      if (this.active.size >= this.config.activeViewCapacity) {
        if (priority === 'low') {
          return false
        }

        const victim = this.active.pick(this.rng)

        if (victim !== undefined) {
          this.removeActive(victim, 'evicted', out)
        }
      }

      this.passive.delete(peer)
      this.active.add(peer)
      out.neighborUp(peer)
    }

    if (reply) {
      this.sendNeighbor(peer, priority, out)
    }

    return true
  }

  private removeActive (peer: PeerKey, reason: 'evicted' | 'evictedByPeer' | 'left' | 'connectionClosed', out: UpstreamOutbox): void {
    this.active.delete(peer)
    out.neighborDown(peer, reason)

    if (reason === 'evicted') {
      this.sendDisconnect(peer, true, out)
    } else {
      out.disconnect(peer)
    }

    if (reason === 'connectionClosed' ? this.aliveDisconnected.delete(peer) : reason !== 'left') {
      this.addPassive(peer)

      if (reason !== 'connectionClosed') {
        this.aliveDisconnected.add(peer)
      }
    }
  }

  private refill (skip: PeerKey | undefined, out: UpstreamOutbox): void {
    if (this.active.size + this.pending.size >= this.config.activeViewCapacity) {
      return
    }

    const peer = this.passive.pick(this.rng, (id) => id !== skip && !this.pending.has(id))

    if (peer !== undefined) {
      this.sendNeighbor(peer, this.active.size === 0 ? 'high' : 'low', out)
      out.schedule(this.config.neighborRequestTimeoutMs, { type: 'pendingNeighborRequest', peer })
    }
  }

  private sendNeighbor (peer: PeerKey, priority: Priority, out: UpstreamOutbox): void {
    if (!this.pending.has(peer)) {
      this.pending.add(peer)
      out.send(peer, { type: 'neighbor', priority })
    }
  }

  private sendDisconnect (peer: PeerKey, alive: boolean, out: UpstreamOutbox): void {
    this.sendShuffleReply(peer, this.config.shuffleActiveViewCount + this.config.shufflePassiveViewCount, out)
    out.send(peer, { type: 'disconnect', alive, respond: false })
    out.disconnect(peer)
  }

  private sendShuffleReply (to: PeerKey, count: number, out: UpstreamOutbox): void {
    const nodes = this.passive.sample(this.rng, count)
    nodes.push(...this.active.sample(this.rng, count - nodes.length))
    out.send(to, { type: 'shuffleReply', nodes: nodes.map((id) => ({ id })) })
  }
}
