import { Backlog } from './backlog.ts'
import { QuietStreams } from './quiet-streams.ts'
import { TopicStream } from './topic-stream.ts'
import type { Frame } from './frames.ts'
import type { Timers } from './timers.ts'
import type { OpenedStream, TopicStreamOwner } from './topic-stream.ts'
import type { DisconnectReason } from '../proto/events.ts'
import type { PeerKey, TopicKey } from '../proto/messages.ts'
import type { Connection, Logger, PeerId } from '@libp2p/interface'

/**
 * A frame of more bytes goes over a second stream of its topic, so that what is
 * sent after it need not wait for it. Several streams of a topic are legal, and
 * read in parallel, by Rust peers too (rule 4).
 */
const LARGE_FRAME_BYTES = 32 * 1024

/** Streams opened at a time: libp2p's muxers end a connection at the 11th stream that arrives before its listener. */
const MAX_OPENING_STREAMS = 4

/** Streams that may fail, within the time below, before the peer is given up. */
const MAX_STREAM_FAILURES = 3

/** Milliseconds after which a failed stream no longer counts. */
const STREAM_FAILURE_MEMORY_MS = 30_000

/**
 * A Rust peer stops a stream with a frame that it cannot take, and is glad of
 * the next one (rule 5).
 *
 * Milliseconds before a failed stream is opened again, for each failure lately.
 * Streams end before their connection does: it has then reported its end.
 */
const REOPEN_DELAY_MS = 50

/** What a peer asks of the network that it belongs to. */
export interface RemotePeerOwner {
  readonly log: Logger
  readonly timers: Timers
  readonly maxQueueBytes: number
  readonly stallTimeoutMs: number
  /** An outgoing stream on the best open connection, or on one that is dialed now. */
  openStream (peer: RemotePeer, signal: AbortSignal): Promise<OpenedStream>
  hasConnection (peer: RemotePeer): boolean
  /** The queue passed its high or low mark. Returns whether more waits to be queued at the next low mark. */
  onCongestion (peer: RemotePeer, congested: boolean): boolean
  /** A stream to the peer ended by itself, and is opened again: what it carried may be lost. */
  onStreamReopened (peer: RemotePeer): void
  /** The peer is let go: it has no queue and no stream any more. */
  onPeerFailed (peer: RemotePeer, reason: DisconnectReason): void
  /** The peer was released and all that was queued for it has been sent. */
  onPeerReleased (peer: RemotePeer): void
}

/**
 * Our sending side towards one peer: a stream for each topic, and a bound on
 * what waits for all of them together.
 */
export class RemotePeer implements TopicStreamOwner {
  readonly key: PeerKey
  readonly id: PeerId
  /** Connections on which the peer refused our protocol. */
  readonly refusedBy = new WeakSet<Connection>()
  readonly #owner: RemotePeerOwner
  /** By topic, and by {@link largeKey} for large frames. */
  readonly #streams = new Map<string, TopicStream>()
  readonly #quiet: QuietStreams
  readonly #backlog: Backlog
  /** Streams with frames queued since the last flush. */
  #dirty: TopicStream[] = []
  /** When streams failed lately. */
  #failures: number[] = []
  /** Streams that are being opened; the next in a slot waits for the one before. */
  readonly #opening: Array<Promise<unknown>> = []
  #opened = 0
  #released = false
  #failed = false

  constructor (owner: RemotePeerOwner, key: PeerKey, id: PeerId) {
    this.#owner = owner
    this.key = key
    this.id = id
    this.#quiet = new QuietStreams(this.#streams, owner.timers)
    this.#backlog = new Backlog({
      timers: owner.timers,
      maxQueueBytes: owner.maxQueueBytes,
      stallTimeoutMs: owner.stallTimeoutMs,
      onCongestion: (congested) => owner.onCongestion(this, congested),
      onStalled: () => { this.fail('sendStalled') }
    })
  }

  /** Bytes that wait for the peer. */
  get queuedBytes (): number {
    return this.#backlog.bytes
  }

  /** Streams that are open for writing. */
  get openStreams (): number {
    return this.#quiet.open
  }

  get isReleased (): boolean {
    return this.#released
  }

  /**
   * Queues a frame. `last` finishes the topic's stream after it.
   *
   * Nothing is written before `flush`: the frames of one turn leave together.
   */
  enqueue (topic: TopicKey, frame: Frame, last: boolean): void {
    this.#released = false
    const key = frame.byteLength > LARGE_FRAME_BYTES ? largeKey(topic) : topic
    let stream = this.#streams.get(key)

    if (stream == null) {
      stream = new TopicStream(this, topic, key)
      this.#streams.set(key, stream)
    }

    if (last) {
      this.#streams.get(largeKey(topic))?.finish()
    }

    if (stream.enqueue(frame, last)) {
      this.#dirty.push(stream)
    }

    this.#quiet.onUse(stream)
    this.#backlog.add(frame.byteLength)
  }

  /** Writes what the open streams take, opens those that are missing. */
  flush (): void {
    this.#dirty = []

    for (const stream of this.#streams.values()) {
      stream.flush()
    }

    this.#backlog.check()
  }

  /** The same for what was queued since the last flush: however many topics there are, it costs what is sent. */
  flushQueued (): void {
    const dirty = this.#dirty
    this.#dirty = []

    for (const stream of dirty) {
      stream.flush()
    }

    this.#backlog.check()
  }

  /** Finishes the streams once all that is queued has been sent, then reports. */
  release (): void {
    this.#released = true

    for (const stream of this.#streams.values()) {
      stream.finish()
    }

    this.#maybeReleased()
  }

  /** Finishes the streams on a connection; what comes next goes over another one. */
  leave (connection: Connection): void {
    for (const stream of this.#streams.values()) {
      if (stream.connection === connection) {
        stream.finish()
      }
    }
  }

  /** Goes on over a direct connection: what is open through relays is finished, and read to its end first. */
  leaveRelays (): void {
    for (const stream of this.#streams.values()) {
      if (stream.connection?.direct !== true) {
        stream.move()
      }
    }
  }

  /** Goes on over the best connection: whatever is open on another one is finished. */
  moveTo (connection: Connection): void {
    for (const stream of this.#streams.values()) {
      if (stream.connection !== connection) {
        stream.reopen()
      }
    }
  }

  /** Drops everything and reports the peer as gone. */
  fail (reason: DisconnectReason): void {
    if (this.#failed) {
      return
    }

    this.#failed = true
    this.discard()
    this.#owner.onPeerFailed(this, reason)
  }

  /** Drops everything, silently. */
  discard (): void {
    this.#failed = true
    this.#quiet.stop()
    this.#backlog.close()

    for (const stream of this.#streams.values()) {
      stream.discard()
    }

    this.#streams.clear()
  }

  async openStream (signal: AbortSignal): Promise<OpenedStream> {
    const slot = this.#opened++ % MAX_OPENING_STREAMS
    const opening = Promise.resolve(this.#opening[slot]).then(async () => {
      signal.throwIfAborted()
      this.#quiet.makeRoom()

      return this.#owner.openStream(this, signal)
    })
    this.#opening[slot] = opening.catch(() => {})

    return opening
  }

  onDequeued (bytes: number): void {
    this.#backlog.remove(bytes)
  }

  onStreamFailed (topicStream: TopicStream, error: Error): void {
    if (this.#failed) {
      return
    }

    this.#owner.log('a stream to %p failed - %e', this.id, error)

    const now = this.#owner.timers.now()
    this.#failures = this.#failures.filter((at) => now - at < STREAM_FAILURE_MEMORY_MS)

    // streams that end together have one cause: that connection
    if (now - (this.#failures.at(-1) ?? -Infinity) >= REOPEN_DELAY_MS) {
      this.#failures.push(now)
    }

    if (topicStream.isIdle) {
      this.#streams.delete(topicStream.key)
    }

    if (!this.#owner.hasConnection(this)) {
      // the dial failed, or the connection went away under the stream
      this.fail('connectionClosed')
    } else if (this.#failures.length > MAX_STREAM_FAILURES) {
      this.fail('protocolError')
    } else {
      this.#owner.timers.schedule(REOPEN_DELAY_MS * this.#failures.length, () => {
        if (!this.#failed) {
          this.#owner.onStreamReopened(this)
          topicStream.flush()
          this.#maybeReleased()
        }
      })
    }
  }

  onIdle (topicStream: TopicStream): void {
    if (this.#streams.get(topicStream.key) === topicStream) {
      // made anew for the next frame: a quiet topic costs nothing here
      this.#streams.delete(topicStream.key)
    }

    this.#maybeReleased()
  }

  #maybeReleased (): void {
    if (!this.#released || this.#failed) {
      return
    }

    for (const stream of this.#streams.values()) {
      if (!stream.isIdle) {
        return
      }
    }

    this.#streams.clear()
    this.#owner.onPeerReleased(this)
  }
}

/** Under which the stream for a topic's large frames is kept. */
function largeKey (topic: TopicKey): string {
  return `${topic} large`
}
