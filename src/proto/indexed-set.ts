import { append } from './append.ts'
import type { Rng } from './rng.ts'

/** Up to so many items, those of a passive view, are searched one by one: the table that is three times as quick would take 60 bytes for each. */
const MAX_LINEAR = 32

/**
 * A set from which a random element is picked in constant time.
 *
 * Iterates in the order of insertion until the first `delete`, which moves the
 * last element into the gap: the order depends on nothing but the calls.
 */
export class IndexedSet<T> implements Iterable<T> {
  private items: T[] = []
  /** Where each item is, once there are more than a few. */
  private indexes?: Map<T, number>

  get size (): number {
    return this.items.length
  }

  has (item: T): boolean {
    return this.indexes === undefined ? this.items.includes(item) : this.indexes.has(item)
  }

  /** Returns false if the item was there already. */
  add (item: T): boolean {
    if (this.has(item)) {
      return false
    }

    this.indexes?.set(item, this.items.length)
    this.items = append(this.items, item)

    if (this.indexes === undefined && this.items.length > MAX_LINEAR) {
      this.indexes = new Map(this.items.map((it, i) => [it, i]))
    }

    return true
  }

  /** Returns false if there was no such item. */
  delete (item: T): boolean {
    const index = this.indexes === undefined ? this.items.indexOf(item) : this.indexes.get(item) ?? -1

    if (index === -1) {
      return false
    }

    this.remove(index)

    return true
  }

  /** Removes a random element; does nothing if there is none. */
  deleteRandom (rng: Rng): void {
    if (this.items.length > 0) {
      this.remove(rng.below(this.items.length))
    }
  }

  /** A random element among those that `accept` takes, `undefined` if it takes none. */
  pick (rng: Rng, accept?: (item: T) => boolean): T | undefined {
    if (accept !== undefined) {
      return this.sample(rng, 1, accept)[0]
    }

    return this.items.length === 0 ? undefined : this.items[rng.below(this.items.length)]
  }

  /** At most `count` elements that `accept` takes, in random order. It is asked for no more elements than needed. */
  sample (rng: Rng, count: number, accept?: (item: T) => boolean): T[] {
    const rest = this.items.slice()
    const sample: T[] = []

    // draws one after the other, without putting back
    for (let left = rest.length; left > 0 && sample.length < count; left--) {
      const i = rng.below(left)
      const item = rest[i]
      rest[i] = rest[left - 1]

      if (accept === undefined || accept(item)) {
        sample.push(item)
      }
    }

    return sample
  }

  /** A copy of all elements, in the set's order. */
  toArray (): T[] {
    return this.items.slice()
  }

  private remove (index: number): void {
    const item = this.items[index]
    const moved = this.items[this.items.length - 1]
    this.items[index] = moved
    this.indexes?.set(moved, index)
    this.indexes?.delete(item)
    this.items.pop()
  }

  [Symbol.iterator] (): IterableIterator<T> {
    return this.items[Symbol.iterator]()
  }
}
