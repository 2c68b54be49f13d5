import { allocUnsafe } from 'uint8arrays/alloc'

/** A frame that is kept keeps its slab: small enough for a queue of few frames, large enough that making one hardly counts. */
const SLAB_BYTES = 65_536

/** What is larger than an eighth of a slab would waste too much of its rest. */
const MAX_SLICE_BYTES = SLAB_BYTES / 8

/**
 * Memory for short-lived frames, cut from larger pieces: a view of a buffer
 * costs a fraction of a buffer.
 */
export class Slab {
  private buffer: ArrayBufferLike = new ArrayBuffer(0)
  /** Where the rest of the slab begins and ends, in its buffer. */
  private next = 0
  private end = 0

  /**
   * So many bytes that nobody else has. They are not zeroed: each is to be
   * written.
   */
  take (bytes: number): Uint8Array {
    if (bytes > this.end - this.next) {
      if (bytes > MAX_SLICE_BYTES) {
        return allocUnsafe(bytes)
      }

      const slab = allocUnsafe(SLAB_BYTES)
      this.buffer = slab.buffer
      this.next = slab.byteOffset
      this.end = slab.byteOffset + slab.length
    }

    const slice = new Uint8Array(this.buffer, this.next, bytes)
    this.next += bytes

    return slice
  }
}
