import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'
import { FrameDecoder, decodeMessage, encodeFrame, encodeStreamHeader } from '../../src/wire/index.ts'
import type { Changes } from './changes.ts'
import type { Message } from '../../src/wire/index.ts'
import type { Connection, RecvStream, SendStream } from '@number0/iroh'

/** What is done with the streams that the other side opens. */
export interface RawStreamOptions {
  /** Whether they are read; `false` leaves them open and unread. By default `true`. */
  read?: boolean
  /** Called with each message, on the connection that brought it. */
  onMessage? (message: Message, topic: string, connection: RawConnection): void
}

/** A message that the other side sent. */
export interface RawFrame {
  topic: string
  message: Message
  /** Index of its stream among the connection's incoming ones. */
  stream: number
  /** When it came, as `performance.now()`. */
  at: number
}

const READ_BYTES = 64 * 1024

/** A gossip connection of a raw peer. It keeps all native objects until it is dropped itself. */
export class RawConnection {
  readonly direction: 'inbound' | 'outbound'
  /** Messages that came, oldest first. */
  readonly frames: RawFrame[] = []
  /** Incoming streams that have ended, by their index. */
  readonly ended = new Set<number>()
  readonly #native: Connection
  readonly #changes: Changes
  readonly #options: RawStreamOptions
  readonly #incoming: RecvStream[] = []
  readonly #outgoing: RawStream[] = []
  readonly #streams = new Map<string, Promise<RawStream>>()

  constructor (native: Connection, direction: RawConnection['direction'], changes: Changes, options: RawStreamOptions) {
    this.#native = native
    this.direction = direction
    this.#changes = changes
    this.#options = options
    this.#accept().catch(() => { changes.notify() })
    native.closed().then(() => { changes.notify() }, () => {})
  }

  /** Why the connection is gone, `null` while it lives. */
  get closeReason (): string | null {
    return this.#native.closeReason()
  }

  /** How many streams the other side has opened. */
  get incoming (): number {
    return this.#incoming.length
  }

  /** Messages of one type in a topic, oldest first. */
  messages<T extends Message['type']> (topic: string, type: T): Array<Extract<Message, { type: T }>> {
    return this.frames.flatMap((frame) => frame.topic === topic && isOfType(frame.message, type) ? [frame.message] : [])
  }

  /** Opens a stream and writes its header. */
  async open (topic: string): Promise<RawStream> {
    const stream = await this.openBare()
    await stream.write(encodeStreamHeader(fromString(topic, 'hex')))

    return stream
  }

  /** Opens a stream on which nothing is written yet. */
  async openBare (): Promise<RawStream> {
    const stream = new RawStream(await this.#native.openUni())
    this.#outgoing.push(stream)

    return stream
  }

  /** Sends messages in the topic, on one stream that is opened with the first of them. */
  async send (topic: string, ...messages: Message[]): Promise<void> {
    let opening = this.#streams.get(topic)

    if (opening == null) {
      opening = this.open(topic)
      this.#streams.set(topic, opening)
    }

    const stream = await opening

    for (const message of messages) {
      await stream.send(message)
    }
  }

  /** Refuses to read an incoming stream any further: STOP_SENDING. */
  async stop (stream: number): Promise<void> {
    await this.#incoming[stream].stop(0n)
  }

  /** Reads the streams that were left unread. */
  readOn (): void {
    this.#incoming.forEach((_, index) => { this.#startReading(index) })
  }

  close (): void {
    this.#native.close(0n, [])
  }

  toString (): string {
    const frames = this.frames.map(({ message, stream }) => `${stream}:${message.type}`)

    return `${this.direction}, ${this.#incoming.length} streams, ${this.closeReason ?? 'open'}: ${frames.slice(-20).join(' ')}`
  }

  async #accept (): Promise<void> {
    while (true) {
      const index = this.#incoming.push(await this.#native.acceptUni()) - 1
      this.#changes.notify()

      if (this.#options.read !== false) {
        this.#startReading(index)
      }
    }
  }

  #startReading (index: number): void {
    this.#read(index).catch(() => {}).finally(() => {
      this.ended.add(index)
      this.#changes.notify()
    })
  }

  async #read (index: number): Promise<void> {
    let topic = ''
    const decoder = new FrameDecoder({
      maxMessageSize: 4096,
      onHeader: (bytes) => { topic = toString(bytes, 'hex') },
      onFrame: (payload) => {
        const message = decodeMessage(payload)
        this.frames.push({ topic, message, stream: index, at: performance.now() })
        this.#options.onMessage?.(message, topic, this)
      },
      onViolation: (err) => { this.#changes.fail(err) }
    })

    while (true) {
      const chunk = await this.#incoming[index].read(READ_BYTES)

      if (chunk.length === 0) {
        return
      }

      decoder.push(Uint8Array.from(chunk))
      this.#changes.notify()
    }
  }
}

/** A stream that a raw peer opened. */
export class RawStream {
  readonly #native: SendStream

  constructor (native: SendStream) {
    this.#native = native
  }

  async send (message: Message): Promise<void> {
    await this.write(encodeFrame(message).subarray())
  }

  async write (bytes: Uint8Array): Promise<void> {
    await this.#native.writeAll([...bytes])
  }

  async finish (): Promise<void> {
    await this.#native.finish()
  }

  async reset (): Promise<void> {
    await this.#native.reset(0n)
  }

  /** Resolves to `null` when all was received and the stream finished, to an error code when the other side stopped it. */
  async stopped (): Promise<number | null> {
    return this.#native.stopped()
  }
}

function isOfType<T extends Message['type']> (message: Message, type: T): message is Extract<Message, { type: T }> {
  return message.type === type
}
