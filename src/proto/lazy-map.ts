import { first } from './first.ts'

/**
 * A `Map` that exists only while it has entries.
 *
 * An empty one takes 200 bytes, and a topic has a dozen that are mostly empty:
 * a node may be in ten thousand quiet topics. Iterates in the order of insertion.
 */
export class LazyMap<K, V> {
  private map?: Map<K, V>

  get size (): number {
    return this.map === undefined ? 0 : this.map.size
  }

  has (key: K): boolean {
    return this.map?.has(key) === true
  }

  get (key: K): V | undefined {
    return this.map?.get(key)
  }

  set (key: K, value: V): void {
    this.map ??= new Map()
    this.map.set(key, value)
  }

  /** Sets an entry as the newest; of more than so many the oldest goes. */
  setNewest (key: K, value: V, capacity: number): void {
    this.delete(key)
    this.set(key, value)
    const oldest = first(this.keys())

    if (oldest !== undefined && this.size > capacity) {
      this.delete(oldest)
    }
  }

  /** Returns false if there was no such entry. */
  delete (key: K): boolean {
    if (this.map?.delete(key) !== true) {
      return false
    }

    if (this.map.size === 0) {
      this.map = undefined
    }

    return true
  }

  clear (): void {
    this.map = undefined
  }

  keys (): Iterable<K> {
    return this.map?.keys() ?? []
  }

  values (): Iterable<V> {
    return this.map?.values() ?? []
  }

  entries (): Iterable<[K, V]> {
    return this.map?.entries() ?? []
  }
}
