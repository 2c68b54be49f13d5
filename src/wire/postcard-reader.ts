import { InvalidMessageError } from '../errors.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads values of the postcard format from one payload, front to back.
 *
 * Accepts and rejects exactly what Rust's `postcard` 1 does: a varint may be
 * longer than needed up to the length of its type's largest value, bits beyond
 * the type are refused, tags of booleans and options are 0 or 1. Every method
 * throws {@link InvalidMessageError} and allocates nothing whose size the
 * payload merely claims.
 */
export class PostcardReader {
  /** The next unread byte, counted from the payload's start. */
  offset = 0
  private bytes: Uint8Array
  /** Asked of the array once: views are made of them, and asking costs as much as a view. */
  private buffer: ArrayBufferLike
  private start: number

  constructor (bytes: Uint8Array) {
    this.bytes = bytes
    this.buffer = bytes.buffer
    this.start = bytes.byteOffset
  }

  /** Goes on with another payload: a reader that is used again costs nothing to make. */
  reset (bytes: Uint8Array): void {
    this.bytes = bytes
    this.buffer = bytes.buffer
    this.start = bytes.byteOffset
    this.offset = 0
  }

  /** Bytes not yet read. */
  get remaining (): number {
    return this.bytes.length - this.offset
  }

  u8 (): number {
    if (this.offset >= this.bytes.length) {
      throw new InvalidMessageError('unexpected end of payload', this.offset)
    }

    return this.bytes[this.offset++]
  }

  u16 (): number {
    return this.bytes[this.offset] < 0x80 ? this.bytes[this.offset++] : this.varint(3, 0x03, 'u16')
  }

  /** The tag of an enum's variant. */
  u32 (): number {
    return this.bytes[this.offset] < 0x80 ? this.bytes[this.offset++] : this.varint(5, 0x0f, 'u32')
  }

  /**
   * A length. Above 2^53 the number is rounded, which changes nothing: no
   * payload is that long.
   */
  usize (): number {
    return this.bytes[this.offset] < 0x80 ? this.bytes[this.offset++] : this.varint(10, 0x01, 'length')
  }

  bool (what: string): boolean {
    const at = this.offset
    const value = this.u8()

    if (value > 1) {
      throw new InvalidMessageError(`${what} is neither 0 nor 1`, at)
    }

    return value === 1
  }

  /**
   * A vector's element count.
   *
   * @param minElementBytes - bytes of the shortest element; a count that the
   * rest of the payload cannot hold is refused before any element is read
   */
  count (minElementBytes: number): number {
    const at = this.offset
    const count = this.usize()

    if (count * minElementBytes > this.remaining) {
      throw new InvalidMessageError('element count exceeds the payload', at)
    }

    return count
  }

  /** So many bytes, as a view of the payload. */
  raw (length: number): Uint8Array {
    const start = this.offset

    if (length > this.bytes.length - start) {
      throw new InvalidMessageError('unexpected end of payload', start)
    }

    this.offset = start + length

    return new Uint8Array(this.buffer, this.start + start, length)
  }

  /** A length and so many bytes, as a view of the payload. */
  byteString (): Uint8Array {
    const at = this.offset
    const length = this.usize()

    if (length > this.remaining) {
      throw new InvalidMessageError('byte string exceeds the payload', at)
    }

    return this.raw(length)
  }

  string (): string {
    const at = this.offset

    try {
      return utf8.decode(this.byteString())
    } catch (err) {
      if (err instanceof InvalidMessageError) {
        throw err
      }

      throw new InvalidMessageError('string is not UTF-8', at)
    }
  }

  private varint (maxBytes: number, maxOfLastByte: number, what: string): number {
    const start = this.offset
    const first = this.u8()

    if (first < 0x80) {
      return first
    }

    // multiplied, not shifted: shifts work on 32 bits only
    let value = first & 0x7f
    let factor = 0x80

    for (let i = 1; i < maxBytes; i++) {
      const byte = this.u8()
      value += (byte & 0x7f) * factor
      factor *= 0x80

      if (byte < 0x80) {
        if (i === maxBytes - 1 && byte > maxOfLastByte) {
          break
        }

        return value
      }
    }

    throw new InvalidMessageError(`${what} exceeds its type`, start)
  }
}
