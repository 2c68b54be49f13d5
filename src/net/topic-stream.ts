import { fromString } from 'uint8arrays/from-string'
import { encodeStreamHeader } from '../wire/index.ts'
import { joinFrames } from './frames.ts'
import { endStream, readToItsEnd } from './stream-end.ts'
import type { Frame } from './frames.ts'
import type { TopicKey } from '../proto/messages.ts'
import type { Connection, Stream } from '@libp2p/interface'

/** Ends the stream at this place of the queue. */
const FINISH = Symbol('finish')

/** Bytes handed to a stream in one piece. */
const BATCH_BYTES = 64 * 1024

/** A stream that was opened for us. */
export interface OpenedStream {
  stream: Stream
  connection: Connection
  /** A frame to be sent before all others. */
  greeting?: Frame
}

/** What a topic stream asks of the peer that it belongs to. */
export interface TopicStreamOwner {
  /** A new outgoing stream on the best connection. Rejects when there is none. */
  openStream (signal: AbortSignal): Promise<OpenedStream>
  /** So many bytes have left the queue. */
  onDequeued (bytes: number): void
  /** The stream could not be opened, or ended although we had not finished it. */
  onStreamFailed (topicStream: TopicStream, error: Error): void
  /** Nothing is queued and no stream is open. */
  onIdle (topicStream: TopicStream): void
}

type State = 'idle' | 'opening' | 'open' | 'finishing'

/**
 * Our half of one topic with one peer: a queue of frames, and the stream that
 * carries them.
 *
 * The stream is opened by the first frame and starts with the header, in one
 * write. It is finished, never reset: a Rust peer that meets a stream without a
 * header accepts no further stream on that connection (rule 3). After a finish the next
 * stream waits until the peer has acknowledged it, or the peer might read the
 * new stream's first frame before the old one's last (rule 4).
 */
export class TopicStream {
  readonly topic: TopicKey
  /** What tells it apart from other streams to the same peer. */
  readonly key: string
  readonly #owner: TopicStreamOwner
  #queue: Array<Frame | typeof FINISH> = []
  /** Index of the first entry that is still to be sent. */
  #head = 0
  #state: State = 'idle'
  #isFlushed = true
  #stream: Stream | undefined
  #abort: AbortController | undefined
  #connection: Connection | undefined
  /** Whether the stream that is being opened is to be moved once it carries something. */
  #moving = false
  /** Orders streams by their last use. */
  lastUsed = 0

  constructor (owner: TopicStreamOwner, topic: TopicKey, key: string = topic) {
    this.#owner = owner
    this.topic = topic
    this.key = key
  }

  /** Whether a stream is open, so that finishing it frees something. */
  get isOpen (): boolean {
    return this.#state === 'open'
  }

  /** Whether nothing is queued, opening or closing. An open stream is quiet too. */
  get isQuiet (): boolean {
    return this.#head === this.#queue.length && (this.#state === 'idle' || this.#state === 'open')
  }

  get isIdle (): boolean {
    return this.#head === this.#queue.length && this.#state === 'idle'
  }

  /** The connection of the open stream. */
  get connection (): Connection | undefined {
    return this.#connection
  }

  /**
   * Queues a frame; `last` finishes the stream after it. Sent at the next `flush`.
   *
   * @returns whether it is the first since then
   */
  enqueue (frame: Frame, last: boolean): boolean {
    this.#queue.push(frame)

    if (last) {
      this.#queue.push(FINISH)
    }

    const wasFlushed = this.#isFlushed
    this.#isFlushed = false

    return wasFlushed
  }

  /** Finishes the stream when all that is queued has been sent. */
  finish (): void {
    if (this.#state === 'idle' && this.#head === this.#queue.length) {
      return
    }

    if (this.#queue[this.#queue.length - 1] !== FINISH) {
      this.#queue.push(FINISH)
    }

    this.flush()
  }

  /** Finishes an open stream and goes on with another at once: nothing that was said must be read before what follows. */
  reopen (): void {
    const stream = this.#stream

    if (this.#state !== 'open' || stream == null) {
      return
    }

    // its close event says nothing from here on
    this.#detach()
    void endStream(stream)
    this.#goOn()
  }

  /**
   * Finishes an open stream and goes on over the best connection once the peer
   * has read it to its end, so that order is kept; what comes meanwhile waits.
   * Only for peers of our kind: a Rust peer does not answer the end of a stream.
   */
  move (): void {
    const stream = this.#stream

    if (this.#state === 'opening') {
      this.#moving = true
      return
    }

    if (this.#state !== 'open' || stream == null) {
      return
    }

    this.#state = 'finishing'
    const isRead = readToItsEnd(stream)
    void endStream(stream)

    void isRead.then((error) => {
      if (this.#stream !== stream) {
        return
      }

      if (error != null) {
        this.#detach()
        this.#state = 'idle'
        this.#owner.onStreamFailed(this, error)
        return
      }

      this.#goOn()
    })
  }

  /** Writes as much of the queue as the stream takes. */
  flush (): void {
    this.#isFlushed = true

    if (this.#state === 'open') {
      this.#write()
    } else if (this.#state === 'idle') {
      this.#skipFinishes()

      if (this.#head < this.#queue.length) {
        this.#open()
      }
    }
  }

  /** Drops the queue and forgets the stream, which ends with its connection. */
  discard (): void {
    const bytes = this.#queuedBytes()
    this.#queue = []
    this.#head = 0
    this.#abort?.abort()
    this.#detach()
    this.#state = 'idle'
    this.#owner.onDequeued(bytes)
  }

  #queuedBytes (): number {
    let bytes = 0

    for (let i = this.#head; i < this.#queue.length; i++) {
      const entry = this.#queue[i]
      bytes += entry === FINISH ? 0 : entry.byteLength
    }

    return bytes
  }

  /** Without a stream there is nothing to finish. */
  #skipFinishes (): void {
    while (this.#queue[this.#head] === FINISH) {
      this.#head++
    }
    this.#trim()
  }

  /** Forgets what has been sent. */
  #trim (): void {
    if (this.#head === this.#queue.length) {
      this.#queue = []
      this.#head = 0
    } else if (this.#head > 1024) {
      this.#queue.splice(0, this.#head)
      this.#head = 0
    }
  }

  #open (): void {
    const abort = new AbortController()
    this.#abort = abort
    this.#state = 'opening'

    this.#owner.openStream(abort.signal).then(({ stream, connection, greeting }) => {
      if (abort.signal.aborted) {
        // whoever opened a stream owes it a header, and then an end
        stream.send(this.#header())
        stream.close().catch((err) => { stream.log('could not finish - %e', err) })
        return
      }

      this.#attach(stream, connection)
      this.#write(greeting == null ? [this.#header()] : [this.#header(), greeting])

      if (this.#moving) {
        this.#moving = false

        if (!connection.direct) {
          this.move()
        }
      }
    }).catch((err: Error) => {
      if (abort.signal.aborted) {
        return
      }

      this.#state = 'idle'
      this.#owner.onStreamFailed(this, err)
    })
  }

  #header (): Uint8Array {
    return encodeStreamHeader(fromString(this.topic, 'hex'))
  }

  #attach (stream: Stream, connection: Connection): void {
    this.#stream = stream
    this.#connection = connection
    this.#state = 'open'
    // nobody aborts the opening any more, and what listens to the signal is let go of
    this.#abort = undefined
    stream.addEventListener('drain', this.#onDrain)
    stream.addEventListener('close', this.#onClose)
    // nothing comes back on an outgoing stream; if something does it is dropped
    stream.addEventListener('message', ignore)
  }

  #detach (): void {
    this.#stream?.removeEventListener('drain', this.#onDrain)
    this.#stream?.removeEventListener('close', this.#onClose)
    this.#stream = undefined
    this.#connection = undefined
  }

  readonly #onDrain = (): void => {
    if (this.#state === 'open') {
      this.#write()
    }
  }

  readonly #onClose = (evt: Event): void => {
    if (this.#state !== 'open') {
      return
    }

    this.#detach()
    this.#state = 'idle'
    this.#owner.onStreamFailed(this, ('error' in evt && evt.error instanceof Error) ? evt.error : new Error('The stream was closed'))
  }

  /**
   * @param head - goes out in one piece with the first frames, whatever the stream thinks of its buffer
   */
  #write (head?: Frame[]): void {
    const stream = this.#stream

    if (stream == null) {
      return
    }

    while (this.#head < this.#queue.length && this.#state === 'open' && (head != null || !stream.writableNeedsDrain)) {
      if (this.#queue[this.#head] === FINISH) {
        this.#head++
        this.#finish(stream)
        break
      }

      const batch = this.#nextBatch(head)
      head = undefined

      try {
        stream.send(batch)
      } catch (err) {
        stream.log('could not write - %e', err)
        // the stream is closing: its close event, already fired or to come, decides
        if (this.#state === 'open') {
          this.#detach()
          this.#state = 'idle'
          this.#owner.onStreamFailed(this, err as Error)
        }
        return
      }
    }

    this.#trim()
  }

  #nextBatch (head: Frame[] | undefined): Frame {
    const first = this.#queue[this.#head] as Frame
    let bytes = first.byteLength
    let end = this.#head + 1

    for (; end < this.#queue.length && bytes < BATCH_BYTES; end++) {
      const entry = this.#queue[end]

      if (entry === FINISH) {
        break
      }

      bytes += entry.byteLength
    }

    const frames = end === this.#head + 1 && head == null ? undefined : this.#queue.slice(this.#head, end) as Frame[]
    this.#head = end
    this.#owner.onDequeued(bytes)

    return frames == null ? first : joinFrames(head == null ? frames : [...head, ...frames])
  }

  #finish (stream: Stream): void {
    this.#state = 'finishing'

    void endStream(stream).then(() => {
      if (this.#state === 'finishing') {
        this.#goOn()
      }
    })
  }

  /** The stream has ended: what is queued goes over another one. */
  #goOn (): void {
    this.#detach()
    this.#state = 'idle'
    this.flush()

    if (this.isIdle) {
      this.#owner.onIdle(this)
    }
  }
}

function ignore (): void {}
