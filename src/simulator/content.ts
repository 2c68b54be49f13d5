import { blake3 } from '@noble/hashes/blake3.js'
import type { MessageId } from '../proto/index.ts'

/** Ids by content object: every node of a simulation is handed the same one, so each is hashed once. */
const ids = new WeakMap<Uint8Array, MessageId>()

/** blake3 of a content, remembered as long as the content is. */
export function hashContent (content: Uint8Array): MessageId {
  let id = ids.get(content)

  if (id === undefined) {
    id = blake3(content)
    ids.set(content, id)
  }

  return id
}

/**
 * A content that differs from that of all other sequence numbers.
 *
 * @param bytes - its length, at least 8
 */
export function contentOf (sequence: number, bytes: number): Uint8Array {
  const content = new Uint8Array(bytes)
  const view = new DataView(content.buffer)
  view.setFloat64(0, sequence)

  return content
}

/** The sequence number that a content was made of. */
export function sequenceOf (content: Uint8Array): number {
  return new DataView(content.buffer, content.byteOffset).getFloat64(0)
}
