import type { SimulatedNode } from './network-config.ts'
import type { Message } from '../proto/index.ts'

/** What a node sends to a peer through: a connection, or a dial that failed and is never repeated. */
export type SendHandle =
  | { type: 'connection', generation: number, readyAt: number }
  | { type: 'failed', queue: Message[] }

/** Where a message goes. */
export type Route =
  | { type: 'over', readyAt: number, dialed: boolean }
  | { type: 'unreachable' }
  | { type: 'lost' }

/**
 * The connections of the real crate, which is not its simulator's network.
 *
 * Letting go of a peer only drops the handle that one sends through: the other
 * side hears nothing, and the next message dials anew. With several connections
 * each side sends over the one it registered last. A handle whose connection
 * has ended stays, and swallows what is sent, unless the protocol lets go of it
 * or the peer dials. A dial that failed is never repeated: messages wait for
 * the peer to dial.
 *
 * Nodes with our rules keep connections open (a node of the crate may still
 * read there) and dial again whenever one has ended.
 */
export class SendHandles {
  /** How many connections of two nodes have ended, by pair. */
  private readonly ended = new Map<number, number>()

  /** Decides how a message leaves, and registers a dial. */
  route (from: SimulatedNode, to: SimulatedNode, message: Message, canReach: boolean, dialedAt: number): Route {
    const handle = from.handles.get(to.index)
    const generation = this.generation(from, to)
    const isOpen = handle?.type === 'connection' && handle.generation === generation

    if (isOpen) {
      return canReach ? { type: 'over', readyAt: handle.readyAt, dialed: false } : { type: 'lost' }
    }

    if (from.rules === 'upstream' && handle !== undefined) {
      if (handle.type === 'failed') {
        handle.queue.push(message)
      }

      return { type: 'lost' }
    }

    if (!canReach) {
      if (from.rules === 'upstream') {
        from.handles.set(to.index, { type: 'failed', queue: [message] })
      }

      return { type: 'unreachable' }
    }

    from.handles.set(to.index, { type: 'connection', generation, readyAt: dialedAt })

    return { type: 'over', readyAt: dialedAt, dialed: true }
  }

  /**
   * A dialed connection has reached its other end, which from now on sends over it.
   *
   * @returns messages that had waited for this
   */
  accept (to: SimulatedNode, from: SimulatedNode): Message[] {
    const before = to.handles.get(from.index)
    to.handles.set(from.index, { type: 'connection', generation: this.generation(from, to), readyAt: 0 })

    return before?.type === 'failed' ? before.queue : []
  }

  /** All connections of two nodes have ended. */
  end (a: SimulatedNode, b: SimulatedNode): void {
    this.ended.set(pairOf(a, b), this.generation(a, b) + 1)
  }

  /** Whether a node is told that a connection ended: the crate looks only at the one it sends over. */
  isToldOfEnd (node: SimulatedNode, peer: SimulatedNode): boolean {
    const handle = node.handles.get(peer.index)

    return node.rules === 'ours' || (handle?.type === 'connection' && handle.generation !== this.generation(node, peer))
  }

  /** The protocol lets go of a peer. */
  release (node: SimulatedNode, peer: SimulatedNode): void {
    if (node.rules === 'upstream') {
      node.handles.delete(peer.index)
    }
  }

  private generation (a: SimulatedNode, b: SimulatedNode): number {
    return this.ended.get(pairOf(a, b)) ?? 0
  }
}

/** One number for two nodes; there are fewer than 2^21. */
function pairOf (a: SimulatedNode, b: SimulatedNode): number {
  return Math.min(a.index, b.index) * 0x20_0000 + Math.max(a.index, b.index)
}
