/**
 * Pseudo-random choices that follow from a seed (xorshift32), so that a failure
 * can be repeated.
 */
export class Random {
  #state: number

  constructor (seed: number) {
    this.#state = (seed | 0) === 0 ? 1 : seed | 0
  }

  /** A whole number from 0 to `below - 1`. */
  int (below: number): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5

    return (this.#state >>> 0) % below
  }

  bool (): boolean {
    return this.int(2) === 1
  }

  pick<T> (from: readonly T[]): T {
    return from[this.int(from.length)]
  }

  bytes (length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.int(256))
  }

  /** So many values of a generator. */
  list<T> (length: number, make: () => T): T[] {
    return Array.from({ length }, make)
  }
}
