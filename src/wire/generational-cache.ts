/**
 * A bounded map that forgets what was not asked for lately.
 *
 * Two generations: what is set or found goes to the young one; when that is
 * full it becomes the old one, and the previous old one is dropped. So what was
 * used among the last `capacity / 2` different entries is kept, at constant
 * cost and without a list of uses.
 */
export class GenerationalCache<K, V> {
  private readonly generationCapacity: number
  private young = new Map<K, V>()
  private old = new Map<K, V>()

  /**
   * @param capacity - entries of both generations together
   */
  constructor (capacity: number) {
    this.generationCapacity = Math.max(1, Math.floor(capacity / 2))
  }

  /** Entries held at the moment, never more than the capacity. */
  get size (): number {
    return this.young.size + this.old.size
  }

  /** What is held for the key; a found entry counts as used. */
  get (key: K): V | undefined {
    const young = this.young.get(key)

    if (young !== undefined) {
      return young
    }

    const old = this.old.get(key)

    if (old !== undefined) {
      this.set(key, old)
    }

    return old
  }

  /** Replaces an earlier value. */
  set (key: K, value: V): void {
    if (this.young.size >= this.generationCapacity && !this.young.has(key)) {
      this.old = this.young
      this.young = new Map()
    }

    this.old.delete(key)
    this.young.set(key, value)
  }
}
