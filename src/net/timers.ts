import { TimerQueue } from '../proto/timer-queue.ts'

/** Something that waits for its time. Cancelled by `Timers.cancel`. */
export interface ScheduledTask {
  task: (() => void) | undefined
}

/** Longest delay of the platform's timer. */
const MAX_DELAY_MS = 2 ** 31 - 1

/**
 * Milliseconds by which the platform may be late before what has come meanwhile
 * is read first: the answer that a timer waits for may be there, unread.
 */
const LATE_MS = 5

/**
 * Any number of timers on one platform timer.
 *
 * Time is monotonic milliseconds. The platform timer is armed only while
 * something waits, so that nothing keeps a stopped process alive.
 */
export class Timers {
  readonly #queue = new TimerQueue<ScheduledTask>()
  #armed: ReturnType<typeof setTimeout> | undefined
  #armedFor = Infinity
  #running = false
  #cleared = false

  /** Monotonic milliseconds, from an arbitrary start. */
  now (): number {
    return performance.now()
  }

  /**
   * Calls `task` after `delayMs` milliseconds, unless it is cancelled or all are
   * cleared, before or after this call.
   */
  schedule (delayMs: number, task: () => void): ScheduledTask {
    // a whole number: it takes no memory of its own
    const at = Math.ceil(this.now() + delayMs)
    const scheduled: ScheduledTask = { task }

    // what ends late in a stopped node would otherwise keep the process alive
    if (this.#cleared) {
      return scheduled
    }

    this.#queue.push(at, scheduled)

    if (at < this.#armedFor && !this.#running) {
      this.#arm(at)
    }

    return scheduled
  }

  /** The task will not run. Its place in the queue is freed when its time comes. */
  cancel (scheduled: ScheduledTask): void {
    scheduled.task = undefined
  }

  /** Forgets every timer, and takes no more. */
  clear (): void {
    this.#cleared = true
    this.#queue.clear()
    this.#disarm()
  }

  #arm (at: number): void {
    clearTimeout(this.#armed)
    this.#armedFor = at
    this.#armed = setTimeout(this.#onTimeout, Math.min(Math.max(Math.ceil(at - this.now()), 0), MAX_DELAY_MS))
  }

  #disarm (): void {
    clearTimeout(this.#armed)
    this.#armed = undefined
    this.#armedFor = Infinity
  }

  readonly #onTimeout = (): void => {
    if (this.now() - this.#armedFor > LATE_MS) {
      // the platform reads between two rounds of timers
      this.#armed = setTimeout(this.#expire, 0)
    } else {
      this.#expire()
    }
  }

  readonly #expire = (): void => {
    this.#disarm()
    this.#running = true

    try {
      const now = this.now()
      for (let scheduled = this.#queue.popBefore(now); scheduled != null; scheduled = this.#queue.popBefore(now)) {
        scheduled.item.task?.()
      }
    } finally {
      this.#running = false
      const next = this.#queue.peek()

      if (next != null) {
        this.#arm(next)
      }
    }
  }
}

/** Resolves in a later turn of the event loop. */
export async function nextTurn (): Promise<void> {
  await new Promise((resolve) => { setTimeout(resolve, 0) })
}
