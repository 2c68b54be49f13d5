/** An item and when it is due, in the unit that the caller counts in. */
export interface Timed<T> {
  readonly at: number
  readonly item: T
}

interface Entry<T> extends Timed<T> {
  /** Tells entries of the same time apart: first in, first out. */
  readonly order: number
}

/**
 * Items by time, the earliest first; of equal times, the first pushed first.
 *
 * A binary heap: `push` and `popBefore` cost the logarithm of the size.
 * Nothing can be withdrawn; whoever pops tolerates stale items.
 */
export class TimerQueue<T> {
  private readonly heap: Array<Entry<T>> = []
  private pushed = 0

  /** Timers that wait. */
  get size (): number {
    return this.heap.length
  }

  /** When the earliest item is due; `undefined` if there is none. */
  peek (): number | undefined {
    return this.heap.length === 0 ? undefined : this.heap[0].at
  }

  /** Adds an item for a time; equal times keep their order. */
  push (at: number, item: T): void {
    const { heap } = this
    const entry = { at, item, order: this.pushed++ }
    let i = heap.length
    heap.push(entry)

    while (i > 0) {
      const parent = (i - 1) >> 1

      if (!before(entry, heap[parent])) {
        break
      }

      heap[i] = heap[parent]
      i = parent
    }

    heap[i] = entry
  }

  /** Removes and returns the earliest item if it is due at `limit` or before. */
  popBefore (limit: number): Timed<T> | undefined {
    const { heap } = this

    if (heap.length === 0 || heap[0].at > limit) {
      return undefined
    }

    const first = heap[0]
    const last = heap.pop()

    if (last !== undefined && last !== first) {
      this.sink(last)
    }

    return first
  }

  /** Forgets all. */
  clear (): void {
    this.heap.length = 0
  }

  /** Puts an entry in the place of the first one, then where it belongs. */
  private sink (entry: Entry<T>): void {
    const { heap } = this
    let i = 0

    while (true) {
      let child = 2 * i + 1

      if (child >= heap.length) {
        break
      }

      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) {
        child++
      }

      if (!before(heap[child], entry)) {
        break
      }

      heap[i] = heap[child]
      i = child
    }

    heap[i] = entry
  }
}

function before<T> (a: Entry<T>, b: Entry<T>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
