import { LazyMap } from './lazy-map.ts'
import type { PeerKey } from './messages.ts'

/**
 * Why a peer was asked to be a neighbor: to fill a free slot from the passive
 * view, at the end of a ForwardJoin, because the application named it (an own
 * neighbor makes room for it), because it is nearer than a neighbor (which makes
 * room as well), because it may have fallen out of the swarm (`call`: a neighbor of
 * our kind makes room) or seems to have (`rescue`: any does), or as contact whose
 * Join went unanswered.
 */
export type RequestKind = 'refill' | 'forwardJoin' | 'swap' | 'nearer' | 'call' | 'rescue' | 'join'

/** Whether the peer was asked for its own sake: it may take longer, and its refusal says nothing of others. */
export function isForItsSake (kind: RequestKind): boolean {
  return kind === 'call' || kind === 'rescue'
}

export interface NeighborRequest {
  /** Grows with each request, so that a timer of an earlier one is told apart. */
  readonly generation: number
  readonly kind: RequestKind
  /** When it was sent, in milliseconds. */
  readonly sentAt: number
}

/**
 * Neighbor requests that are unanswered. Each has a timer, so that none stays:
 * at most as many as there are slots, walks that end within a timeout, and
 * peers that the application names.
 */
export class NeighborRequests {
  private readonly requests = new LazyMap<PeerKey, NeighborRequest>()
  private generation = 0

  get size (): number {
    return this.requests.size
  }

  /** Those that are to fill a slot of ours. */
  get ofOurs (): number {
    let count = 0

    for (const { kind } of this.requests.values()) {
      count += isForItsSake(kind) ? 0 : 1
    }

    return count
  }

  has (peer: PeerKey): boolean {
    return this.requests.has(peer)
  }

  /** Starts a request, in the place of an earlier one. */
  add (peer: PeerKey, kind: RequestKind, now: number): NeighborRequest {
    const request = { generation: ++this.generation, kind, sentAt: now }
    this.requests.set(peer, request)

    return request
  }

  /** Ends the request, because it was answered or the peer is gone. */
  take (peer: PeerKey): NeighborRequest | undefined {
    const request = this.requests.get(peer)
    this.requests.delete(peer)

    return request
  }

  /** The request to a peer, if it is still that one. */
  get (peer: PeerKey, generation: number): NeighborRequest | undefined {
    const request = this.requests.get(peer)

    return request?.generation === generation ? request : undefined
  }

  peers (): Iterable<PeerKey> {
    return this.requests.keys()
  }
}
