import { mayNamePeers } from '../wire/index.ts'
import type { PeerKey } from '../proto/messages.ts'

/**
 * Bytes of membership messages that a peer may send at once, and in a second
 * from then on. A thousand newcomers in a burst, or six hundred a second
 * through one neighbor, stay below it.
 */
const BURST_BYTES = 512 * 1024
const BYTES_PER_SECOND = 64 * 1024

/** Peers whose use is remembered; beyond, the one heard of longest ago is forgotten. */
const MAX_PEERS = 4_096

interface Bucket {
  bytes: number
  at: number
}

/**
 * Limits membership messages before they are decoded: each peer id in one must
 * be a point of the curve, since Rust drops the stream of whoever passes on one
 * that is none, and that check costs 82 µs for 33 bytes (rule 15). Whoever
 * sends more than this would buy our time cheaply. What is dropped are random
 * walks, which are sent again; a peer may join any number of topics at once.
 */
export class MembershipLimit {
  readonly #buckets = new Map<PeerKey, Bucket>()

  get size (): number {
    return this.#buckets.size
  }

  /**
   * Whether a payload may be decoded; counts it if so.
   *
   * @param now - monotonic milliseconds
   */
  allows (peer: PeerKey, payload: Uint8Array, now: number): boolean {
    if (!mayNamePeers(payload)) {
      return true
    }

    const known = this.#buckets.get(peer)
    const left = known == null ? BURST_BYTES : Math.min(BURST_BYTES, known.bytes + (now - known.at) * BYTES_PER_SECOND / 1_000)
    const isAllowed = payload.byteLength <= left
    this.#buckets.delete(peer)
    this.#buckets.set(peer, { bytes: isAllowed ? left - payload.byteLength : left, at: now })

    for (const oldest of this.#buckets.keys()) {
      if (this.#buckets.size <= MAX_PEERS) {
        break
      }

      this.#buckets.delete(oldest)
    }

    return isAllowed
  }
}
