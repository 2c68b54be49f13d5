import { MAX_PEER_DATA_BYTES } from './limits.ts'
import type { PeerInfo } from './messages.ts'

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
