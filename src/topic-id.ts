import { InvalidParametersError } from '@libp2p/interface'
import { blake3 } from '@noble/hashes/blake3.js'
import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'
import type { TopicKey } from './proto/messages.ts'

const TOPIC_ID_BYTES = 32

/** Names whose ids are remembered, since hashing one costs more than the rest of publishing; the one hashed longest ago goes first. */
const MAX_NAMES = 1_024
const names = new Map<string, TopicId>()

/**
 * A topic: 32 bytes that its members agree on.
 *
 * Every member is told of every message; nothing but the id says which swarm
 * is meant, so a secret one should be random.
 */
export class TopicId {
  private readonly hex: TopicKey

  private constructor (hex: TopicKey) {
    this.hex = hex
  }

  /** The 32 bytes, a copy for each who asks: kept, they would take more than all else of an id. */
  get bytes (): Uint8Array {
    return fromString(this.hex, 'hex')
  }

  /**
   * The topic of a readable name: blake3 of its UTF-8 bytes. This is what every
   * method that takes a topic makes of a string.
   */
  static fromName (name: string): TopicId {
    return TopicId.fromBytes(blake3(new TextEncoder().encode(name)))
  }

  /**
   * Reads what `toString` and the Rust crate print.
   *
   * @param text - 64 hex or 52 base32 (RFC 4648, unpadded) characters, either case
   * @throws {InvalidParametersError} text of another length, or other characters
   */
  static parse (text: string): TopicId {
    const lower = text.toLowerCase()

    if (/^[0-9a-f]{64}$/.test(lower)) {
      return new TopicId(lower)
    }

    if (/^[a-z2-7]{52}$/.test(lower)) {
      // 52 characters hold 260 bits, of which the last 4 must be zero
      if ('aq'.includes(lower[51])) {
        return TopicId.fromBytes(fromString(lower, 'base32'))
      }
    }

    throw new InvalidParametersError(`A topic id has 64 hex or 52 base32 characters, got ${text.length}: ${JSON.stringify(text.slice(0, 80))}`)
  }

  /**
   * @param bytes - 32 bytes, copied
   * @throws {InvalidParametersError} another number of bytes
   */
  static fromBytes (bytes: Uint8Array): TopicId {
    if (bytes.byteLength !== TOPIC_ID_BYTES) {
      throw new InvalidParametersError(`A topic id has ${TOPIC_ID_BYTES} bytes, got ${bytes.byteLength}`)
    }

    return new TopicId(toString(bytes, 'hex'))
  }

  /** A topic that nobody can guess. */
  static random (): TopicId {
    return TopicId.fromBytes(crypto.getRandomValues(new Uint8Array(TOPIC_ID_BYTES)))
  }

  /** Whether both name the same topic. */
  equals (other: TopicId): boolean {
    return this.hex === other.toString()
  }

  /** 64 lower-case hex characters, as the Rust crate prints it. */
  toString (): TopicKey {
    return this.hex
  }

  /** As `toString`. */
  toJSON (): string {
    return this.hex
  }
}

/**
 * The topic that an application means.
 *
 * @param topic - a name, or an id
 * @throws {InvalidParametersError} neither
 */
export function toTopicId (topic: string | TopicId): TopicId {
  if (typeof topic === 'string') {
    return names.get(topic) ?? remember(topic)
  }

  if (!(topic instanceof TopicId)) {
    throw new InvalidParametersError(`A topic is a name or a TopicId, got ${topic === null ? 'null' : typeof topic}`)
  }

  return topic
}

function remember (name: string): TopicId {
  const id = TopicId.fromName(name)
  const [oldest] = names.keys()

  if (oldest != null && names.size >= MAX_NAMES) {
    names.delete(oldest)
  }

  names.set(name, id)

  return id
}
