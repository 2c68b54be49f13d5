import { LazyMap } from './lazy-map.ts'
import { MAX_BOOTSTRAP_PEERS } from './limits.ts'
import type { PeerKey } from './messages.ts'

interface Attempt {
  readonly generation: number
  readonly startedAt: number
  /** Messages sent so far: a Join, then two Neighbors. */
  sent: number
}

/**
 * The peers through which a topic is joined: which are known, which are still
 * to be asked in this round, and which have been asked and may yet answer. They
 * are asked one at a time, since each Join evicts a neighbor of a full Rust peer
 * (rule 16).
 */
export class Contacts {
  /** All that the application named, the one named longest ago first. */
  private known: PeerKey[] = []
  private readonly attempts = new LazyMap<PeerKey, Attempt>()
  private queue: PeerKey[] = []
  /** The newest attempt, and when it began. */
  private last = { generation: 0, startedAt: -Infinity }

  /** Whether a contact was asked and neither answered nor was given up. */
  get isAsking (): boolean {
    return this.attempts.size > 0
  }

  get size (): number {
    return this.known.length
  }

  get newest (): { readonly generation: number, readonly startedAt: number } {
    return this.last
  }

  has (peer: PeerKey): boolean {
    return this.attempts.has(peer)
  }

  remember (peer: PeerKey): void {
    this.forget(peer)
    this.known = [...this.known, peer].slice(-MAX_BOOTSTRAP_PEERS)
  }

  forget (peer: PeerKey): void {
    this.known = this.known.filter((known) => known !== peer)
  }

  /** All that are remembered. */
  all (): PeerKey[] {
    return [...this.known]
  }

  /** Puts peers at the end of this round's queue, each once. */
  enqueue (peers: PeerKey[]): void {
    for (const peer of peers) {
      if (!this.attempts.has(peer) && !this.queue.includes(peer)) {
        this.queue.push(peer)
      }
    }

    this.queue.length = Math.min(this.queue.length, MAX_BOOTSTRAP_PEERS)
  }

  /** Begins an attempt with the first of the queue; `undefined` if it is empty. */
  next (now: number): { peer: PeerKey, generation: number } | undefined {
    const peer = this.queue.shift()

    if (peer === undefined) {
      return undefined
    }

    const generation = this.last.generation + 1
    this.last = { generation, startedAt: now }
    this.attempts.set(peer, { generation, startedAt: now, sent: 1 })

    return { peer, generation }
  }

  /** When an attempt began; `undefined` if it is over. */
  startedAt (peer: PeerKey, generation: number): number | undefined {
    const attempt = this.attempts.get(peer)

    return attempt?.generation === generation ? attempt.startedAt : undefined
  }

  /** Counts one more message of an attempt; 0 if there is none. */
  again (peer: PeerKey): number {
    const attempt = this.attempts.get(peer)

    return attempt === undefined ? 0 : ++attempt.sent
  }

  /** Ends the attempt with a peer; returns false if there was none. */
  end (peer: PeerKey): boolean {
    return this.attempts.delete(peer)
  }

  asked (): Iterable<PeerKey> {
    return this.attempts.keys()
  }

  /** Ends the round: returns those that were not asked. */
  clearQueue (): PeerKey[] {
    const rest = this.queue
    this.queue = []

    return rest
  }
}
