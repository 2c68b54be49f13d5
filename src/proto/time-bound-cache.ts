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

/** A map that has entries, and an iterator at the oldest of them. */
interface Entries<K, V> {
  readonly byKey: Map<K, Entry<V>>
  /**
   * Stands behind the oldest entry, which `oldest` holds until it is gone. A fresh
   * iterator for each removal would step over all removed entries again.
   */
  cursor: MapIterator<K>
  oldest?: IteratorYieldResult<K>
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
  private entries?: Entries<K, V>
  private total = 0

  constructor (init: TimeBoundCacheInit<V>) {
    this.init = init
  }

  get size (): number {
    return this.entries === undefined ? 0 : this.entries.byKey.size
  }

  /** Sum of the weights of all entries. */
  get weight (): number {
    return this.total
  }

  has (key: K): boolean {
    return this.entries?.byKey.has(key) === true
  }

  get (key: K): V | undefined {
    return this.entries?.byKey.get(key)?.value
  }

  /** Replaces an earlier value; the retention starts anew. */
  set (key: K, value: V, now: number): void {
    const { retentionMs, capacity } = this.init
    const weight = this.weigh(value)
    this.delete(key)

    if (weight > capacity) {
      return
    }

    if (this.entries === undefined) {
      const byKey = new Map<K, Entry<V>>()
      this.entries = { byKey, cursor: byKey.keys() }
    }

    this.entries.byKey.set(key, { value, expiresAt: Math.ceil(now + retentionMs) })
    this.total += weight

    while (this.total > capacity) {
      this.delete(oldestOf(this.entries))
    }
  }

  /** Returns false if there was no such entry. */
  delete (key: K): boolean {
    const { entries } = this
    const entry = entries?.byKey.get(key)

    if (entries === undefined || entry === undefined) {
      return false
    }

    if (entries.oldest?.value === key) {
      entries.oldest = undefined
    }

    this.total -= this.weigh(entry.value)

    return entries.byKey.delete(key)
  }

  /** Takes the entry set longest ago, `undefined` when there is none. */
  shift (): [K, V] | undefined {
    const { entries } = this

    if (entries === undefined || entries.byKey.size === 0) {
      return undefined
    }

    const key = oldestOf(entries)
    const { value } = entryOf(entries, key)
    this.delete(key)

    return [key, value]
  }

  /** Removes what expired at `now` or before, to the millisecond, and returns how many entries that were. */
  expireUntil (now: number): number {
    const { entries } = this
    let removed = 0

    if (entries === undefined) {
      return removed
    }

    while (entries.byKey.size > 0) {
      const key = oldestOf(entries)

      if (entryOf(entries, key).expiresAt > now) {
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
    return this.entries?.byKey.keys() ?? []
  }

  /** A copy of all that is kept, the entry set longest ago first. */
  toArray (): Array<[K, V]> {
    return this.entries === undefined ? [] : Array.from(this.entries.byKey, ([key, entry]) => [key, entry.value])
  }

  clear (): void {
    this.entries = undefined
    this.total = 0
  }

  private weigh (value: V): number {
    const { init } = this

    return init.weigh === undefined ? 1 : init.weigh(value)
  }
}

/** The key set longest ago; there must be one. */
function oldestOf<K, V> (entries: Entries<K, V>): K {
  if (entries.oldest === undefined) {
    let next = entries.cursor.next()

    if (next.done === true) {
      // an iterator that came to its end does not see what is added later
      entries.cursor = entries.byKey.keys()
      next = entries.cursor.next()
    }

    if (next.done === true) {
      throw new Error('an empty cache has no oldest entry')
    }

    entries.oldest = next
  }

  return entries.oldest.value
}

function entryOf<K, V> ({ byKey }: Entries<K, V>, key: K): Entry<V> {
  const entry = byKey.get(key)

  if (entry === undefined) {
    // delete() forgets the oldest together with its entry
    throw new Error('the oldest entry is gone')
  }

  return entry
}
