/**
 * The future of a simulation: items by virtual time, of equal times the first
 * pushed first.
 *
 * A heap with four children a node, in flat arrays: fewer levels and no object
 * for each entry, which is what most of a simulation's time would go to.
 */
export class EventQueue<T> {
  private readonly times: number[] = []
  private readonly orders: number[] = []
  private readonly items: T[] = []
  private pushed = 0

  get size (): number {
    return this.items.length
  }

  /** When the earliest item is due, in virtual milliseconds; `Infinity` if there is none. */
  get nextAt (): number {
    return this.times.length === 0 ? Infinity : this.times[0]
  }

  push (at: number, item: T): void {
    const { times, orders, items } = this
    const order = this.pushed++
    let i = items.length
    times.push(at)
    orders.push(order)
    items.push(item)

    while (i > 0) {
      const parent = (i - 1) >> 2

      // an equal parent was pushed earlier, so it stays
      if (times[parent] <= at) {
        break
      }

      times[i] = times[parent]
      orders[i] = orders[parent]
      items[i] = items[parent]
      i = parent
    }

    times[i] = at
    orders[i] = order
    items[i] = item
  }

  /** Removes and returns the earliest item; `undefined` if there is none. */
  pop (): T | undefined {
    const { times, orders, items } = this
    const first = items[0]
    const at = times.pop()
    const order = orders.pop()
    const last = items.pop()

    if (at === undefined || order === undefined || last === undefined || items.length === 0) {
      return last
    }

    const size = items.length
    let i = 0

    while (true) {
      const begin = 4 * i + 1

      if (begin >= size) {
        break
      }

      let child = begin
      const end = Math.min(begin + 4, size)

      for (let j = begin + 1; j < end; j++) {
        if (times[j] < times[child] || (times[j] === times[child] && orders[j] < orders[child])) {
          child = j
        }
      }

      if (times[child] > at || (times[child] === at && orders[child] > order)) {
        break
      }

      times[i] = times[child]
      orders[i] = orders[child]
      items[i] = items[child]
      i = child
    }

    times[i] = at
    orders[i] = order
    items[i] = last

    return first
  }
}
