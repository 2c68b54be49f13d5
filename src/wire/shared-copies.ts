import { equals } from 'uint8arrays/equals'
import { GenerationalCache } from './generational-cache.ts'

/** Copies that are remembered, and how many bytes one may have: with that, half a megabyte at most. */
const MAX_COPIES = 1_024
const MAX_BYTES = 512

const copies = new GenerationalCache<number, Uint8Array>(MAX_COPIES)

/**
 * A copy of the bytes; the one that was made before, where they came lately:
 * each topic hears the same address data of the same peers, over and over.
 *
 * @returns must not be written to
 */
export function sharedCopy (bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength > MAX_BYTES) {
    return bytes.slice()
  }

  const hash = hashOf(bytes)
  const known = copies.get(hash)

  if (known !== undefined && equals(known, bytes)) {
    return known
  }

  const copy = bytes.slice()
  copies.set(hash, copy)

  return copy
}

/** FNV-1a. Who makes bytes of equal hashes gets a copy for each. */
function hashOf (bytes: Uint8Array): number {
  let hash = 0x811c9dc5

  for (const byte of bytes) {
    hash = Math.imul(hash ^ byte, 0x01000193)
  }

  return hash
}
