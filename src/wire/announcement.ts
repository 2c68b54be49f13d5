import { InvalidMessageError } from '../errors.ts'
import { PostcardReader } from './postcard-reader.ts'
import { PostcardWriter, varintSize } from './postcard-writer.ts'

/**
 * The topic, in hex, in which peers of our kind speak of the topics that they
 * are in: blake3 of `libp2p-iroh-gossip:subscriptions`. Nobody joins it.
 */
export const SUBSCRIPTIONS_TOPIC = 'ad55658a80588ee5f856be44d46cc7d3afbb8192eea8451a5f350a068544a02b'

/** Bytes of a topic's tag. */
export const TOPIC_TAG_BYTES = 16

/** The longest name, in bytes of UTF-8, that is told as it is. */
export const MAX_TOPIC_NAME_BYTES = 255

const utf8 = new TextEncoder()

const kinds = ['start', 'more', 'ask'] as const

/** That a node is in a topic, or is not any more. */
export interface TopicStatement {
  isIn: boolean
  /** What the node's application calls the topic, or else the topic's tag. */
  topic: string | Uint8Array
}

/** What peers of our kind tell each other about the topics that they are in. */
export interface Announcement {
  /** `start`: forget what I said before. `more`: this follows the last one. `ask`: start over, for something is missing. */
  type: typeof kinds[number]
  /** Counts the announcements of a sender to a receiver from 0; of an `ask` it means nothing. */
  sequence: number
  /** Whether nothing more waits to be said: with it the receiver knows all. */
  isLast: boolean
  statements: TopicStatement[]
}

/** Bytes of an announcement before its statements. */
export function announcementHeadSize (sequence: number): number {
  return 1 + varintSize(sequence)
}

/** Bytes of one statement. */
export function statementSize ({ topic }: TopicStatement): number {
  const bytes = typeof topic === 'string' ? nameBytes(topic).length : TOPIC_TAG_BYTES

  return varintSize(typeof topic === 'string' ? bytes * 2 : 0) + bytes
}

/**
 * Encodes an announcement: the content of a message.
 *
 * @param announcement - names have 1 to 255 bytes, tags 16
 */
export function encodeAnnouncement ({ type, sequence, isLast, statements }: Announcement): Uint8Array {
  const bytes = new Uint8Array(statements.reduce((sum, statement) => sum + statementSize(statement), announcementHeadSize(sequence)))
  const writer = new PostcardWriter(bytes)
  writer.u8(kinds.indexOf(type) * 2 + (isLast ? 1 : 0))
  writer.varint(sequence)

  for (const { isIn, topic } of statements) {
    const named = typeof topic === 'string'
    const raw = named ? nameBytes(topic) : topic
    writer.varint((named ? raw.length * 2 : 0) + (isIn ? 1 : 0))
    writer.raw(raw)
  }

  return bytes
}

/**
 * The inverse of `encodeAnnouncement`.
 *
 * @throws {InvalidMessageError} whatever it never writes
 */
export function decodeAnnouncement (content: Uint8Array): Announcement {
  const reader = new PostcardReader(content)
  const first = reader.u8()
  const type = kinds[first >> 1]

  if (type == null) {
    throw new InvalidMessageError('unknown kind of announcement', 0)
  }

  const sequence = reader.usize()
  const statements: TopicStatement[] = []

  while (reader.remaining > 0) {
    const at = reader.offset
    const head = reader.usize()
    const length = Math.floor(head / 2)

    if (length > MAX_TOPIC_NAME_BYTES) {
      throw new InvalidMessageError('name of a topic is too long', at)
    }

    statements.push({
      isIn: head % 2 === 1,
      // a copy: it outlives the chunk that brought it
      topic: length === 0 ? reader.raw(TOPIC_TAG_BYTES).slice() : decodeName(reader.raw(length), at)
    })
  }

  return { type, sequence, isLast: first % 2 === 1, statements }
}

function nameBytes (name: string): Uint8Array {
  return utf8.encode(name)
}

function decodeName (bytes: Uint8Array, at: number): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new InvalidMessageError('name of a topic is not UTF-8', at)
  }
}
