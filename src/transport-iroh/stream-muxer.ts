import { UnsupportedProtocolError } from '@libp2p/interface'
import { AbstractStreamMuxer } from '@libp2p/utils'
import { raceSignal } from 'race-signal'
import { InboundIrohStream, OutboundIrohStream } from './stream.ts'
import type { IrohConnection } from './connection.ts'
import type { IrohStream } from './stream.ts'
import type { AbortOptions, CreateStreamOptions, MessageStream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'

/** What libp2p calls the muxer. */
const MUXER = '/iroh/quic-uni'

/**
 * Makes the muxer of one connection.
 */
export class IrohStreamMuxerFactory implements StreamMuxerFactory {
  readonly protocol = MUXER
  readonly #connection: IrohConnection

  constructor (connection: IrohConnection) {
    this.#connection = connection
  }

  createStreamMuxer (maConn: MessageStream): StreamMuxer {
    return new IrohStreamMuxer(this.#connection, maConn)
  }
}

/**
 * Streams of the one protocol that a connection's ALPN stands for. No protocol
 * is negotiated on them, and any other is refused without asking the remote.
 *
 * That refusal is what keeps the connection alive: libp2p's connection monitor,
 * which opens a ping stream every 10 s and aborts the connection if that fails,
 * takes an `UnsupportedProtocolError` for a sign of life. The round trip that
 * it then notes, `connection.rtt`, is 0 and means nothing.
 */
class IrohStreamMuxer extends AbstractStreamMuxer<IrohStream> {
  readonly #connection: IrohConnection
  #nextId = 0

  constructor (connection: IrohConnection, maConn: MessageStream) {
    // streams that come before libp2p listens are limited by QUIC alone: a Rust
    // peer opens one for each topic, and more than libp2p's 10 may be first
    super(maConn, { protocol: MUXER, name: 'muxer', maxEarlyStreams: Infinity })

    this.#connection = connection
    connection.trackInbound(this.#acceptStreams())
  }

  onCreateStream ({ protocol }: CreateStreamOptions): IrohStream {
    if (protocol !== this.#connection.protocol) {
      throw new UnsupportedProtocolError(`A connection by iroh carries ${this.#connection.protocol} alone, not ${protocol ?? 'one of several protocols'}`)
    }

    const id = `out-${this.#nextId++}`

    return new OutboundIrohStream({
      id,
      protocol,
      log: this.log.newScope(id),
      native: this.#connection.native,
      open: async () => this.#connection.openStream(),
      onUsed: (queue) => { this.#connection.track(queue) }
    })
  }

  onData (): void {
    // cannot happen: a native connection carries no bytes outside of streams
  }

  /**
   * Finishes all outgoing streams. Those that cannot be finished in time are
   * left to the connection, which waits for them before it closes.
   */
  override async close (options?: AbortOptions): Promise<void> {
    if (this.status !== 'open') {
      return
    }

    this.status = 'closing'
    const closing = Promise.allSettled([...this.streams].map(async (stream) => stream.close(options)))
    await raceSignal(closing, options?.signal).catch(() => {})
    this.status = 'closed'
  }

  async #acceptStreams (): Promise<void> {
    while (true) {
      const stream = await this.#connection.acceptStream()

      if (stream == null) {
        return
      }

      const id = `in-${this.#nextId++}`
      const inbound = new InboundIrohStream({
        id,
        protocol: this.#connection.protocol,
        log: this.log.newScope(id),
        stream
      })

      this.#connection.trackInbound(inbound.ended)
      this.onRemoteStream(inbound)
    }
  }
}
