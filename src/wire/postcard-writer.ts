import { InvalidParametersError } from '@libp2p/interface'

/** Bytes that postcard's varint takes for an unsigned integer. */
export function varintSize (value: number): number {
  if (value < 0x80) {
    return 1
  }

  let size = 1

  while (value >= 0x80) {
    value /= 0x80
    size++
  }

  return size
}

/** Bytes of a byte string of this length, its length prefix included. */
export function byteStringSize (length: number): number {
  return varintSize(length) + length
}

/**
 * Writes values of the postcard format into a buffer of the right size, front
 * to back.
 */
export class PostcardWriter {
  /** Where the next byte goes. */
  offset: number
  private bytes: Uint8Array

  /**
   * @param bytes - large enough for all that will be written
   * @param offset - where to begin
   */
  constructor (bytes: Uint8Array, offset = 0) {
    this.bytes = bytes
    this.offset = offset
  }

  /** Goes on in another buffer: a writer that is used again costs nothing to make. */
  reset (bytes: Uint8Array, offset: number): void {
    this.bytes = bytes
    this.offset = offset
  }

  u8 (value: number): void {
    this.bytes[this.offset++] = value
  }

  /**
   * @throws {InvalidParametersError} if the value is no integer from 0 to 65,535
   */
  u16 (value: number): void {
    if ((value & 0xffff) !== value) {
      throw new InvalidParametersError(`${value} is no unsigned 16-bit integer`)
    }

    this.varint(value)
  }

  bool (value: boolean): void {
    this.u8(value ? 1 : 0)
  }

  /** An enum's tag, an element count or the length of a byte string. */
  varint (value: number): void {
    if (value < 0x80) {
      this.bytes[this.offset++] = value
      return
    }

    while (value >= 0x80) {
      this.bytes[this.offset++] = (value % 0x80) | 0x80
      value = Math.floor(value / 0x80)
    }

    this.bytes[this.offset++] = value
  }

  raw (value: Uint8Array): void {
    this.bytes.set(value, this.offset)
    this.offset += value.length
  }

  byteString (value: Uint8Array): void {
    this.varint(value.length)
    this.raw(value)
  }
}
