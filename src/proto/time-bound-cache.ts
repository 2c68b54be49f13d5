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
  /** A whole number, rounded up: it takes no memory of its own. */
  expiresAt: number
}

/**
 * A map whose entries expire, and which never grows beyond its capacity.
 *
 * All entries live equally long, so the order of setting is that of expiry and
 * each operation takes constant time. An expired entry is still found until
 * `expireUntil` has removed it. Over capacity, the entry set longest ago goes
 * first; an entry heavier than the whole capacity is not kept at all. Without
 * entries it takes hardly any memory.
 */
export class TimeBoundCache<K, V> {
  private readonly init: TimeBoundCacheInit<V>
  private byKey?: Map<K, Entry<V>>
  /**
   * Stands behind the oldest entry, which `oldest` holds until it is gone. A fresh
   * iterator for each removal would step over all removed entries again.
   */
  private cursor?: MapIterator<K>
  private oldest?: IteratorYieldResult<K>
  private total = 0

  constructor (init: TimeBoundCacheInit<V>) {
    this.init = init
  }

  get size (): number {
    return this.byKey === undefined ? 0 : this.byKey.size
  }

  /** Sum of the weights of all entries. */
  get weight (): number {
    return this.total
  }

  has (key: K): boolean {
    return this.byKey?.has(key) === true
  }

  get (key: K): V | undefined {
    return this.byKey?.get(key)?.value
  }

  /** Replaces an earlier value; the retention starts anew. */
  set (key: K, value: V, now: number): void {
    const { retentionMs, capacity } = this.init
    const weight = this.weigh(value)
    this.delete(key)

    if (weight > capacity) {
      return
    }

    this.byKey ??= new Map()
    this.byKey.set(key, { value, expiresAt: Math.ceil(now + retentionMs) })
    this.total += weight

    while (this.total > capacity) {
      this.delete(this.oldestOf(this.byKey))
    }
  }

  /** Returns false if there was no such entry. */
  delete (key: K): boolean {
    const { byKey } = this
    const entry = byKey?.get(key)

    if (byKey === undefined || entry === undefined) {
      return false
    }

    if (this.oldest?.value === key) {
      this.oldest = undefined
    }

    this.total -= this.weigh(entry.value)

    return byKey.delete(key)
  }

  /** Takes the entry set longest ago, `undefined` when there is none. */
  shift (): [K, V] | undefined {
    const { byKey } = this

    if (byKey === undefined || byKey.size === 0) {
      return undefined
    }

    const key = this.oldestOf(byKey)
    const { value } = entryOf(byKey, key)
    this.delete(key)

    return [key, value]
  }

  /** Removes what expired at `now` or before, to the millisecond, and returns how many entries that were. */
  expireUntil (now: number): number {
    const { byKey } = this
    let removed = 0

    if (byKey === undefined) {
      return removed
    }

    while (byKey.size > 0) {
      const key = this.oldestOf(byKey)

      if (entryOf(byKey, key).expiresAt > now) {
        // however the map grows, an iterator keeps what it began with
        this.cursor = undefined

        return removed
      }

      this.delete(key)
      removed++
    }

    this.clear()

    return removed
  }

  /** All keys, the one set longest ago first. */
  keys (): Iterable<K> {
    return this.byKey?.keys() ?? []
  }

  /** A copy of all that is kept, the entry set longest ago first. */
  toArray (): Array<[K, V]> {
    return this.byKey === undefined ? [] : Array.from(this.byKey, ([key, entry]) => [key, entry.value])
  }

  clear (): void {
    this.byKey = undefined
    this.cursor = undefined
    this.oldest = undefined
    this.total = 0
  }

  /** The key set longest ago; there must be one. */
  private oldestOf (byKey: Map<K, Entry<V>>): K {
    if (this.oldest === undefined) {
      this.cursor ??= byKey.keys()
      let next = this.cursor.next()

      if (next.done === true) {
        // an iterator that came to its end does not see what is added later
        this.cursor = byKey.keys()
        next = this.cursor.next()
      }

      if (next.done === true) {
        throw new Error('an empty cache has no oldest entry')
      }

      this.oldest = next
    }

    return this.oldest.value
  }

  private weigh (value: V): number {
    const { init } = this

    return init.weigh === undefined ? 1 : init.weigh(value)
  }
}

function entryOf<K, V> (byKey: Map<K, Entry<V>>, key: K): Entry<V> {
  const entry = byKey.get(key)

  if (entry === undefined) {
    // delete() forgets the oldest together with its entry
    throw new Error('the oldest entry is gone')
  }

  return entry
}
