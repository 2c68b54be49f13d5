import type { Timers } from './timers.ts'
import type { TopicStream } from './topic-stream.ts'

/** Streams that we keep open to one peer; a Rust peer allows 100 (rule 12), and each costs about 7 KiB at its end. */
const MAX_OPEN_STREAMS = 64

/**
 * Streams that stay open for as long as nothing is sent on them. Of more, those
 * that were not used for so many milliseconds are finished: a node in thousands
 * of quiet topics could not afford them.
 */
const MAX_QUIET_STREAMS = 8
const QUIET_STREAM_MS = 10_000

/** Finishes those of a peer's streams that carry nothing, where there are too many. */
export class QuietStreams {
  readonly #streams: ReadonlyMap<string, TopicStream>
  readonly #timers: Pick<Timers, 'schedule'>
  #uses = 0
  /** How many uses there had been when quiet streams were last looked at. */
  #usesBefore = 0
  #isWatching = false
  #isStopped = false

  /**
   * @param streams - all of the peer, as they are at any time
   */
  constructor (streams: ReadonlyMap<string, TopicStream>, timers: Pick<Timers, 'schedule'>) {
    this.#streams = streams
    this.#timers = timers
  }

  /** Streams that are open for writing. */
  get open (): number {
    let open = 0

    for (const stream of this.#streams.values()) {
      open += stream.isOpen ? 1 : 0
    }

    return open
  }

  /** Something is to be sent on a stream. */
  onUse (stream: TopicStream): void {
    stream.lastUsed = ++this.#uses
  }

  /** One more is about to be opened: finishes the one that was idle for longest, where that would be too many. */
  makeRoom (): void {
    this.#watch()

    if (this.open < MAX_OPEN_STREAMS) {
      return
    }

    let oldest: TopicStream | undefined

    for (const stream of this.#streams.values()) {
      if (stream.isOpen && stream.isQuiet && (oldest == null || stream.lastUsed < oldest.lastUsed)) {
        oldest = stream
      }
    }

    oldest?.finish()
  }

  stop (): void {
    this.#isStopped = true
  }

  /** Lets go of quiet streams from time to time, while there are too many. */
  #watch (): void {
    if (this.#isWatching || this.#isStopped) {
      return
    }

    this.#isWatching = true
    this.#usesBefore = this.#uses
    this.#timers.schedule(QUIET_STREAM_MS, () => {
      this.#isWatching = false
      this.#finishUnused(this.#usesBefore)

      if (this.#streams.size > MAX_QUIET_STREAMS) {
        this.#watch()
      }
    })
  }

  /** Finishes streams that were last used so many uses ago, the oldest first, until few enough are open. */
  #finishUnused (usesBefore: number): void {
    const quiet = [...this.#streams.values()]
      .filter((stream) => stream.isOpen && stream.isQuiet && stream.lastUsed <= usesBefore)
      .sort((a, b) => a.lastUsed - b.lastUsed)

    for (const stream of quiet.slice(0, Math.max(0, this.open - MAX_QUIET_STREAMS))) {
      stream.finish()
    }
  }
}
