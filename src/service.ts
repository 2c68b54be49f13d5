import { NotStartedError, UnsupportedKeyTypeError, peerRoutingSymbol, serviceCapabilities } from '@libp2p/interface'
import { TypedEventEmitter } from 'main-event'
import { AddressLookup } from './address-lookup.ts'
import { pubSubSymbol } from './constants.ts'
import { diagnose } from './diagnose.ts'
import { loadHash } from './hash.ts'
import { resolveTarget } from './join-target.ts'
import { GossipMetrics } from './metrics.ts'
import { resolveOptions } from './options.ts'
import { Publisher } from './publisher.ts'
import { TopicValidators } from './pubsub/topic-validators.ts'
import { Session } from './session.ts'
import { toTopicId } from './topic-id.ts'
import { nameOf } from './topic-registry.ts'
import { Topic } from './topic.ts'
import type { IrohGossipComponents } from './components.ts'
import type { Diagnosis } from './diagnose.ts'
import type { IrohGossipInit, ResolvedOptions } from './options.ts'
import type { TopicStats } from './proto/state.ts'
import type { IrohGossipEvents, PublishOptions, PublishResult, SignaturePolicy, TopicValidatorFn } from './pubsub/types.ts'
import type { TopicId } from './topic-id.ts'
import type { JoinTarget, TopicBackend } from './topic.ts'
import type { AbortOptions, Logger, PeerId, PeerRouting, Startable } from '@libp2p/interface'

/** How to enter a topic. */
export interface JoinOptions extends AbortOptions {
  /** Peers of the topic to join through; without any, connected peers that speak the protocol are tried. */
  bootstrap?: JoinTarget[]
  /** Events kept for a handle that is not read, instead of the service's setting. */
  eventQueueCapacity?: number
}

/**
 * Epidemic broadcast trees as a libp2p service.
 */
export class IrohGossip extends TypedEventEmitter<IrohGossipEvents> implements Startable, AsyncDisposable {
  /** Whether messages carry an author and a signature; the same on every node of a topic. */
  readonly globalSignaturePolicy: SignaturePolicy
  /** Whether `publish` also fires a `message` event on the node itself. */
  readonly emitSelf: boolean
  /** The libp2p protocols of this service. */
  readonly protocols: string[]
  /**
   * Validators by topic name (or id in hex). A topic's validator is asked before
   * a message is delivered and before it is forwarded; own messages are not
   * judged.
   */
  readonly topicValidators: Map<string, TopicValidatorFn>
  readonly #components: IrohGossipComponents
  readonly #options: ResolvedOptions
  readonly #log: Logger
  readonly #addresses: AddressLookup
  readonly #backend: TopicBackend
  readonly #validators: TopicValidators
  readonly #metrics: GossipMetrics | undefined
  readonly #publisher: Publisher
  #session: Session | undefined
  #starting: Promise<void> | undefined

  constructor (components: IrohGossipComponents, init: IrohGossipInit = {}) {
    super()

    this.#components = components
    this.#options = resolveOptions(init)
    const { globalSignaturePolicy, protocol, emitSelf } = this.#options
    this.globalSignaturePolicy = globalSignaturePolicy
    this.emitSelf = emitSelf
    this.protocols = [protocol]
    this.#log = components.logger.forComponent('libp2p:iroh-gossip')
    this.#addresses = new AddressLookup(() => performance.now(), (peer) => this.#session?.network.isConnected(peer) === true)
    this.#validators = new TopicValidators((topic) => { this.#onValidatorChange(topic) })
    this.topicValidators = this.#validators
    this.#metrics = components.metrics == null ? undefined : new GossipMetrics(components.metrics, protocol, this.#metricsSource())
    this.#backend = {
      broadcast: async (topic, content, scope, options) => {
        await this.#publisher.broadcast(this.#assertStarted(), topic, content, scope, options)
      },
      joinPeers: async (topic, peers, options) => { this.#joinPeers(topic, peers, options) },
      neighbors: (topic) => this.#session?.neighbors(topic) ?? [],
      onHandleClosed: async (topic, handle) => { this.#session?.onHandleClosed(topic, handle) }
    }
    this.#publisher = new Publisher({
      peerId: components.peerId,
      privateKey: components.privateKey,
      options: this.#options,
      backend: this.#backend,
      session: () => this.#session,
      onOwnMessage: (detail) => { this.safeDispatchEvent('message', { detail }) }
    })
  }

  readonly [Symbol.toStringTag] = 'libp2p-iroh-gossip'

  readonly [pubSubSymbol] = true

  readonly [serviceCapabilities]: string[] = ['@libp2p/pubsub']

  get [peerRoutingSymbol] (): Partial<PeerRouting> {
    return this.#addresses[peerRoutingSymbol]
  }

  /** Whether topics can be entered. */
  isStarted (): boolean {
    return this.#session != null
  }

  /**
   * Called by libp2p.
   *
   * @throws {UnsupportedKeyTypeError} the node's key is not Ed25519: peers are named by such keys on the wire
   */
  async start (): Promise<void> {
    if (this.#session != null) {
      return
    }

    this.#starting ??= this.#start().finally(() => { this.#starting = undefined })
    await this.#starting
  }

  /** Called by libp2p while connections are still open: says goodbye to the neighbors of every topic. */
  async beforeStop (): Promise<void> {
    await this.shutdown()
  }

  /** Called by libp2p. */
  async stop (): Promise<void> {
    await this.shutdown()
  }

  /**
   * Leaves every topic, tells the neighbors and waits until they have taken it,
   * at most 5 s. Every handle is closed; `start` makes the service usable again.
   *
   * @param options - a signal that ends the wait: what has not left by then is dropped. Never rejects for it
   */
  async shutdown (options: AbortOptions = {}): Promise<void> {
    const session = this.#session
    this.#session = undefined
    await session?.stop(options)

    if (session != null) {
      this.#addresses.clear()
    }
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.shutdown()
  }

  // --- as iroh-gossip

  /**
   * Enters a topic, or adds a handle to one that was entered before.
   *
   * Resolves when the topic is registered; never waits for a neighbor (see
   * `joined` of the handle). Every handle must be closed for the topic to be left.
   *
   * @throws {InvalidParametersError} a bootstrap peer that is no dial target, or an event queue out of range
   * @throws {NotStartedError} the node is not started
   * @throws {AbortError} the signal had fired before
   */
  async join (topic: string | TopicId, options: JoinOptions = {}): Promise<Topic> {
    options.signal?.throwIfAborted()
    const session = this.#assertStarted()
    const capacity = options.eventQueueCapacity ?? this.#options.eventQueueCapacity
    resolveOptions({ eventQueueCapacity: capacity })
    const targets = options.bootstrap ?? []
    targets.forEach(resolveTarget)

    const entry = session.enter(toTopicId(topic))
    const handle = new Topic(session.topics.addHandle(entry, this.#backend, capacity))
    session.joining.joinPeers(entry, targets, options)

    return handle
  }

  // --- as gossipsub

  /**
   * Enters a topic so that its messages fire `message` events.
   *
   * @throws {NotStartedError} the node is not started
   */
  subscribe (topic: string | TopicId): void {
    const session = this.#assertStarted()
    const entry = session.enter(toTopicId(topic), typeof topic === 'string' ? topic : undefined)
    const isNew = !entry.subscribed
    entry.subscribed = true

    if (isNew) {
      session.joining.joinPeers(entry, [])
    }
  }

  /**
   * Fires no more `message` events for the topic, and leaves it unless a handle is open.
   *
   * @throws {NotStartedError} the node is not started
   */
  unsubscribe (topic: string | TopicId): void {
    const session = this.#assertStarted()
    const entry = session.topics.get(toTopicId(topic).toString())

    if (entry != null) {
      entry.subscribed = false
      session.leaveIfUnused(entry)
    }
  }

  /**
   * Sends a message to everyone in the topic.
   *
   * A topic that was neither subscribed to nor joined is entered for it, which
   * may take up to a second, and left a minute after the last message.
   *
   * @param data - not copied: must not be changed afterwards
   * @throws {NoPeersSubscribedError} no peer is known to be in the topic, and `allowPublishToZeroTopicPeers` is not set; as in gossipsub, not if `emitSelf` delivers it
   * @throws {MessageTooLargeError} more bytes than fit into a frame at any distance: 4,055 by default, 3,950 with `StrictSign`
   * @throws {InvalidParametersError} `data` is no Uint8Array
   * @throws {NotStartedError} the node is not started
   * @throws {AbortError} the signal fired before the message was on its way
   */
  async publish (topic: string | TopicId, data: Uint8Array = new Uint8Array(0), options: PublishOptions = {}): Promise<PublishResult> {
    return this.#publisher.publish(this.#assertStarted(), topic, data, options)
  }

  /** Names of the topics that were subscribed to; those without a name by their id in hex. */
  getTopics (): string[] {
    return [...this.#session?.topics.values() ?? []].filter((entry) => entry.subscribed).map(nameOf)
  }

  /** Ids of all topics that were subscribed to or joined. */
  getTopicIds (): TopicId[] {
    return [...this.#session?.topics.values() ?? []].map((entry) => entry.id)
  }

  /** Connected peers that speak the protocol. */
  getPeers (): PeerId[] {
    const session = this.#session

    return session == null ? [] : session.discovery.peers().map((key) => session.network.peerId(key))
  }

  /**
   * Connected peers known to be in the topic, whether the node itself is in it or
   * not. Rust peers are known only in topics that the node is in. In a large
   * swarm these are few of its members.
   *
   * @throws {NotStartedError} the node is not started
   */
  getSubscribers (topic: string | TopicId): PeerId[] {
    return this.#assertStarted().subscribers(toTopicId(topic))
  }

  // --- to look inside

  /**
   * Says in words and in data why messages of a topic would not arrive: nobody
   * connected, nobody there who speaks the protocol, nobody in the topic, dials
   * that fail and why, sizes that differ, silent neighbors.
   *
   * @throws {NotStartedError} the node is not started
   */
  diagnose (topic: string | TopicId): Diagnosis {
    return diagnose(this.#assertStarted(), toTopicId(topic), topic.toString(), this.#components.connectionManager.getConnections().length)
  }

  /** Neighbors of a topic that push payloads to each other (eager) or announce them (lazy). For displays and tests. */
  getTree (topic: string | TopicId): { eager: PeerId[], lazy: PeerId[] } {
    const { driver, network } = this.#assertStarted()
    const key = toTopicId(topic).toString()

    return {
      eager: driver.state.eagerPushPeers(key).map((peer) => network.peerId(peer)),
      lazy: driver.state.lazyPushPeers(key).map((peer) => network.peerId(peer))
    }
  }

  /** Counters of a topic's broadcast tree, or `undefined` for a topic that was not joined. */
  getStats (topic: string | TopicId): TopicStats | undefined {
    return this.#assertStarted().driver.state.stats(toTopicId(topic).toString())
  }

  // ---

  async #start (): Promise<void> {
    const { peerId } = this.#components

    if (peerId.type !== 'Ed25519') {
      throw new UnsupportedKeyTypeError(`Gossip names peers by their Ed25519 key, this node's is ${peerId.type}`)
    }

    const session = new Session({
      components: this.#components,
      options: this.#options,
      addresses: this.#addresses,
      validators: this.#validators,
      hash: await loadHash(),
      log: this.#log,
      metrics: this.#metrics,
      onMessage: (detail) => { this.safeDispatchEvent('message', { detail }) },
      onSubscriptionChange: (topic, peerId, subscribe) => {
        this.safeDispatchEvent('subscription-change', {
          detail: { peerId, subscriptions: [{ topic, subscribe }] }
        })
      }
    })
    this.#session = session
    await session.start()
  }

  #assertStarted (): Session {
    if (this.#session == null) {
      throw new NotStartedError('Gossip is not started')
    }

    return this.#session
  }

  #joinPeers (topic: TopicId, targets: JoinTarget[], options?: AbortOptions): void {
    const session = this.#assertStarted()
    const entry = session.topics.get(topic.toString())

    if (entry != null) {
      session.joining.joinPeers(entry, targets, options)
    }
  }

  #onValidatorChange (topic: string): void {
    for (const entry of this.#session?.topics.values() ?? []) {
      if (nameOf(entry) === topic || entry.id.toString() === topic) {
        this.#session?.updateValidation(entry)
      }
    }
  }

  #metricsSource (): ConstructorParameters<typeof GossipMetrics>[2] {
    return {
      topics: () => [...this.#session?.topics.values() ?? []].flatMap((entry) => {
        const stats = this.#session?.driver.state.stats(entry.id.toString())

        return stats == null ? [] : { name: nameOf(entry), stats }
      }),
      queuedBytes: () => this.#session?.network.queuedBytes ?? 0,
      peers: () => this.#session?.discovery.peers().length ?? 0
    }
  }
}
