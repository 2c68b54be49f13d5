import type { Rng } from './rng.ts'

/**
 * A set from which a random element is picked in constant time.
 *
 * Iterates in the order of insertion until the first `delete`, which moves the
 * last element into the gap: the order depends on nothing but the calls.
 */
export class IndexedSet<T> implements Iterable<T> {
  private readonly items: T[] = []
  private readonly indexes = new Map<T, number>()

  get size (): number {
    return this.items.length
  }

  has (item: T): boolean {
    return this.indexes.has(item)
  }

  /** Returns false if the item was there already. */
  add (item: T): boolean {
    if (this.indexes.has(item)) {
      return false
    }

    this.indexes.set(item, this.items.length)
    this.items.push(item)

    return true
  }

  /** Returns false if there was no such item. */
  delete (item: T): boolean {
    const index = this.indexes.get(item)

    if (index === undefined) {
      return false
    }

    const last = this.items.length - 1
    const moved = this.items[last]
    this.items[index] = moved
    this.indexes.set(moved, index)
    this.indexes.delete(item)
    this.items.length = last

    return true
  }

  /** A random element among those that `accept` takes, `undefined` if it takes none. */
  pick (rng: Rng, accept?: (item: T) => boolean): T | undefined {
    const from = accept == null ? this.items : this.items.filter(accept)

    return from.length === 0 ? undefined : from[rng.below(from.length)]
  }

  /** At most `count` elements that `accept` takes, in random order. */
  sample (rng: Rng, count: number, accept?: (item: T) => boolean): T[] {
    const from = accept == null ? this.items.slice() : this.items.filter(accept)

    return rng.shuffle(from).slice(0, Math.max(0, count))
  }

  /** A copy of all elements, in the set's order. */
  toArray (): T[] {
    return this.items.slice()
  }

  [Symbol.iterator] (): IterableIterator<T> {
    return this.items[Symbol.iterator]()
  }
}
