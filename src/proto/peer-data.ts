import { MAX_PEER_DATA_BYTES, PEER_DATA_RETENTION_MS } from './limits.ts'
import type { Outbox } from './events.ts'
import type { PeerInfo, PeerKey } from './messages.ts'

interface Entry {
  data: Uint8Array
  heardAt: number
}

/**
 * Whether peer data is worth keeping and passing on: empty data says nothing
 * (rule 28), and longer data would fill a Rust peer's Shuffles until they freeze it.
 */
export function usableData (data: Uint8Array | undefined): data is Uint8Array {
  return data !== undefined && data.byteLength > 0 && data.byteLength <= MAX_PEER_DATA_BYTES
}

/** The peer without data that must not go on. */
export function withUsableData (peer: PeerInfo): PeerInfo {
  return peer.data === undefined || usableData(peer.data) ? peer : { id: peer.id }
}

/**
 * What other peers said, or others said of them, about how to reach them.
 *
 * Data of peers that are in use (a view, a request) is kept as long as they
 * are; that of others expires, and goes first, the one heard of longest ago,
 * when there is too much.
 */
export class PeerData {
  private readonly entries = new Map<PeerKey, Entry>()
  private readonly capacity: number
  private readonly inUse: (peer: PeerKey) => boolean

  /**
   * @param capacity - at least as many as can be in use
   */
  constructor (capacity: number, inUse: (peer: PeerKey) => boolean) {
    this.capacity = capacity
    this.inUse = inUse
  }

  get size (): number {
    return this.entries.size
  }

  /** The peer with the newest data known. */
  info (id: PeerKey): PeerInfo {
    const entry = this.entries.get(id)

    return entry === undefined ? { id } : { id, data: entry.data }
  }

  /** Keeps the data and tells of it if it is new. */
  learn (id: PeerKey, data: Uint8Array | undefined, now: number, out: Outbox): void {
    if (!usableData(data)) {
      return
    }

    const known = this.entries.get(id)

    if (known === undefined || !equal(known.data, data)) {
      out.peerData(id, data)
    }

    this.entries.delete(id)
    this.entries.set(id, { data, heardAt: now })

    if (this.entries.size > this.capacity) {
      for (const peer of this.entries.keys()) {
        if (!this.inUse(peer)) {
          this.entries.delete(peer)
          break
        }
      }
    }
  }

  /** Tells again what is known of a peer that is about to be dialed. */
  recall (id: PeerKey, out: Outbox): void {
    const entry = this.entries.get(id)

    if (entry !== undefined) {
      out.peerData(id, entry.data)
    }
  }

  forget (id: PeerKey): void {
    this.entries.delete(id)
  }

  sweep (now: number): void {
    for (const [id, entry] of this.entries) {
      if (entry.heardAt + PEER_DATA_RETENTION_MS <= now && !this.inUse(id)) {
        this.entries.delete(id)
      }
    }
  }
}

/** Whether two byte strings are the same. */
export function equal (a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) {
    return true
  }

  if (a.byteLength !== b.byteLength) {
    return false
  }

  for (let i = 0; i < a.byteLength; i++) {
    if (a[i] !== b[i]) {
      return false
    }
  }

  return true
}
