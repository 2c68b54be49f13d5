import { AbortError } from '@libp2p/interface'
import { TopicClosedError } from './errors.ts'
import { EventQueue } from './event-queue.ts'
import type { LaggedEvent } from './event-queue.ts'
import type { NeighborDownReason } from './proto/events.ts'
import type { DeliveryScope, Scope } from './proto/messages.ts'
import type { TopicId } from './topic-id.ts'
import type { AbortOptions, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/** Somebody to join a topic through: libp2p's dial target. */
export type JoinTarget = PeerId | Multiaddr | Multiaddr[]

/** A message arrived. Each content comes once while its id is remembered (two minutes). */
export interface ReceivedEvent {
  type: 'received'
  content: Uint8Array
  /** The author, with `StrictSign`; the signature has been verified. */
  author?: PeerId
  /** The neighbor that handed it over, not its author. */
  deliveredFrom: PeerId
  /** How it came; a swarm message's round is the number of peers between its author and us. */
  scope: DeliveryScope
}

/** A peer became our neighbor in the topic. Followed by its `neighborDown`, never by a second `neighborUp`. */
export interface NeighborUpEvent {
  type: 'neighborUp'
  peer: PeerId
}

/** A peer is no neighbor any more; messages that it sends late may still arrive. */
export interface NeighborDownEvent {
  type: 'neighborDown'
  peer: PeerId
  reason: NeighborDownReason
}

/** What a topic handle tells its reader. */
export type TopicEvent = ReceivedEvent | NeighborUpEvent | NeighborDownEvent | LaggedEvent

/** What a handle asks of the service. */
export interface TopicBackend {
  broadcast (topic: TopicId, content: Uint8Array, scope: Scope, options?: AbortOptions): Promise<void>
  joinPeers (topic: TopicId, peers: JoinTarget[], options?: AbortOptions): Promise<void>
  neighbors (topic: TopicId): PeerId[]
  /** The last half of the handle was closed. */
  onHandleClosed (topic: TopicId, handle: TopicHandle): Promise<void>
}

/** One handle's state, shared by its two halves. */
export class TopicHandle {
  readonly id: TopicId
  readonly backend: TopicBackend
  readonly events: EventQueue<TopicEvent>
  /** Halves that are still open. */
  readonly open = new Set<object>()
  #joinWaiters: Array<(closed: boolean) => void> = []
  #closed = false

  constructor (id: TopicId, backend: TopicBackend, eventQueueCapacity: number) {
    this.id = id
    this.backend = backend
    this.events = new EventQueue(eventQueueCapacity)
  }

  get isClosed (): boolean {
    return this.#closed
  }

  push (event: TopicEvent): void {
    this.events.push(event)

    if (event.type === 'neighborUp' && this.#joinWaiters.length > 0) {
      this.#wake(false)
    }
  }

  /** Nothing comes any more. Called by the service when it stops, or by the last half. */
  close (): void {
    this.#closed = true
    this.events.end()
    this.#wake(true)
  }

  /** Nothing is received any more: ends whoever waits, and drops what nobody will read. */
  endReceiving (): void {
    this.events.close()
    this.#wake(true)
  }

  /** Closes one half; the topic is left with the last one of its last handle. */
  async closeHalf (half: object): Promise<void> {
    if (this.open.delete(half) && this.open.size === 0 && !this.#closed) {
      this.close()
      await this.backend.onHandleClosed(this.id, this)
    }
  }

  assertOpen (half: object): void {
    if (this.#closed || !this.open.has(half)) {
      throw new TopicClosedError(`The handle of topic ${this.id} is closed`)
    }
  }

  async joined (half: object, options: AbortOptions = {}): Promise<void> {
    this.assertOpen(half)
    options.signal?.throwIfAborted()

    if (this.backend.neighbors(this.id).length > 0) {
      return
    }

    await new Promise<void>((resolve, reject) => {
      const { signal } = options
      const onAbort = (): void => {
        this.#joinWaiters = this.#joinWaiters.filter((fn) => fn !== waiter)
        reject(signal?.reason instanceof Error ? signal.reason : new AbortError())
      }
      const waiter = (closed: boolean): void => {
        signal?.removeEventListener('abort', onAbort)

        if (closed) {
          reject(new TopicClosedError(`Topic ${this.id} was left before a neighbor was found`))
        } else {
          resolve()
        }
      }

      signal?.addEventListener('abort', onAbort, { once: true })
      this.#joinWaiters.push(waiter)
    })
  }

  #wake (closed: boolean): void {
    const waiters = this.#joinWaiters
    this.#joinWaiters = []

    for (const waiter of waiters) {
      waiter(closed)
    }
  }
}

/**
 * The sending half of a topic handle.
 */
export class TopicSender implements AsyncDisposable {
  readonly #handle: TopicHandle

  constructor (handle: TopicHandle) {
    this.#handle = handle
    handle.open.add(this)
  }

  /** The topic's id. */
  get topic (): TopicId {
    return this.#handle.id
  }

  /**
   * Sends to everyone in the topic.
   *
   * Resolves when the message is on its way; without a neighbor it is kept and
   * offered to the first one that comes within the cache time. A content that
   * the topic has seen in the last two minutes is not sent again.
   *
   * @param content - not copied: must not be changed afterwards
   * @throws {MessageTooLargeError} more bytes than fit into a frame at any distance: 4,055 by default
   * @throws {TopicClosedError} this half was closed, or the service stopped
   * @throws {AbortError} the signal fired before the message was on its way
   */
  async broadcast (content: Uint8Array, options?: AbortOptions): Promise<void> {
    this.#handle.assertOpen(this)
    await this.#handle.backend.broadcast(this.#handle.id, content, 'swarm', options)
  }

  /**
   * Sends to the neighbors only, who do not pass it on.
   *
   * @throws as `broadcast`
   */
  async broadcastNeighbors (content: Uint8Array, options?: AbortOptions): Promise<void> {
    this.#handle.assertOpen(this)
    await this.#handle.backend.broadcast(this.#handle.id, content, 'neighbors', options)
  }

  /**
   * Asks further peers to let us in. Resolves when they will be asked, not when they answer.
   *
   * @throws {InvalidParametersError} a peer that is no dial target
   * @throws {TopicClosedError} this half was closed, or the service stopped
   * @throws {AbortError} the signal had fired before
   */
  async joinPeers (peers: JoinTarget[], options?: AbortOptions): Promise<void> {
    this.#handle.assertOpen(this)
    await this.#handle.backend.joinPeers(this.#handle.id, peers, options)
  }

  /** Closes this half. The topic is left when nothing of any of its handles is open. */
  async close (): Promise<void> {
    await this.#handle.closeHalf(this)
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.close()
  }
}

/**
 * The receiving half of a topic handle: an async iterable of events.
 *
 * Every handle sees every event from the time it was made, after a
 * `neighborUp` for each neighbor that the topic had then. Whoever does not read
 * gets `lagged` instead of what did not fit the queue.
 */
export class TopicReceiver implements AsyncIterable<TopicEvent>, AsyncDisposable {
  readonly #handle: TopicHandle

  constructor (handle: TopicHandle) {
    this.#handle = handle
    handle.open.add(this)
  }

  /** The topic's id. */
  get topic (): TopicId {
    return this.#handle.id
  }

  /** Whether the topic has a neighbor now. */
  get isJoined (): boolean {
    return this.neighbors().length > 0
  }

  /** Current neighbors. */
  neighbors (): PeerId[] {
    return this.#handle.isClosed ? [] : this.#handle.backend.neighbors(this.#handle.id)
  }

  /**
   * Resolves when the topic has at least one neighbor.
   *
   * @throws {TopicClosedError} this half was closed, or the service stopped
   * @throws {AbortError} the signal fired first
   */
  async joined (options?: AbortOptions): Promise<void> {
    await this.#handle.joined(this, options)
  }

  /**
   * The next event, or `undefined` after the topic was left.
   *
   * @throws {AbortError} the signal fired first; no event is lost
   */
  async next (options?: AbortOptions): Promise<TopicEvent | undefined> {
    return this.#handle.events.next(options)
  }

  /** Leaving the loop leaves the handle open; what comes meanwhile is queued. */
  [Symbol.asyncIterator] (): AsyncGenerator<TopicEvent, void, undefined> {
    return this.events()
  }

  /**
   * Iterates as the handle itself does, until the signal fires.
   *
   * @throws {AbortError} the signal fired while an event was waited for; no event is lost
   */
  async * events (options?: AbortOptions): AsyncGenerator<TopicEvent, void, undefined> {
    for (let event = await this.next(options); event != null; event = await this.next(options)) {
      yield event
    }
  }

  /** Closes this half. The topic is left when nothing of any of its handles is open. */
  async close (): Promise<void> {
    this.#handle.endReceiving()
    await this.#handle.closeHalf(this)
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.close()
  }
}

/**
 * A handle on a topic: both halves in one.
 */
export class Topic implements AsyncIterable<TopicEvent>, AsyncDisposable {
  readonly #sender: TopicSender
  readonly #receiver: TopicReceiver

  constructor (handle: TopicHandle) {
    this.#sender = new TopicSender(handle)
    this.#receiver = new TopicReceiver(handle)
  }

  /** The topic's id. */
  get id (): TopicId {
    return this.#sender.topic
  }

  /** See {@link TopicReceiver.isJoined}. */
  get isJoined (): boolean {
    return this.#receiver.isJoined
  }

  /** See {@link TopicSender.broadcast}. */
  async broadcast (content: Uint8Array, options?: AbortOptions): Promise<void> {
    await this.#sender.broadcast(content, options)
  }

  /** See {@link TopicSender.broadcastNeighbors}. */
  async broadcastNeighbors (content: Uint8Array, options?: AbortOptions): Promise<void> {
    await this.#sender.broadcastNeighbors(content, options)
  }

  /** See {@link TopicSender.joinPeers}. */
  async joinPeers (peers: JoinTarget[], options?: AbortOptions): Promise<void> {
    await this.#sender.joinPeers(peers, options)
  }

  /** See {@link TopicReceiver.neighbors}. */
  neighbors (): PeerId[] {
    return this.#receiver.neighbors()
  }

  /** See {@link TopicReceiver.joined}. */
  async joined (options?: AbortOptions): Promise<void> {
    await this.#receiver.joined(options)
  }

  /** See {@link TopicReceiver.next}. */
  async next (options?: AbortOptions): Promise<TopicEvent | undefined> {
    return this.#receiver.next(options)
  }

  [Symbol.asyncIterator] (): AsyncGenerator<TopicEvent, void, undefined> {
    return this.#receiver.events()
  }

  /** See {@link TopicReceiver.events}. */
  events (options?: AbortOptions): AsyncGenerator<TopicEvent, void, undefined> {
    return this.#receiver.events(options)
  }

  /** The two halves, to be used and closed on their own. Closing both closes the handle. */
  split (): { sender: TopicSender, receiver: TopicReceiver } {
    return { sender: this.#sender, receiver: this.#receiver }
  }

  /** Closes both halves. The topic is left when this was its last handle; the goodbye to its neighbors is then on its way. */
  async leave (): Promise<void> {
    await this.#sender.close()
    await this.#receiver.close()
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.leave()
  }
}
