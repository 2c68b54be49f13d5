/**
 * A bounded set that forgets what was not asked for lately.
 *
 * Two generations: what is added or found goes to the young one; when that is
 * full it becomes the old one, and the previous old one is dropped. So what was
 * used among the last `capacity / 2` different entries is kept, at constant
 * cost and without a list of uses.
 */
export class GenerationalCache {
  private readonly generationCapacity: number
  private young = new Set<string>()
  private old = new Set<string>()

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

  /** Whether the entry is held; a found one counts as used. */
  has (entry: string): boolean {
    if (this.young.has(entry)) {
      return true
    }

    if (this.old.delete(entry)) {
      this.add(entry)
      return true
    }

    return false
  }

  add (entry: string): void {
    if (this.young.size >= this.generationCapacity) {
      this.old = this.young
      this.young = new Set()
    }

    this.young.add(entry)
  }
}
