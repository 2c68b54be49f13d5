import { InvalidParametersError } from '@libp2p/interface'
import { ed25519 } from '@noble/curves/ed25519.js'
import { GenerationalCache } from './generational-cache.ts'
import type { PeerKey } from '../proto/messages.ts'

/** Bytes of an Ed25519 public key. */
export const ENDPOINT_ID_BYTES = 32

const DIGITS = '0123456789abcdef'

/** The two characters of each byte in hex. */
const HIGH_DIGITS = Uint8Array.from({ length: 256 }, (_, byte) => DIGITS.charCodeAt(byte >> 4))
const LOW_DIGITS = Uint8Array.from({ length: 256 }, (_, byte) => DIGITS.charCodeAt(byte & 15))

/** What each character stands for; 0xff for what is no lower-case digit. */
const NO_DIGIT = 0xff
const VALUES = new Uint8Array(128).fill(NO_DIGIT)

for (let value = 0; value < DIGITS.length; value++) {
  VALUES[DIGITS.charCodeAt(value)] = value
}

/** The characters of the key that is being made. */
const characters: number[] = new Array(ENDPOINT_ID_BYTES * 2).fill(0)

/**
 * Verdicts are kept, since one costs about 82 µs. Refused ids are kept apart,
 * so that a flood of them displaces no good ones.
 */
const good = new GenerationalCache<PeerKey, PeerKey>(2_048)
const bad = new GenerationalCache<PeerKey, true>(512)

/**
 * The key under which the core knows the peer with this public key.
 *
 * @param bytes - 32 bytes, unchecked
 */
export function peerKeyOf (bytes: Uint8Array): PeerKey {
  for (let i = 0; i < ENDPOINT_ID_BYTES; i++) {
    characters[2 * i] = HIGH_DIGITS[bytes[i]]
    characters[2 * i + 1] = LOW_DIGITS[bytes[i]]
  }

  // at once: a string put together from 32 is a tree, to be flattened by the first map that is asked for it
  return String.fromCharCode(...characters)
}

/**
 * The key of a peer that somebody named; `undefined` if the 32 bytes encode no
 * point of the curve, as ZIP-215 has it: the rule by which a Rust peer accepts
 * a public key. A Rust peer drops the stream of whoever passes such an id on, so
 * none may enter through us (rule 15).
 *
 * The same string each time, while it is remembered: thousands of topics may
 * know the same peer.
 *
 * @param bytes - 32 bytes, unchecked
 */
export function checkedPeerKey (bytes: Uint8Array): PeerKey | undefined {
  const key = peerKeyOf(bytes)
  const known = good.get(key)

  if (known !== undefined) {
    return known
  }

  if (bad.get(key) !== undefined) {
    return undefined
  }

  try {
    ed25519.Point.fromBytes(bytes, true)
    good.set(key, key)
    return key
  } catch {
    bad.set(key, true)
    return undefined
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
    const high = VALUES[key.charCodeAt(2 * i)]
    const low = VALUES[key.charCodeAt(2 * i + 1)]

    // characters beyond the table have no value at all
    if (!(high < NO_DIGIT && low < NO_DIGIT)) {
      throw new InvalidParametersError('A peer key has lower-case hex characters only')
    }

    into[offset + i] = high << 4 | low
  }
}
