import { ConnectionClosedError } from '@libp2p/interface'
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import { raceSignal } from 'race-signal'
import { nativeMessage } from './native.ts'
import type { Native, NativeConnection, NativeRecvStream, NativeSendStream } from './native.ts'
import type { SendQueue } from './send-queue.ts'
import type { AbortOptions, Logger, MessageStreamDirection, PeerId } from '@libp2p/interface'
import type { SendResult } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Uint8ArrayList } from 'uint8arraylist'

/**
 * Streams that the remote may have open at a time. A Rust peer has one for each
 * topic, and waits for the next with everything that it does: the 100 of QUIC's
 * default would freeze one that shares more topics with us.
 */
const MAX_REMOTE_STREAMS = 4_096n

/**
 * Milliseconds between the last acknowledgement and the close. What is
 * acknowledged is not yet read, and a close overtakes it: without a pause a
 * Rust peer loses half of what is sent last (rule 12).
 */
const GRACE_MS = 500

/** Milliseconds that streams have to be finished before the connection closes. */
const CLOSE_TIMEOUT_MS = 5_000
const ABORT_TIMEOUT_MS = 2_000

/** Milliseconds in which what arrived before the remote's close is read. */
const DRAIN_TIMEOUT_MS = 1_000

export interface IrohConnectionInit {
  native: Native
  connection: NativeConnection
  /** The libp2p protocol that the connection's ALPN stands for. */
  protocol: string
  remotePeer: PeerId
  remoteAddr: Multiaddr
  direction: MessageStreamDirection
  log: Logger
}

/**
 * A native connection as libp2p's transports know one.
 *
 * It loses nothing in either direction: before it closes, and before it is
 * aborted too, its outgoing streams are finished and have 500 ms to be read;
 * and what arrived before the remote closed it is read first.
 */
export class IrohConnection extends AbstractMultiaddrConnection {
  readonly native: Native
  readonly protocol: string
  readonly remotePeer: PeerId
  /** Resolves when the native connection is gone and everything that it brought is read. Never rejects. */
  readonly closed: Promise<void>
  /** Dropped when it is gone, for it keeps the sockets of its endpoint open. */
  #connection: NativeConnection | undefined
  readonly #nativeClosed: Promise<string>
  readonly #queues = new Set<SendQueue>()
  readonly #inbound = new Set<Promise<void>>()
  readonly #deadline = Promise.withResolvers<unknown>()
  readonly #timers = new Set<ReturnType<typeof setTimeout>>()
  #shutdown: Promise<void> | undefined
  /** When the last outgoing stream ended, in milliseconds of the monotonic clock. */
  #lastEndedAt = -Infinity

  constructor (init: IrohConnectionInit) {
    super(init)

    this.native = init.native
    this.protocol = init.protocol
    this.remotePeer = init.remotePeer
    this.#connection = init.connection
    this.#nativeClosed = init.connection.closed().catch(nativeMessage)
    init.connection.setMaxConcurrentUniStreams(MAX_REMOTE_STREAMS)
    this.closed = this.#awaitClosed()
  }

  async openStream (): Promise<NativeSendStream> {
    if (this.#connection == null) {
      throw new ConnectionClosedError('The native connection is closed')
    }

    return this.#connection.openUni()
  }

  /** @returns nothing once the connection is gone and all its streams were returned */
  async acceptStream (): Promise<NativeRecvStream | undefined> {
    try {
      return await this.#connection?.acceptUni()
    } catch (err) {
      this.log('accepts no more streams - %s', nativeMessage(err))
      return undefined
    }
  }

  /** Remembers a queue whose content must be sent before the connection closes. */
  track (queue: SendQueue): void {
    this.#queues.add(queue)
    void queue.ended.then(() => {
      this.#queues.delete(queue)
      this.#lastEndedAt = performance.now()
    })
  }

  /** Remembers something that reads from the connection until it has ended. */
  trackInbound (reading: Promise<void>): void {
    this.#inbound.add(reading)
    void reading.then(() => this.#inbound.delete(reading))
  }

  /**
   * Closes without losing anything, at any time and any number of times.
   *
   * @param timeoutMs - for what is queued; the earliest of several calls counts
   * @returns when the connection is gone. Never rejects.
   */
  async shutDown (timeoutMs: number = ABORT_TIMEOUT_MS): Promise<void> {
    if (this.#connection != null) {
      this.#timers.add(setTimeout(this.#deadline.resolve, timeoutMs))
      this.#shutdown ??= this.#finish()
    }

    await this.closed
  }

  sendData (data: Uint8ArrayList): SendResult {
    // cannot happen: the muxer writes to streams only
    this.log.error('%d bytes outside of a stream are dropped', data.byteLength)

    return { sentBytes: data.byteLength, canSendMore: true }
  }

  async sendClose (options?: AbortOptions): Promise<void> {
    await raceSignal(this.shutDown(CLOSE_TIMEOUT_MS), options?.signal)
  }

  sendReset (): void {
    void this.shutDown(ABORT_TIMEOUT_MS)
  }

  sendPause (): void {}

  sendResume (): void {}

  async #finish (): Promise<void> {
    const finished = Promise.all([...this.#queues].map(async (queue) => queue.end()))
    await Promise.race([finished, this.#deadline.promise, this.#nativeClosed])

    const graceMs = this.#lastEndedAt + GRACE_MS - performance.now()

    if (graceMs > 0) {
      await Promise.race([this.#delay(graceMs), this.#nativeClosed])
    }

    this.#connection?.close(0n, [])
  }

  async #awaitClosed (): Promise<void> {
    const reason = await this.#nativeClosed
    this.log('connection is gone - %s', reason)

    // a graceful quit of a Rust peer is said and followed by the close at once (rule 11)
    await Promise.race([this.#drained(), this.#delay(DRAIN_TIMEOUT_MS)])

    this.#connection = undefined
    this.#timers.forEach(clearTimeout)
    this.#timers.clear()
    this.onTransportClosed()
  }

  async #drained (): Promise<void> {
    while (this.#inbound.size > 0) {
      await Promise.all(this.#inbound)
    }
  }

  async #delay (ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#timers.add(setTimeout(resolve, ms))
    })
  }
}
