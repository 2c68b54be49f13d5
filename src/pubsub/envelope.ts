import { concat } from 'uint8arrays/concat'
import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'
import { InvalidMessageError } from '../errors.ts'
import { peerIdOf } from '../iroh-address.ts'
import type { TopicId } from '../topic-id.ts'
import type { PeerId, PrivateKey, PublicKey } from '@libp2p/interface'

/** First byte of every envelope: the version of the format. */
const VERSION = 1

const AUTHOR = 1
const SEQUENCE_NUMBER = AUTHOR + 32
const SIGNATURE = SEQUENCE_NUMBER + 8

/** Bytes of an envelope before the data: version, author, sequence number, signature. */
export const ENVELOPE_BYTES = SIGNATURE + 64

/** What the signed bytes begin with, so that no signature made for another purpose fits. */
const SIGN_PREFIX = fromString('libp2p-iroh-gossip:message:')

/** An envelope taken apart. The arrays are views of it. */
export interface Envelope {
  author: PeerId
  key: PublicKey
  sequenceNumber: bigint
  signature: Uint8Array
  data: Uint8Array
}

/**
 * Wraps data in an envelope; `docs/signed-messages.md` has the layout.
 *
 * @param sequenceNumber - 0 to 2^64 - 1
 * @throws {TypeError} the key is not Ed25519, which the service has excluded when it started
 */
export async function seal (privateKey: PrivateKey, topic: TopicId, sequenceNumber: bigint, data: Uint8Array): Promise<Uint8Array> {
  if (privateKey.type !== 'Ed25519') {
    throw new TypeError(`Envelopes are signed with Ed25519 keys, got ${privateKey.type}`)
  }

  const envelope = new Uint8Array(ENVELOPE_BYTES + data.byteLength)
  envelope[0] = VERSION
  envelope.set(privateKey.publicKey.raw, AUTHOR)
  new DataView(envelope.buffer).setBigUint64(SEQUENCE_NUMBER, sequenceNumber)
  envelope.set(data, ENVELOPE_BYTES)
  envelope.set(await privateKey.sign(signedBytes(topic, envelope)), SIGNATURE)

  return envelope
}

/**
 * Takes an envelope apart. Says nothing about its signature.
 *
 * @throws {InvalidMessageError} too short, of another version, or an author that is no Ed25519 key
 */
export function openEnvelope (content: Uint8Array): Envelope {
  if (content.byteLength < ENVELOPE_BYTES) {
    throw new InvalidMessageError(`an envelope has at least ${ENVELOPE_BYTES} bytes`, content.byteLength)
  }

  if (content[0] !== VERSION) {
    throw new InvalidMessageError(`envelope of version ${content[0]}, expected ${VERSION}`, 0)
  }

  let author: PeerId

  try {
    author = peerIdOf(toString(content.subarray(AUTHOR, SEQUENCE_NUMBER), 'hex'))
  } catch {
    throw new InvalidMessageError('the author is no Ed25519 key', AUTHOR)
  }

  const key = author.publicKey

  if (key == null) {
    throw new InvalidMessageError('the author has no public key', AUTHOR)
  }

  return {
    author,
    key,
    sequenceNumber: new DataView(content.buffer, content.byteOffset + SEQUENCE_NUMBER, 8).getBigUint64(0),
    signature: content.subarray(SIGNATURE, ENVELOPE_BYTES),
    data: content.subarray(ENVELOPE_BYTES)
  }
}

/**
 * Whether the author signed this data for this topic with this sequence number.
 * At once where the platform can, otherwise later; never throws.
 */
export function isAuthentic (topic: TopicId, content: Uint8Array, envelope: Envelope): boolean | Promise<boolean> {
  try {
    const answer = envelope.key.verify(signedBytes(topic, content), envelope.signature)

    return typeof answer === 'boolean' ? answer : answer.catch(() => false)
  } catch {
    return false
  }
}

/** Everything but the signature itself, and the topic, which the envelope does not name. */
function signedBytes (topic: TopicId, envelope: Uint8Array): Uint8Array {
  return concat([SIGN_PREFIX, topic.bytes, envelope.subarray(0, SIGNATURE), envelope.subarray(ENVELOPE_BYTES)])
}
