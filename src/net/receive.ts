import { FrameDecoder } from '../wire/index.ts'
import { WindowUpdates } from './window-updates.ts'
import type { InvalidMessageError, MessageTooLargeError } from '../errors.ts'
import type { Connection, Stream, StreamMessageEvent } from '@libp2p/interface'

/** What comes out of an incoming stream. */
export interface ReceiveHandlers {
  /** One payload of the topic that the stream's header named. */
  onFrame (topicId: Uint8Array, payload: Uint8Array): void
  /** Bytes that are no frame of ours. The stream is read on. */
  onViolation (error: InvalidMessageError | MessageTooLargeError): void
}

/**
 * Reads an incoming stream to its end, whatever it carries.
 *
 * Nothing here stops, resets or pauses the stream: a Rust peer whose stream is
 * stopped, or not read, freezes with all its topics (rules 1 and 2). Our own half carries
 * nothing; it is finished when all is read, which tells the writer so.
 */
export function receive (stream: Stream, connection: Pick<Connection, 'multiplexer'>, maxMessageSize: number, handlers: ReceiveHandlers): void {
  let topicId: Uint8Array | undefined

  const decoder = new FrameDecoder({
    maxMessageSize,
    onHeader: (id) => {
      topicId = id
    },
    onFrame: (payload) => {
      if (topicId != null) {
        handlers.onFrame(topicId, payload)
      }
    },
    onViolation: handlers.onViolation
  })

  const updates = new WindowUpdates(stream, connection)

  // frames are taken as they come, so the buffer only ever holds what arrived before the listener
  stream.maxReadBufferLength = Infinity
  stream.addEventListener('message', (evt: StreamMessageEvent) => {
    decoder.push(evt.data)
    updates.onRead(evt.data.byteLength)
  })

  stream.addEventListener('end', () => {
    // what a broken stream leaves behind is nobody's fault
    if (stream.status !== 'aborted' && stream.status !== 'reset') {
      decoder.end()
    }

    stream.close().catch((err) => {
      stream.log('could not finish the unused half - %e', err)
    })
  }, { once: true })
}
