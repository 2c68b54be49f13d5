import { InvalidParametersError } from '@libp2p/interface'
import { ed25519 } from '@noble/curves/ed25519.js'
import { GenerationalCache } from './generational-cache.ts'
import type { PeerKey } from '../proto/messages.ts'

/** Bytes of an Ed25519 public key. */
export const ENDPOINT_ID_BYTES = 32

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/**
 * Verdicts are kept, since one costs about 82 µs. Refused ids are kept apart,
 * so that a flood of them displaces no good ones.
 */
const good = new GenerationalCache(2_048)
const bad = new GenerationalCache(512)

/**
 * The key under which the core knows the peer with this public key.
 *
 * @param bytes - 32 bytes, unchecked
 */
export function peerKeyOf (bytes: Uint8Array): PeerKey {
  let key = ''

  for (let i = 0; i < bytes.length; i++) {
    key += HEX[bytes[i]]
  }

  return key
}

/**
 * Whether the 32 bytes encode a point of the curve, as ZIP-215 has it: the rule
 * by which a Rust peer accepts a public key.
 *
 * A Rust peer drops the stream of whoever passes such an id on, so none may
 * enter through us (rule 15).
 *
 * @param bytes - the public key
 * @param key - the same bytes as hex, by which the verdict is remembered
 */
export function isCurvePoint (bytes: Uint8Array, key: PeerKey): boolean {
  if (good.has(key)) {
    return true
  }

  if (bad.has(key)) {
    return false
  }

  try {
    ed25519.Point.fromBytes(bytes, true)
    good.add(key)
    return true
  } catch {
    bad.add(key)
    return false
  }
}

/**
 * Writes a peer key's 32 bytes.
 *
 * @throws {InvalidParametersError} if the key is not 64 lower-case hex characters
 */
export function writePeerKey (key: PeerKey, into: Uint8Array, offset: number): void {
  if (key.length !== ENDPOINT_ID_BYTES * 2) {
    throw new InvalidParametersError('A peer key has 64 hex characters')
  }

  for (let i = 0; i < ENDPOINT_ID_BYTES; i++) {
    into[offset + i] = nibble(key.charCodeAt(2 * i)) << 4 | nibble(key.charCodeAt(2 * i + 1))
  }
}

function nibble (code: number): number {
  if (code >= 0x30 && code <= 0x39) {
    return code - 0x30
  }

  if (code >= 0x61 && code <= 0x66) {
    return code - 0x57
  }

  throw new InvalidParametersError('A peer key has lower-case hex characters only')
}
