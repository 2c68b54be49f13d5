import { InvalidParametersError } from '@libp2p/interface'
import { encode } from 'it-length-prefixed'
import { Uint8ArrayList } from 'uint8arraylist'
import { InvalidMessageError, MessageTooLargeError } from '../errors.ts'
import { encodedSize, gossipHeadSize, scopeSize, writeGossipHead, writeMessage, writeScope } from './encode-message.ts'
import { PostcardWriter } from './postcard-writer.ts'
import { Slab } from './slab.ts'
import { TOPIC_ID_BYTES } from './tags.ts'
import type { Gossip, Message } from '../proto/messages.ts'
import type { LengthEncoderFunction } from 'it-length-prefixed'

/** Bytes of the big-endian length before each payload. */
export const FRAME_LENGTH_BYTES = 4

/**
 * From this content length on a frame refers to the content instead of copying
 * it: below, one copy is cheaper than a list of arrays, each of which the TCP
 * transport under noise writes to its socket by itself, in a packet of its own.
 */
const UNCOPIED_CONTENT_BYTES = 16_384

const MAX_U32 = 0xffff_ffff

const slab = new Slab()

/** A payload's length as `it-length-prefixed` wants to write it. */
const lengthEncoder: LengthEncoderFunction = Object.assign((length: number): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(FRAME_LENGTH_BYTES)
  writeLength(length, bytes)

  return bytes
}, { bytes: FRAME_LENGTH_BYTES })

/**
 * Encodes a message with its length before it, ready to be written to a stream
 * whose header has been written.
 *
 * @param message - what to say; the topic is in the stream's header
 * @param maxMessageSize - the swarm's limit in bytes of payload; must be the
 * receiver's too
 * @returns one array, or for a large content a list that contains the very
 * bytes of the message, which must then not change until they are sent
 * @throws {MessageTooLargeError} if the payload is not smaller than the limit:
 * a Rust sender would refuse it too (a receiver takes one byte more)
 * @throws {InvalidParametersError} as `encodeMessage`
 */
export function encodeFrame (message: Message, maxMessageSize: number = MAX_U32): Uint8Array | Uint8ArrayList {
  const size = encodedSize(message)

  if (size >= maxMessageSize) {
    throw new MessageTooLargeError(size, maxMessageSize - 1, 'payload')
  }

  if (message.type === 'gossip' && message.content.length >= UNCOPIED_CONTENT_BYTES) {
    return largeGossipFrame(message)
  }

  const frame = slab.take(FRAME_LENGTH_BYTES + size)
  writeLength(size, frame)

  if (writeMessage(message, frame, FRAME_LENGTH_BYTES) !== frame.length) {
    // the sizes follow the same cases as the writer
    throw new Error('Encoded size and written bytes differ')
  }

  return frame
}

/**
 * The first frame of every stream: says which topic all later ones belong to.
 * A Rust peer stops listening to a connection on which a stream ends before it
 * (rule 3).
 *
 * @throws {InvalidParametersError} if the topic id is not 32 bytes
 */
export function encodeStreamHeader (topicId: Uint8Array): Uint8Array {
  if (topicId.length !== TOPIC_ID_BYTES) {
    throw new InvalidParametersError('A topic id has 32 bytes')
  }

  const frame = new Uint8Array(FRAME_LENGTH_BYTES + TOPIC_ID_BYTES)
  writeLength(TOPIC_ID_BYTES, frame)
  frame.set(topicId, FRAME_LENGTH_BYTES)

  return frame
}

/**
 * The topic id in a stream's first frame.
 *
 * Bytes after the 32 of the id are ignored, as by Rust peers.
 *
 * @param payload - the first frame without its length
 * @returns a copy: it outlives the chunk that brought it
 * @throws {InvalidMessageError} if there are fewer than 32 bytes
 */
export function decodeStreamHeader (payload: Uint8Array): Uint8Array {
  if (payload.length < TOPIC_ID_BYTES) {
    throw new InvalidMessageError('stream header is shorter than a topic id', payload.length)
  }

  return new Uint8Array(payload.subarray(0, TOPIC_ID_BYTES))
}

function largeGossipFrame (message: Gossip): Uint8ArrayList {
  const head = new Uint8Array(gossipHeadSize(message.content.length))
  writeGossipHead(new PostcardWriter(head), message.id, message.content.length)

  const tail = new Uint8Array(scopeSize(message.scope))
  writeScope(new PostcardWriter(tail), message.scope)

  return encode.single(new Uint8ArrayList(head, message.content, tail), { lengthEncoder, maxDataLength: MAX_U32 })
}

function writeLength (length: number, into: Uint8Array): void {
  into[0] = length >>> 24
  into[1] = length >>> 16
  into[2] = length >>> 8
  into[3] = length
}
