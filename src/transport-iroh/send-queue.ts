import { raceSignal } from 'race-signal'
import { CHUNK_BYTES, nativeMessage } from './native.ts'
import type { Native, NativeSendStream } from './native.ts'

/** Bytes that may wait before the writer is asked to pause, and at which it may go on. */
const HIGH_WATER_BYTES = 64 * 1024
const LOW_WATER_BYTES = 32 * 1024

/** Milliseconds that the remote has to acknowledge the end of a stream. */
const ACKNOWLEDGE_TIMEOUT_MS = 5_000

/** Milliseconds that a stream may wait for the remote's permission to open. */
const OPEN_TIMEOUT_MS = 10_000

export interface SendQueueInit {
  native: Native
  /** Called once, when there is something to write. */
  open (): Promise<NativeSendStream>
  /** The queue was full and has room again. */
  onDrain (): void
  /** No more can be written; comes at most once. */
  onFailure (error: SendFailure): void
}

/** Why nothing more can be written. */
export type SendFailure =
  /** The remote reads no more of this stream. */
  | { type: 'stopped' }
  | { type: 'connectionLost', message: string }
  /** The remote lets us open no further stream; one that opens later is finished at once. */
  | { type: 'openTimeout' }

/**
 * Writes to one QUIC stream, in large pieces and in the background.
 *
 * The stream is opened by the first bytes, which go out with it: a Rust peer
 * whose stream ends before its header accepts no further one on that connection
 * (rule 3). For the same reason whatever was put in here is written and the
 * stream is finished, even if its user has given up meanwhile; it is never
 * reset.
 */
export class SendQueue {
  readonly #init: SendQueueInit
  readonly #done = Promise.withResolvers<unknown>()
  readonly #chunks: Uint8Array[] = []
  /** Bytes of the first chunk that are written. */
  #offset = 0
  #pendingBytes = 0
  #stream: NativeSendStream | undefined
  #isRunning = false
  #isEnding = false
  #isFull = false
  #hasFailed = false
  #isDone = false

  constructor (init: SendQueueInit) {
    this.#init = init
  }

  /** Resolves when {@link end} does; never before it is called, unless writing fails. */
  get ended (): Promise<unknown> {
    return this.#done.promise
  }

  /** Whether anything was ever put in. */
  get wasUsed (): boolean {
    return this.#isRunning || this.#stream != null || this.#isDone
  }

  /**
   * Takes bytes, uncopied: they must not be changed any more.
   *
   * @returns false if the writer should wait for `onDrain`
   */
  push (chunks: Iterable<Uint8Array>): boolean {
    if (this.#hasFailed || this.#isDone) {
      return true
    }

    for (const chunk of chunks) {
      if (chunk.byteLength > 0) {
        this.#chunks.push(chunk)
        this.#pendingBytes += chunk.byteLength
      }
    }

    this.#isFull ||= this.#pendingBytes > HIGH_WATER_BYTES
    this.#wake()

    return !this.#isFull
  }

  /**
   * Finishes the stream after what was put in. A stream that never was opened
   * is none.
   *
   * @returns when the remote has acknowledged the end, has said that it reads no
   * more, or let 5 s pass. Never rejects.
   */
  async end (): Promise<void> {
    if (!this.#isEnding) {
      this.#isEnding = true

      if (this.wasUsed && !this.#isDone) {
        this.#wake()
      } else {
        this.#done.resolve(undefined)
      }
    }

    await this.#done.promise
  }

  #wake (): void {
    if (!this.#isRunning) {
      this.#isRunning = true
      void this.#run()
    }
  }

  async #run (): Promise<void> {
    try {
      this.#stream ??= await this.#open()

      while (this.#pendingBytes > 0) {
        await this.#stream.writeAll(this.#take())
        this.#maybeDrain()
      }

      if (this.#isEnding) {
        await this.#stream.finish()
        await raceSignal(this.#stream.stopped(), AbortSignal.timeout(ACKNOWLEDGE_TIMEOUT_MS)).catch(() => {})
        this.#settle()
      }
    } catch (err) {
      const message = nativeMessage(err)
      this.#fail(message.startsWith('Stopped') ? { type: 'stopped' } : { type: 'connectionLost', message })
    } finally {
      this.#isRunning = false
    }
  }

  async #open (): Promise<NativeSendStream> {
    const timeout = setTimeout(() => {
      // what has been taken is still written when the stream opens after all
      this.#isEnding = true
      this.#report({ type: 'openTimeout' })
    }, OPEN_TIMEOUT_MS)
    timeout.unref?.()

    try {
      return await this.#init.open()
    } finally {
      clearTimeout(timeout)
    }
  }

  #take (): ReturnType<Native['gather']> {
    const length = Math.min(CHUNK_BYTES, this.#pendingBytes)
    const bytes = this.#init.native.gather(this.#chunks, this.#offset, length)
    let rest = length
    let taken = 0

    while (rest > 0) {
      const available = this.#chunks[taken].byteLength - this.#offset

      if (rest < available) {
        this.#offset += rest
        break
      }

      rest -= available
      this.#offset = 0
      taken++
    }

    this.#chunks.splice(0, taken)
    this.#pendingBytes -= length

    return bytes
  }

  #maybeDrain (): void {
    if (this.#isFull && this.#pendingBytes <= LOW_WATER_BYTES) {
      this.#isFull = false
      this.#init.onDrain()
    }
  }

  #fail (error: SendFailure): void {
    this.#chunks.length = 0
    this.#pendingBytes = 0
    this.#report(error)
    this.#settle()
  }

  #settle (): void {
    // it would keep the endpoint's sockets open as long as somebody keeps this
    this.#stream = undefined
    this.#isDone = true
    this.#done.resolve(undefined)
  }

  #report (error: SendFailure): void {
    if (!this.#hasFailed) {
      this.#hasFailed = true
      this.#init.onFailure(error)
    }
  }
}
