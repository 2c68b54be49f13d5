import { InvalidMessageError, MessageTooLargeError } from '../errors.ts'
import { FRAME_LENGTH_BYTES, decodeStreamHeader } from './frame.ts'
import type { Uint8ArrayList } from 'uint8arraylist'

/** The first allocation for a frame that arrives in pieces; it grows with what really arrives. */
const INITIAL_BUFFER_BYTES = 4_096

/**
 * What a decoder accepts and whom it tells. The callbacks are called from
 * within `push` and `end`; they must not throw, nor call either.
 */
export interface FrameDecoderInit {
  /**
   * Bytes of the largest payload that is accepted. A larger one is skipped.
   */
  maxMessageSize: number
  /**
   * Called once, before any `onFrame`, with the 32 bytes of the stream's topic.
   * Not called on a stream without a valid header.
   */
  onHeader (topicId: Uint8Array): void
  /**
   * Called for each complete frame after the header, with its payload, which
   * may be empty: a view of the chunk that brought it whole, or a buffer of its
   * own. Either may be kept.
   */
  onFrame (payload: Uint8Array): void
  /**
   * Called for what no correct peer sends. The stream is to be read on: what
   * can be understood of it is still delivered.
   */
  onViolation (error: InvalidMessageError | MessageTooLargeError): void
}

/**
 * Cuts an incoming stream into frames, synchronously, as its bytes arrive.
 *
 * Nothing that a peer sends ends it, because Rust freezes when a stream of its
 * is stopped and stalls when one is not read (rules 1 and 2):
 *
 * A frame above the limit is reported once and skipped by its length, and the
 * next one is read as usual. A first frame that is no header is reported once,
 * and the rest of the stream is read and discarded, since nobody knows its
 * topic (rule 3). An empty frame is a frame. Whether a payload can be decoded
 * is not looked at here.
 *
 * Holds at most the part of one frame that has arrived, rounded up to a power
 * of two and never more than the frame.
 */
export class FrameDecoder {
  private readonly init: FrameDecoderInit
  /** What the next bytes are. */
  private state: 'length' | 'payload' | 'skip' | 'discard' = 'length'
  /** Whether the frame being read is the first of the stream. */
  private first = true
  /** The bytes read so far of a length that arrives in pieces. */
  private length = 0
  private lengthBytes = 0
  /** Bytes still to come of the payload to be skipped. */
  private toSkip = 0
  /** A payload that arrives in pieces: its size, its part so far, and how much of that is filled. */
  private size = 0
  private partial: Uint8Array | undefined
  private filled = 0

  constructor (init: FrameDecoderInit) {
    this.init = init
  }

  /** Bytes held for a frame that is not complete yet. */
  get bufferedBytes (): number {
    return this.partial?.length ?? 0
  }

  /**
   * Takes the next bytes of the stream and reports what they complete, in
   * order. Never throws on them.
   *
   * @param chunk - belongs to the decoder from now on: frames are views of it
   */
  push (chunk: Uint8Array | Uint8ArrayList): void {
    if (chunk instanceof Uint8Array) {
      this.read(chunk)
      return
    }

    for (const part of chunk) {
      this.read(part)
    }
  }

  /**
   * Says that the stream has ended: reports a frame that is not complete, or a
   * header that never came. What was reported already is not repeated.
   *
   * Further calls, and bytes pushed later, do nothing.
   */
  end (): void {
    const { state, first } = this
    const lengthBytes = this.lengthBytes
    const received = this.filled

    this.state = 'discard'
    this.partial = undefined

    if (state === 'payload') {
      this.init.onViolation(new InvalidMessageError(`stream ended inside a ${first ? 'header' : 'frame'} of ${this.size} bytes`, received))
    } else if (state === 'length' && first) {
      this.init.onViolation(new InvalidMessageError('stream ended before its header', lengthBytes))
    } else if (state === 'length' && lengthBytes > 0) {
      this.init.onViolation(new InvalidMessageError("stream ended inside a frame's length", lengthBytes))
    }
  }

  private read (chunk: Uint8Array): void {
    const end = chunk.length
    let offset = 0

    while (offset < end) {
      switch (this.state) {
        case 'length':
          if (this.lengthBytes === 0 && end - offset >= FRAME_LENGTH_BYTES) {
            this.length = (chunk[offset] << 24 | chunk[offset + 1] << 16 | chunk[offset + 2] << 8 | chunk[offset + 3]) >>> 0
            offset += FRAME_LENGTH_BYTES
          } else {
            this.length = (this.length << 8 | chunk[offset++]) >>> 0
            this.lengthBytes++

            if (this.lengthBytes < FRAME_LENGTH_BYTES) {
              break
            }
          }

          this.beginPayload()
          break
        case 'payload':
          offset = this.readPayload(chunk, offset)
          break
        case 'skip': {
          const skipped = Math.min(this.toSkip, end - offset)
          this.toSkip -= skipped
          offset += skipped

          if (this.toSkip === 0) {
            this.state = 'length'
          }

          break
        }
        default:
          return
      }
    }
  }

  /** All four bytes of a length are there. */
  private beginPayload (): void {
    const size = this.length
    this.length = 0
    this.lengthBytes = 0

    if (size > this.init.maxMessageSize) {
      if (this.first) {
        // no topic, so nothing that follows can be understood
        this.state = 'discard'
      } else {
        this.state = 'skip'
        this.toSkip = size
      }

      this.init.onViolation(new MessageTooLargeError(size, this.init.maxMessageSize, 'frame'))
    } else if (size === 0) {
      this.complete(new Uint8Array(0))
    } else {
      this.state = 'payload'
      this.size = size
    }
  }

  /** Returns the offset behind the bytes that belonged to the payload. */
  private readPayload (chunk: Uint8Array, offset: number): number {
    const missing = this.size - this.filled
    const available = Math.min(missing, chunk.length - offset)

    if (this.partial == null && available === missing) {
      this.complete(new Uint8Array(chunk.buffer, chunk.byteOffset + offset, missing))

      return offset + missing
    }

    const partial = this.roomFor(this.filled + available)
    partial.set(chunk.subarray(offset, offset + available), this.filled)
    this.filled += available

    if (this.filled === this.size) {
      this.partial = undefined
      this.filled = 0
      this.complete(partial)
    }

    return offset + available
  }

  /**
   * The buffer of the frame in pieces, grown to hold so many bytes. Grows by
   * doubling with what has arrived, so that announcing much costs a peer as
   * much as it costs us.
   */
  private roomFor (bytes: number): Uint8Array {
    const old = this.partial

    if (old != null && old.length >= bytes) {
      return old
    }

    const room = new Uint8Array(Math.min(this.size, Math.max(INITIAL_BUFFER_BYTES, 2 ** Math.ceil(Math.log2(bytes)))))

    if (old != null) {
      room.set(old)
    }

    this.partial = room

    return room
  }

  private complete (payload: Uint8Array): void {
    this.state = 'length'

    if (!this.first) {
      this.init.onFrame(payload)
      return
    }

    this.first = false
    let topicId: Uint8Array

    try {
      topicId = decodeStreamHeader(payload)
    } catch (err) {
      this.state = 'discard'

      if (!(err instanceof InvalidMessageError)) {
        throw err
      }

      this.init.onViolation(err)
      return
    }

    this.init.onHeader(topicId)
  }
}
