import { toString } from 'uint8arrays/to-string'

/** Tag and number, before the bytes that follow from the number. */
const HEADER_BYTES = 12

/**
 * Content `number` of a series, in the form that the Rust peer counts too: the
 * 8-byte tag, the number as big-endian u32, then bytes that show damage.
 *
 * @param tag - 16 hex characters
 * @param size - bytes, at least 12
 */
export function numberedContent (tag: string, number: number, size: number): Uint8Array {
  const bytes = Buffer.alloc(size)
  bytes.write(tag, 0, 8, 'hex')
  bytes.writeUInt32BE(number, 8)

  for (let i = HEADER_BYTES; i < size; i++) {
    bytes[i] = filler(number, i)
  }

  return bytes
}

/** The tag and number of a content, `undefined` where `numberedContent` did not make it. */
export function readNumbered (content: Uint8Array): { tag: string, number: number } | undefined {
  if (content.length < HEADER_BYTES) {
    return
  }

  const number = new DataView(content.buffer, content.byteOffset).getUint32(8)

  for (let i = HEADER_BYTES; i < content.length; i++) {
    if (content[i] !== filler(number, i)) {
      return
    }
  }

  return { tag: toString(content.subarray(0, 8), 'hex'), number }
}

/** A tag that no other series has. */
export function randomTag (): string {
  return toString(crypto.getRandomValues(new Uint8Array(8)), 'hex')
}

function filler (number: number, index: number): number {
  return (Math.imul(number, 31) + index) & 0xff
}

/** What has come of one series. */
export interface Count {
  /** Messages. */
  received: number
  /** Different numbers among them. */
  distinct: number
}

/** Counts numbered contents by their tag. */
export class Tally {
  readonly #series = new Map<string, { received: number, numbers: Set<number> }>()

  /** Whether the content was one that can be counted. */
  add (content: Uint8Array): boolean {
    const read = readNumbered(content)

    if (read == null) {
      return false
    }

    let series = this.#series.get(read.tag)

    if (series == null) {
      series = { received: 0, numbers: new Set() }
      this.#series.set(read.tag, series)
    }

    series.received++
    series.numbers.add(read.number)

    return true
  }

  /** What has come of each series, by its tag. */
  all (): Record<string, Count> {
    return Object.fromEntries([...this.#series.keys()].map((tag) => [tag, this.count(tag)]))
  }

  count (tag: string): Count {
    const series = this.#series.get(tag)

    return { received: series?.received ?? 0, distinct: series?.numbers.size ?? 0 }
  }
}
