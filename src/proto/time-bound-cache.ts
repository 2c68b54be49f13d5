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
 * entries it takes hardly any memory: a topic in rest has ten that are empty.
 */
export class TimeBoundCache<K, V> {
  private readonly init: TimeBoundCacheInit<V>
  private held?: Held<K, V>

  constructor (init: TimeBoundCacheInit<V>) {
    this.init = init
  }

  get size (): number {
    return this.held === undefined ? 0 : this.held.byKey.size
  }

  /** Sum of the weights of all entries. */
  get weight (): number {
    return this.held === undefined ? 0 : this.held.weight
  }

  has (key: K): boolean {
    return this.held?.byKey.has(key) === true
  }

  get (key: K): V | undefined {
    return this.held?.byKey.get(key)?.value
  }

  /** Replaces an earlier value; the retention starts anew. */
  set (key: K, value: V, now: number): void {
    const { retentionMs, capacity } = this.init
    const weight = this.weigh(value)
    this.delete(key)

    if (weight > capacity) {
      return
    }

    this.held ??= new Held()
    this.held.byKey.set(key, { value, expiresAt: Math.ceil(now + retentionMs) })
    this.held.weight += weight

    while (this.held.weight > capacity) {
      this.delete(this.held.oldestKey())
    }
  }

  /** Returns false if there was no such entry. */
  delete (key: K): boolean {
    const entry = this.held?.byKey.get(key)

    if (this.held === undefined || entry === undefined) {
      return false
    }

    this.held.delete(key, this.weigh(entry.value))

    return true
  }

  /** Takes the entry set longest ago, `undefined` when there is none. */
  shift (): [K, V] | undefined {
    const { held } = this

    if (held === undefined || held.byKey.size === 0) {
      return undefined
    }

    const key = held.oldestKey()
    const { value } = held.entryOf(key)
    held.delete(key, this.weigh(value))

    return [key, value]
  }

  /** Removes what expired at `now` or before, to the millisecond, and returns how many entries that were. */
  expireUntil (now: number): number {
    const { held } = this
    let removed = 0

    if (held === undefined) {
      return removed
    }

    while (held.byKey.size > 0) {
      const key = held.oldestKey()
      const { value, expiresAt } = held.entryOf(key)

      if (expiresAt > now) {
        held.rest()

        return removed
      }

      held.delete(key, this.weigh(value))
      removed++
    }

    this.clear()

    return removed
  }

  /** All keys, the one set longest ago first. */
  keys (): Iterable<K> {
    return this.held?.byKey.keys() ?? []
  }

  /** A copy of all that is kept, the entry set longest ago first. */
  toArray (): Array<[K, V]> {
    return this.held === undefined ? [] : Array.from(this.held.byKey, ([key, entry]) => [key, entry.value])
  }

  clear (): void {
    this.held = undefined
  }

  private weigh (value: V): number {
    const { init } = this

    return init.weigh === undefined ? 1 : init.weigh(value)
  }
}

/** The entries of a cache in the order of setting, and which of them is the oldest. */
class Held<K, V> {
  readonly byKey = new Map<K, Entry<V>>()
  /** Sum of the weights of all entries. */
  weight = 0
  /**
   * Stands behind the oldest entry, which `oldest` holds until it is gone. A fresh
   * iterator for each removal would step over all removed entries again.
   */
  private cursor?: MapIterator<K>
  private oldest?: IteratorYieldResult<K>

  entryOf (key: K): Entry<V> {
    const entry = this.byKey.get(key)

    if (entry === undefined) {
      // delete() forgets the oldest together with its entry
      throw new Error('the oldest entry is gone')
    }

    return entry
  }

  delete (key: K, weight: number): void {
    if (this.oldest?.value === key) {
      this.oldest = undefined
    }

    this.weight -= weight
    this.byKey.delete(key)
  }

  /** The key set longest ago; there must be one. */
  oldestKey (): K {
    if (this.oldest === undefined) {
      this.cursor ??= this.byKey.keys()
      let next = this.cursor.next()

      if (next.done === true) {
        // an iterator that came to its end does not see what is added later
        this.cursor = this.byKey.keys()
        next = this.cursor.next()
      }

      if (next.done === true) {
        throw new Error('an empty cache has no oldest entry')
      }

      this.oldest = next
    }

    return this.oldest.value
  }

  /** Lets go of the iterator: however the map grows, it keeps what it began with. */
  rest (): void {
    this.cursor = undefined
  }
}
