/** The bounds of a cache. */
export interface TimeBoundCacheInit<V> {
  /** Milliseconds that an entry is kept after it was last set. */
  retentionMs: number
  /** Sum of the weights of all entries; whatever is above goes, oldest first. */
  capacity: number
  /**
   * What an entry counts towards the capacity.
   *
   * @default every entry counts 1
   */
  weigh? (value: V): number
}

interface Entry<V> {
  value: V
  expiresAt: number
}

/**
 * A map whose entries expire, and which never grows beyond its capacity.
 *
 * All entries live equally long, so the order of setting is that of expiry and
 * each operation takes constant time. An expired entry is still found until
 * `expireUntil` has removed it. Over capacity, the entry set longest ago goes
 * first; an entry heavier than the whole capacity is not kept at all.
 */
export class TimeBoundCache<K, V> {
  private readonly entries = new Map<K, Entry<V>>()
  /**
   * Stands at the oldest entry, which `oldest` holds until it is gone. A fresh
   * iterator for each removal would step over all removed entries again.
   */
  private cursor = this.entries.keys()
  private oldest?: IteratorYieldResult<K>
  private readonly retentionMs: number
  private readonly capacity: number
  private readonly weigh?: (value: V) => number
  private total = 0

  constructor (init: TimeBoundCacheInit<V>) {
    this.retentionMs = init.retentionMs
    this.capacity = init.capacity
    this.weigh = init.weigh
  }

  get size (): number {
    return this.entries.size
  }

  /** Sum of the weights of all entries. */
  get weight (): number {
    return this.total
  }

  has (key: K): boolean {
    return this.entries.has(key)
  }

  get (key: K): V | undefined {
    return this.entries.get(key)?.value
  }

  /** Replaces an earlier value; the retention starts anew. */
  set (key: K, value: V, now: number): void {
    const weight = this.weigh == null ? 1 : this.weigh(value)
    this.delete(key)

    if (weight > this.capacity) {
      return
    }

    this.entries.set(key, { value, expiresAt: now + this.retentionMs })
    this.total += weight

    while (this.total > this.capacity) {
      this.delete(this.first().key)
    }
  }

  /** Returns false if there was no such entry. */
  delete (key: K): boolean {
    const entry = this.entries.get(key)

    if (entry === undefined) {
      return false
    }

    if (this.oldest?.value === key) {
      this.oldest = undefined
    }

    this.total -= this.weigh == null ? 1 : this.weigh(entry.value)

    return this.entries.delete(key)
  }

  /** Takes the entry set longest ago, `undefined` when there is none. */
  shift (): [K, V] | undefined {
    if (this.entries.size === 0) {
      return undefined
    }

    const { key, entry } = this.first()
    this.delete(key)

    return [key, entry.value]
  }

  /** Removes what expired at `now` or before and returns how many entries that were. */
  expireUntil (now: number): number {
    let removed = 0

    while (this.entries.size > 0) {
      const { key, entry } = this.first()

      if (entry.expiresAt > now) {
        break
      }

      this.delete(key)
      removed++
    }

    return removed
  }

  /** All keys, the one set longest ago first. */
  keys (): IterableIterator<K> {
    return this.entries.keys()
  }

  /** A copy of all that is kept, the entry set longest ago first. */
  toArray (): Array<[K, V]> {
    return Array.from(this.entries, ([key, entry]) => [key, entry.value])
  }

  clear (): void {
    this.entries.clear()
    this.oldest = undefined
    this.cursor = this.entries.keys()
    this.total = 0
  }

  /** The entry set longest ago; there must be one. */
  private first (): { key: K, entry: Entry<V> } {
    if (this.oldest === undefined) {
      let next = this.cursor.next()

      if (next.done === true) {
        // an iterator that came to its end does not see what is added later
        this.cursor = this.entries.keys()
        next = this.cursor.next()
      }

      if (next.done === true) {
        throw new Error('an empty cache has no first entry')
      }

      this.oldest = next
    }

    const key = this.oldest.value
    const entry = this.entries.get(key)

    if (entry === undefined) {
      // delete() forgets the oldest together with its entry
      throw new Error('the oldest entry is gone')
    }

    return { key, entry }
  }
}
