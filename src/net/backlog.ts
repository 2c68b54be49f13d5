import type { ScheduledTask, Timers } from './timers.ts'

/** The bounds of a backlog, and who hears of them. */
export interface BacklogInit {
  readonly timers: Timers
  readonly maxQueueBytes: number
  readonly stallTimeoutMs: number
  /** The high mark or the low mark was passed. Returns whether more waits to be queued at the next low mark. */
  onCongestion (congested: boolean): boolean
  /** More waits than may, or nothing was taken for as long as may be. */
  onStalled (): void
}

/**
 * The bytes that wait for a peer.
 *
 * Above half of the bound it counts as congested and is owed payloads instead,
 * so that the other half is left to control messages, until an eighth is left.
 */
export class Backlog {
  readonly #init: BacklogInit
  #bytes = 0
  #isCongested = false
  /** Whether the low mark is being reported. */
  #isPaying = false
  #isClosed = false
  #stallTimer: ScheduledTask | undefined
  /** When bytes left the queue last. */
  #progressAt = 0

  constructor (init: BacklogInit) {
    this.#init = init
  }

  get bytes (): number {
    return this.#bytes
  }

  /** Looks at the high mark at once: many broadcasts in one turn would pass the bound before the next `check`. */
  add (bytes: number): void {
    this.#bytes += bytes
    this.#checkHighMark()
  }

  /** So many bytes were sent, or dropped. */
  remove (bytes: number): void {
    this.#bytes -= bytes
    this.#progressAt = this.#init.timers.now()
    this.check()
  }

  check (): void {
    if (this.#isClosed) {
      return
    }

    const { maxQueueBytes, onCongestion, onStalled } = this.#init

    if (this.#bytes > maxQueueBytes) {
      onStalled()
    } else if (this.#isCongested && !this.#isPaying && this.#bytes <= maxQueueBytes / 8) {
      // payments are queued meanwhile, and flushed later: after that the low mark counts again
      this.#isPaying = true
      this.#isCongested = onCongestion(false)
      this.#isPaying = false

      if (!this.#isCongested) {
        this.#clearStallTimer()
      }
    }

    this.#checkHighMark()
  }

  /** Nobody is told of anything any more. */
  close (): void {
    this.#isClosed = true
    this.#clearStallTimer()
  }

  #checkHighMark (): void {
    if (this.#isClosed || this.#isCongested || this.#bytes <= this.#init.maxQueueBytes / 2) {
      return
    }

    this.#isCongested = true
    this.#progressAt = this.#init.timers.now()
    this.#watch(this.#init.stallTimeoutMs)
    this.#init.onCongestion(true)
  }

  /** Gives the peer up when nothing has left the queue for as long as the stall timeout. */
  #watch (delayMs: number): void {
    const { timers, stallTimeoutMs, onStalled } = this.#init

    this.#stallTimer = timers.schedule(delayMs, () => {
      const left = this.#progressAt + stallTimeoutMs - timers.now()

      if (left > 0) {
        this.#watch(left)
      } else {
        onStalled()
      }
    })
  }

  #clearStallTimer (): void {
    if (this.#stallTimer != null) {
      this.#init.timers.cancel(this.#stallTimer)
      this.#stallTimer = undefined
    }
  }
}
