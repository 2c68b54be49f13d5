import type { Connection, Stream } from '@libp2p/interface'

/** The muxer that answers every frame with a window update. */
const YAMUX_PROTOCOL = '/yamux/1.0.0'

/** A quarter of the window that yamux grants at least: the sender never waits for an update that is held back. */
const UPDATE_BYTES = 64 * 1024

/**
 * Tells a yamux sender of what was read once in 64 KiB, not with every frame.
 *
 * libp2p's yamux sends a window update for each data frame that it takes,
 * which costs both ends as many packets as a small payload, unless the reader
 * has paused the stream. So the stream is paused as the muxer sees it, and goes
 * on handing over what comes, because its `readStatus` says so; where that
 * cannot be set it is left as it was.
 */
export class WindowUpdates {
  readonly #stream: Stream
  #isHeld = false
  #isPossible: boolean
  /** Bytes read since the last update; `undefined` until the first chunk, whose answer also accepts the stream. */
  #bytes: number | undefined

  constructor (stream: Stream, connection: Pick<Connection, 'multiplexer'>) {
    this.#stream = stream
    this.#isPossible = connection.multiplexer === YAMUX_PROTOCOL
  }

  /** So many bytes were read; to be called while they are handed over. */
  onRead (bytes: number): void {
    if (this.#bytes === undefined) {
      this.#bytes = 0
      return
    }

    this.#bytes += bytes

    if (this.#isPossible && (!this.#isHeld || this.#bytes >= UPDATE_BYTES) && this.#stream.readStatus === 'readable') {
      this.#update()
    }
  }

  #update (): void {
    const stream = this.#stream
    this.#bytes = 0

    try {
      if (this.#isHeld) {
        stream.readStatus = 'paused'
        // sends an update for all that was read
        stream.resume()
      }

      stream.pause()
      stream.readStatus = 'readable'
      this.#isHeld = true
    } catch (err) {
      this.#isPossible = false
      stream.log('cannot hold back window updates - %e', err)
      stream.resume()
    }
  }
}
