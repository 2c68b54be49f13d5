import { AbortError } from '@libp2p/interface'
import type { AbortOptions } from '@libp2p/interface'

/** Events were dropped because they were not read in time. */
export interface LaggedEvent {
  type: 'lagged'
  /** How many, since the event before this one. */
  missed: number
}

/**
 * A bounded queue between a producer that never waits and a reader that may.
 *
 * When it is full the oldest events go, and the reader is told how many: a slow
 * application never keeps us from reading streams, which would freeze a Rust
 * peer at the other end (rule 2).
 */
export class EventQueue<T> {
  readonly #capacity: number
  #events: T[] = []
  #head = 0
  #missed = 0
  #ended = false
  #wake: Array<() => void> = []

  constructor (capacity: number) {
    this.#capacity = capacity
  }

  get length (): number {
    return this.#events.length - this.#head
  }

  push (event: T): void {
    if (this.#ended) {
      return
    }

    this.#events.push(event)

    if (this.length > this.#capacity) {
      this.#shift()
      this.#missed++
    }

    if (this.#wake.length > 0) {
      this.#wakeAll()
    }
  }

  /** No more events come; those that are queued can still be read. */
  end (): void {
    this.#ended = true
    this.#wakeAll()
  }

  /** Ends, and drops what is queued. */
  close (): void {
    this.#events = []
    this.#head = 0
    this.#missed = 0
    this.end()
  }

  /**
   * The next event, or `undefined` once the queue has ended and is empty.
   *
   * @throws {AbortError} if the signal fires first; nothing is lost then
   */
  async next (options: AbortOptions = {}): Promise<T | LaggedEvent | undefined> {
    while (true) {
      options.signal?.throwIfAborted()

      if (this.#missed > 0) {
        const missed = this.#missed
        this.#missed = 0

        return { type: 'lagged', missed }
      }

      if (this.length > 0) {
        return this.#shift()
      }

      if (this.#ended) {
        return undefined
      }

      await this.#wait(options.signal)
    }
  }

  #shift (): T {
    const event = this.#events[this.#head++]

    if (this.#head === this.#events.length) {
      this.#events = []
      this.#head = 0
    } else if (this.#head >= this.#capacity) {
      this.#events.splice(0, this.#head)
      this.#head = 0
    }

    return event
  }

  async #wait (signal?: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        this.#wake = this.#wake.filter((fn) => fn !== wake)
        reject(signal?.reason instanceof Error ? signal.reason : new AbortError())
      }
      const wake = (): void => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }

      signal?.addEventListener('abort', onAbort, { once: true })
      this.#wake.push(wake)
    })
  }

  #wakeAll (): void {
    const waiting = this.#wake
    this.#wake = []

    for (const wake of waiting) {
      wake()
    }
  }
}
