import { TimeoutError } from '@libp2p/interface'
import { AbstractStream } from '@libp2p/utils'
import { raceSignal } from 'race-signal'
import { CHUNK_BYTES, fromNative, nativeMessage } from './native.ts'
import { SendQueue } from './send-queue.ts'
import type { Native, NativeRecvStream, NativeSendStream } from './native.ts'
import type { SendFailure } from './send-queue.ts'
import type { AbortOptions, Logger } from '@libp2p/interface'
import type { SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'

/**
 * Bytes that an incoming stream holds for a handler that is not there yet. One
 * that never comes, or that pauses the stream, loses the stream here, but not
 * at the remote: it is read on, and discarded.
 */
const MAX_READ_BUFFER_BYTES = 16 * 1024 * 1024

interface IrohStreamInit {
  id: string
  protocol: string
  log: Logger
}

/** A libp2p stream that is one QUIC unidirectional stream. */
export type IrohStream = OutboundIrohStream | InboundIrohStream

export interface OutboundIrohStreamInit extends IrohStreamInit {
  native: Native
  open (): Promise<NativeSendStream>
  /** The stream is in use from now on; the queue outlives it. */
  onUsed (queue: SendQueue): void
}

/**
 * A stream that we write.
 *
 * Its readable side has ended from the start. Nothing reaches the remote before
 * the first write. `close()` resolves when the remote has acknowledged the end,
 * or after 5 s. `abort()` finishes the stream too, after what was sent before:
 * a Rust peer is never shown a reset (rule 3).
 */
export class OutboundIrohStream extends AbstractStream {
  readonly #queue: SendQueue
  readonly #onUsed: () => void

  constructor (init: OutboundIrohStreamInit) {
    super({ ...init, direction: 'outbound' })

    this.#queue = new SendQueue({
      native: init.native,
      open: init.open,
      onDrain: () => { this.safeDispatchEvent('drain') },
      onFailure: (error) => { this.#onFailure(error) }
    })
    this.#onUsed = () => { init.onUsed(this.#queue) }
    this.remoteWriteStatus = 'closed'
    this.readStatus = 'closed'
    this.maybeDispatchEnd()
  }

  sendData (data: Uint8ArrayList): SendResult {
    if (!this.#queue.wasUsed) {
      this.#onUsed()
    }

    // all of it is taken, full or not: what ends up on the wire when the stream
    // is aborted are whole writes, so whole frames
    const canSendMore = this.#queue.push(data)

    return { sentBytes: data.byteLength, canSendMore }
  }

  sendReset (): void {
    void this.#queue.end()
  }

  async sendCloseWrite (options?: AbortOptions): Promise<void> {
    await raceSignal(this.#queue.end(), options?.signal)
  }

  async sendCloseRead (): Promise<void> {}

  sendPause (): void {}

  sendResume (): void {}

  #onFailure (error: SendFailure): void {
    if (this.status !== 'open' && this.status !== 'closing') {
      return
    }

    switch (error.type) {
      case 'stopped': {
        this.onRemoteReset()
        break
      }
      case 'connectionLost': {
        this.log('write failed, the connection is lost - %s', error.message)
        this.onTransportClosed()
        break
      }
      case 'openTimeout': {
        this.abort(new TimeoutError('The remote peer lets us open no further stream'))
        break
      }
      default: {
        error satisfies never
      }
    }
  }
}

export interface InboundIrohStreamInit extends IrohStreamInit {
  stream: NativeRecvStream
}

/**
 * A stream that the remote writes.
 *
 * Its writable side is closed from the start. It is read to its end whatever
 * becomes of it here: a stream of a Rust peer that is stopped, reset, or left
 * unread freezes that peer (rules 1 and 2). What nobody wants is discarded.
 */
export class InboundIrohStream extends AbstractStream {
  /** Resolves when the native stream has ended. Never rejects. */
  readonly ended: Promise<void>
  /** The remote has finished, and nobody has listened yet who could be told. */
  #isEndPending = false

  constructor (init: InboundIrohStreamInit) {
    super({ ...init, direction: 'inbound', maxReadBufferLength: MAX_READ_BUFFER_BYTES })

    this.writeStatus = 'closed'
    this.remoteReadStatus = 'closed'
    this.ended = this.#read(init.stream)
  }

  /**
   * As usual; and the end of a stream that was over before anybody listened for
   * its bytes comes after them, not before.
   */
  override addEventListener (...args: Parameters<AbstractStream['addEventListener']>): void {
    super.addEventListener(...args)

    if (args[0] === 'message' && this.#isEndPending) {
      this.#isEndPending = false
      queueMicrotask(() => { this.onRemoteCloseWrite() })
    }
  }

  sendData (data: Uint8ArrayList): SendResult {
    // cannot happen: the writable side is closed
    return { sentBytes: data.byteLength, canSendMore: true }
  }

  sendReset (): void {}

  async sendCloseWrite (): Promise<void> {}

  async sendCloseRead (): Promise<void> {}

  sendPause (): void {}

  sendResume (): void {}

  async #read (stream: NativeRecvStream): Promise<void> {
    try {
      while (true) {
        const bytes = fromNative(await stream.read(CHUNK_BYTES))

        if (bytes.byteLength === 0) {
          break
        }

        this.#deliver(bytes)
      }

      if (this.status === 'open') {
        this.#end()
      }
    } catch (err) {
      if (this.status !== 'open') {
        return
      }

      const message = nativeMessage(err)

      if (message.startsWith('Reset')) {
        this.onRemoteReset()
      } else {
        this.log('read failed, the connection is lost - %s', message)
        this.onTransportClosed()
      }
    }
  }

  #deliver (bytes: Uint8Array): void {
    if (this.status !== 'open') {
      return
    }

    try {
      this.onData(bytes)
    } catch (err) {
      // whoever it was: reading goes on
      this.abort(err instanceof Error ? err : new Error(String(err)))
    }
  }

  #end (): void {
    if (this.listenerCount('message') > 0) {
      this.onRemoteCloseWrite()
    } else {
      this.#isEndPending = true
    }
  }
}
