import { createLatency } from './latency.ts'
import { SendHandles } from './send-handles.ts'
import type { EventQueue } from './event-queue.ts'
import type { Happening } from './happening.ts'
import type { Latency } from './latency.ts'
import type { NetworkConfig, SimulatedNode } from './network-config.ts'
import type { Message, Rng } from '../proto/index.ts'

/** What comes after all that was sent at the same time, in milliseconds: the news that a connection is gone. */
const AFTER_MS = 0.001

/**
 * What lies between the nodes: delays, queues, connections, partitions. It
 * puts into the future what will arrive, and knows nothing of protocols.
 */
export class Links {
  /** One-way milliseconds between two nodes, without jitter. */
  readonly latency: Latency
  /** Which side of a partition each node is on; undefined while there is none. */
  sides?: (node: number) => number
  private readonly config: NetworkConfig
  private readonly handles?: SendHandles
  private readonly queue: EventQueue<Happening>
  private readonly rng: Rng

  /**
   * @param queue - where all that will arrive is put
   * @param rng - decides the jitter
   */
  constructor (config: NetworkConfig, queue: EventQueue<Happening>, rng: Rng) {
    this.config = config
    this.queue = queue
    this.rng = rng
    this.latency = createLatency(config.latency, config.seed)

    if (config.release === 'crate') {
      this.handles = new SendHandles()
    }
  }

  /** Whether no partition lies between two nodes. */
  isSameSide (a: number, b: number): boolean {
    return this.sides === undefined || this.sides(a) === this.sides(b)
  }

  /** Lets a message arrive, or the news that nobody can be reached, or nothing. */
  send (from: SimulatedNode, to: SimulatedNode, message: Message, now: number): void {
    const { traffic, jitterMs = 0, bandwidth = Infinity, linkBandwidth = Infinity, dialFailureMs = Infinity } = this.config
    let departs = now
    let sent = message

    if (traffic !== undefined) {
      sent = traffic.carry(message)
    }

    if (bandwidth !== Infinity) {
      departs = Math.max(departs, from.sendsUntil) + 1000 * this.bytesOf(message) / bandwidth
      from.sendsUntil = departs
    }

    if (linkBandwidth !== Infinity) {
      departs = Math.max(departs, from.linkSendsUntil.get(to.index) ?? 0) + 1000 * this.bytesOf(message) / linkBandwidth
      from.linkSendsUntil.set(to.index, departs)
    }

    const latency = this.latency(from.index, to.index)
    const canReach = this.canReach(from, to)
    const route = this.handles?.route(from, to, sent, canReach, departs + latency + this.latency(to.index, from.index))

    if (route?.type === 'lost') {
      return
    }

    if (!canReach || route?.type === 'unreachable') {
      // Rust does not tell its protocol of a dial that failed
      if (dialFailureMs !== Infinity && (route === undefined || from.rules === 'ours')) {
        this.announceEnd(from, to, now + dialFailureMs)
      }

      return
    }

    let arrives = Math.max(departs, route?.readyAt ?? 0) + latency

    if (jitterMs > 0) {
      arrives = Math.max(arrives + jitterMs * this.rng.float(), from.arrivals.get(to.index) ?? 0)
      from.arrivals.set(to.index, arrives)
    }

    if (route?.dialed === true) {
      this.queue.push(arrives, { type: 'call', run: () => { this.accept(to, from, arrives) } })
    }

    this.queue.push(arrives, { type: 'message', to, from, message: sent })
  }

  /** A message has arrived: there is a connection. False if a partition was quicker. */
  arrive (from: SimulatedNode, to: SimulatedNode): boolean {
    if (!this.isSameSide(from.index, to.index)) {
      return false
    }

    // both ends have a connection, or none; mostly there is one, and the other node need not be looked at
    if (!to.connections.has(from.index) && from.alive) {
      to.connections.add(from.index)
      from.connections.add(to.index)
    }

    return true
  }

  /** Breaks a connection, if there is one, so that `to` hears of it; returns whether there was one. */
  disconnect (from: SimulatedNode, to: SimulatedNode, delay: 'latency' | number, now: number): boolean {
    if (!from.connections.delete(to.index)) {
      return false
    }

    to.connections.delete(from.index)
    this.handles?.end(from, to)
    this.announceEnd(to, from, now + (delay === 'latency' ? this.latency(from.index, to.index) : delay) + AFTER_MS)

    return true
  }

  /** Breaks a connection, if there is one, so that both ends hear of it. */
  cut (first: SimulatedNode, second: SimulatedNode, now: number): void {
    if (this.disconnect(first, second, 'latency', now)) {
      this.announceEnd(first, second, now + this.latency(first.index, second.index) + AFTER_MS)
    }
  }

  /** Whether the news that a connection ended reaches the protocol of a node. */
  isToldOfEnd (node: SimulatedNode, peer: SimulatedNode): boolean {
    return this.handles?.isToldOfEnd(node, peer) ?? true
  }

  /** A node lets go of a peer. */
  release (from: SimulatedNode, to: SimulatedNode, now: number): void {
    if ((this.config.release ?? 'closes') === 'closes') {
      this.disconnect(from, to, 'latency', now)
    } else {
      this.handles?.release(from, to)
    }
  }

  private accept (to: SimulatedNode, from: SimulatedNode, now: number): void {
    if (to.alive && this.isSameSide(to.index, from.index)) {
      for (const message of this.handles?.accept(to, from) ?? []) {
        this.queue.push(now + this.latency(to.index, from.index), { type: 'message', to: from, from: to, message })
      }
    }
  }

  private announceEnd (to: SimulatedNode, from: SimulatedNode, at: number): void {
    this.queue.push(at, { type: 'disconnected', to, from })
  }

  private canReach (from: SimulatedNode, to: SimulatedNode): boolean {
    return to.alive &&
      (!to.unreachable || to.connections.has(from.index)) &&
      this.isSameSide(from.index, to.index)
  }

  private bytesOf (message: Message): number {
    const { traffic } = this.config

    if (traffic === undefined) {
      throw new Error('a bandwidth needs a traffic counter, which knows the size of a message')
    }

    return traffic.bytesOf(message)
  }
}
