import { InvalidParametersError, NotStartedError, UnsupportedKeyTypeError, peerRoutingSymbol, serviceCapabilities } from '@libp2p/interface'
import { TypedEventEmitter } from 'main-event'
import { AddressLookup } from './address-lookup.ts'
import { NEIGHBOR_TAG, NEIGHBOR_TAG_VALUE, pubSubSymbol } from './constants.ts'
import { Discovery } from './discovery.ts'
import { Driver } from './driver.ts'
import { MessageTooLargeError } from './errors.ts'
import { loadHash } from './hash.ts'
import { endpointIdOf, isIrohAddress } from './iroh-address.ts'
import { resolveTarget } from './join-target.ts'
import { Network } from './net/network.ts'
import { Timers } from './net/timers.ts'
import { maxContentBytes, resolveOptions } from './options.ts'
import { ownAddresses, ownPeerData } from './own-addresses.ts'
import { ReachabilityRules } from './reachability-rules.ts'
import { TopicId } from './topic-id.ts'
import { TopicRegistry } from './topic-registry.ts'
import { Topic } from './topic.ts'
import type { IrohGossipInit, ResolvedOptions } from './options.ts'
import type { TopicEvent as ProtoTopicEvent } from './proto/events.ts'
import type { Scope, TopicKey, PeerKey } from './proto/messages.ts'
import type { IrohGossipEvents, PublishResult } from './pubsub-types.ts'
import type { TopicEntry } from './topic-registry.ts'
import type { JoinTarget, TopicBackend, TopicHandle } from './topic.ts'
import type { AbortOptions, ComponentLogger, Libp2pEvents, Logger, PeerId, PeerRouting, PeerStore, Startable, TypedEventTarget } from '@libp2p/interface'
import type { AddressManager, ConnectionManager, Registrar, TransportManager } from '@libp2p/interface-internal'

/** The parts of a libp2p node that the service uses. */
export interface IrohGossipComponents {
  peerId: PeerId
  logger: ComponentLogger
  events: TypedEventTarget<Libp2pEvents>
  registrar: Registrar
  connectionManager: ConnectionManager
  peerStore: PeerStore
  transportManager: TransportManager
  addressManager: AddressManager
}

/** How to enter a topic. */
export interface JoinOptions extends AbortOptions {
  /** Peers of the topic to join through; without any, connected peers that speak the protocol are tried. */
  bootstrap?: JoinTarget[]
  /** Events kept for a handle that is not read, instead of the service's setting. */
  eventQueueCapacity?: number
}

/** Longest time that `stop()` gives neighbors to take the goodbye. */
const GOODBYE_TIMEOUT_MS = 5_000

/** What exists only while the service is started. */
interface Running {
  driver: Driver
  network: Network
  timers: Timers
  discovery: Discovery
}

/**
 * Epidemic broadcast trees as a libp2p service.
 */
export class IrohGossip extends TypedEventEmitter<IrohGossipEvents> implements Startable {
  /** Fixed: messages carry no author and no signature. */
  readonly globalSignaturePolicy: 'StrictNoSign'
  /** The libp2p protocols of this service. */
  readonly protocols: string[]
  readonly #components: IrohGossipComponents
  readonly #options: ResolvedOptions
  readonly #log: Logger
  readonly #addresses: AddressLookup
  readonly #backend: TopicBackend
  readonly #maxContentBytes: number
  #topics = new TopicRegistry()
  #running: Running | undefined
  #peerData = ''

  constructor (components: IrohGossipComponents, init: IrohGossipInit = {}) {
    super()

    this.#components = components
    this.#options = resolveOptions(init)
    this.#maxContentBytes = maxContentBytes(this.#options.maxMessageSize)
    this.globalSignaturePolicy = this.#options.globalSignaturePolicy
    this.protocols = [this.#options.protocol]
    this.#log = components.logger.forComponent('libp2p:iroh-gossip')
    this.#addresses = new AddressLookup(() => performance.now(), (peer) => this.#running?.network.isConnected(peer) === true)
    this.#backend = {
      broadcast: (topic, content, scope) => { this.#broadcast(topic, content, scope) },
      joinPeers: async (topic, peers, options) => { this.#joinPeers(topic, peers, options) },
      neighbors: (topic) => this.#neighbors(topic),
      onHandleClosed: async (topic, handle) => { this.#onHandleClosed(topic, handle) }
    }
  }

  readonly [Symbol.toStringTag] = 'libp2p-iroh-gossip'

  readonly [pubSubSymbol] = true

  readonly [serviceCapabilities]: string[] = ['@libp2p/pubsub']

  get [peerRoutingSymbol] (): Partial<PeerRouting> {
    return this.#addresses[peerRoutingSymbol]
  }

  isStarted (): boolean {
    return this.#running != null
  }

  /**
   * @throws {UnsupportedKeyTypeError} the node's key is not Ed25519: peers are named by such keys on the wire
   */
  async start (): Promise<void> {
    if (this.#running != null) {
      return
    }

    const { peerId, events } = this.#components

    if (peerId.type !== 'Ed25519') {
      throw new UnsupportedKeyTypeError(`Gossip names peers by their Ed25519 key, this node's is ${peerId.type}`)
    }

    const hash = await loadHash()
    const me = endpointIdOf(peerId)
    const timers = new Timers()
    const topics = new TopicRegistry()
    const discovery = new Discovery(topics, timers, this.#options.membership.activeViewCapacity, (entry, peer) => {
      driver.command(entry.id.toString(), { type: 'join', peers: [peer] })
    })
    const network = new Network(this.#components, {
      ...this.#options,
      log: this.#log,
      timers,
      maxQueueBytes: this.#options.maxSendQueueBytes,
      me,
      isOurs: (peer) => this.#addresses.isOurs(peer),
      canBeDialed: () => ownAddresses(this.#components).some(isIrohAddress),
      addressesOf: (peer) => this.#addresses.get(peer),
      onFrame: (peer, topic, payload) => { driver.onFrame(peer, topic, payload) },
      onDisconnected: (peer, reason) => {
        discovery.onPeerGone(peer)
        driver.onDisconnected(peer, reason)
      },
      onLinkBroken: (peer) => { driver.onLinkBroken(peer) },
      onCongestion: (peer, congested): boolean => driver.onCongestion(peer, congested),
      onViolation: (peer, error) => { driver.onInvalidFrame(peer, error) },
      onExcess: (peer) => { driver.onExcess(peer) },
      onPeerAvailable: (peer) => { discovery.onPeerAvailable(peer) }
    })
    const driver = new Driver(network, {
      me,
      config: this.#options,
      rules: new ReachabilityRules(this.#components.transportManager, network, this.#addresses),
      hash,
      timers,
      log: this.#log,
      onTopicEvent: (topic, event) => { this.#onTopicEvent(topic, event) },
      onPeerData: (peer, data) => { this.#addresses.addPeerData(peer, data) },
      onViolation: (peer, reason) => { this.#log('%p violated the protocol: %s', network.peerId(peer), reason) }
    })

    this.#peerData = ''
    this.#topics = topics
    this.#running = { driver, network, timers, discovery }
    await network.start()

    events.addEventListener('self:peer:update', this.#updatePeerData)
    events.addEventListener('transport:listening', this.#updatePeerData)
    events.addEventListener('transport:close', this.#updatePeerData)
    this.#updatePeerData()
  }

  /** Says goodbye to the neighbors of every topic while their connections are still open. */
  async beforeStop (): Promise<void> {
    const running = this.#running

    if (running == null) {
      return
    }

    const { events } = this.#components
    events.removeEventListener('self:peer:update', this.#updatePeerData)
    events.removeEventListener('transport:listening', this.#updatePeerData)
    events.removeEventListener('transport:close', this.#updatePeerData)

    for (const entry of this.#topics.values()) {
      running.driver.command(entry.id.toString(), { type: 'quit' })
    }

    this.#running = undefined
    await running.network.stop(GOODBYE_TIMEOUT_MS)
    running.timers.clear()

    for (const entry of this.#topics.values()) {
      for (const handle of entry.handles) {
        handle.close()
      }
    }

    this.#topics = new TopicRegistry()
    this.#addresses.clear()
  }

  async stop (): Promise<void> {
    await this.beforeStop()
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
   */
  async join (topic: string | TopicId, options: JoinOptions = {}): Promise<Topic> {
    options.signal?.throwIfAborted()
    const capacity = options.eventQueueCapacity ?? this.#options.eventQueueCapacity
    resolveOptions({ eventQueueCapacity: capacity })
    const targets = options.bootstrap ?? []
    targets.forEach(resolveTarget)

    const entry = this.#enter(toTopicId(topic))
    const handle = new Topic(this.#topics.addHandle(entry, this.#backend, capacity))
    this.#joinPeers(entry.id, targets, options)

    return handle
  }

  // --- as gossipsub

  /**
   * Enters a topic so that its messages fire `message` events.
   *
   * @throws {NotStartedError} the node is not started
   */
  subscribe (topic: string | TopicId): void {
    const entry = this.#enter(toTopicId(topic))
    entry.subscribed = true

    if (typeof topic === 'string') {
      entry.name = topic
    }

    this.#joinPeers(entry.id, [])
  }

  /** Fires no more `message` events for the topic, and leaves it unless a handle is open. */
  unsubscribe (topic: string | TopicId): void {
    const entry = this.#topics.get(toTopicId(topic).toString())

    if (entry != null) {
      entry.subscribed = false
      this.#leaveIfUnused(entry)
    }
  }

  /**
   * Sends a message to everyone in the topic, which must have been subscribed to or joined.
   *
   * @param data - not copied: must not be changed afterwards
   * @throws {MessageTooLargeError} more bytes than fit into a frame at any distance: 4,055 by default
   * @throws {InvalidParametersError} the topic was neither subscribed to nor joined
   * @throws {NotStartedError} the node is not started
   */
  async publish (topic: string | TopicId, data: Uint8Array): Promise<PublishResult> {
    const id = toTopicId(topic)
    const recipients = this.#neighbors(id)
    const { duplicate } = this.#broadcast(id, data, 'swarm')

    if (this.#options.emitSelf && !duplicate) {
      const entry = this.#topics.get(id.toString())

      if (entry?.subscribed === true) {
        this.#fireMessage(entry, data, this.#components.peerId, 0)
      }
    }

    return { recipients: duplicate ? [] : recipients, duplicate }
  }

  /** Names of the topics that were subscribed to; those without a name by their id in hex. */
  getTopics (): string[] {
    return [...this.#topics.values()].filter((entry) => entry.subscribed).map(nameOf)
  }

  /** Ids of all topics that were subscribed to or joined. */
  getTopicIds (): TopicId[] {
    return [...this.#topics.values()].map((entry) => entry.id)
  }

  /** Connected peers that speak the protocol. */
  getPeers (): PeerId[] {
    const { network, discovery } = this.#assertRunning()

    return discovery.peers().map((key) => network.peerId(key))
  }

  /** Peers known to be in the topic: its neighbors. */
  getSubscribers (topic: string | TopicId): PeerId[] {
    return this.#neighbors(toTopicId(topic))
  }

  /** Neighbors of a topic that push payloads to each other (eager) or announce them (lazy). For displays and tests. */
  getTree (topic: string | TopicId): { eager: PeerId[], lazy: PeerId[] } {
    const { driver, network } = this.#assertRunning()
    const key = toTopicId(topic).toString()

    return {
      eager: driver.state.eagerPushPeers(key).map((peer) => network.peerId(peer)),
      lazy: driver.state.lazyPushPeers(key).map((peer) => network.peerId(peer))
    }
  }

  /** Counters of a topic's broadcast tree, or `undefined` for a topic that was not joined. */
  getStats (topic: string | TopicId): ReturnType<Driver['state']['stats']> {
    return this.#assertRunning().driver.state.stats(toTopicId(topic).toString())
  }

  // --- topics

  #assertRunning (): Running {
    if (this.#running == null) {
      throw new NotStartedError('Gossip is not started')
    }

    return this.#running
  }

  #enter (id: TopicId): TopicEntry {
    const { driver } = this.#assertRunning()
    const key = id.toString()
    const known = this.#topics.get(key)

    if (known != null) {
      return known
    }

    const entry = this.#topics.add(id)
    driver.command(key, { type: 'join', peers: [] })

    return entry
  }

  #leaveIfUnused (entry: TopicEntry): void {
    if (!this.#topics.isUnused(entry)) {
      return
    }

    this.#running?.driver.command(entry.id.toString(), { type: 'quit' })
    this.#topics.delete(entry.id.toString())
  }

  #onHandleClosed (topic: TopicId, handle: TopicHandle): void {
    const entry = this.#topics.get(topic.toString())

    if (entry?.handles.delete(handle) === true) {
      this.#leaveIfUnused(entry)
    }
  }

  #neighbors (topic: TopicId): PeerId[] {
    return [...this.#topics.get(topic.toString())?.neighbors.values() ?? []]
  }

  #broadcast (topic: TopicId, content: Uint8Array, scope: Scope): { duplicate: boolean } {
    const { driver } = this.#assertRunning()

    if (!(content instanceof Uint8Array)) {
      throw new InvalidParametersError(`A message must be a Uint8Array, got ${typeof content}`)
    }

    if (content.byteLength > this.#maxContentBytes) {
      throw new MessageTooLargeError(content.byteLength, this.#maxContentBytes)
    }

    if (this.#topics.get(topic.toString()) == null) {
      throw new InvalidParametersError(`Topic ${topic} was neither subscribed to nor joined`)
    }

    return driver.command(topic.toString(), { type: 'broadcast', content, scope })
  }

  // --- peers

  /** Asks peers to let us into a topic; without any named, those that are connected. */
  #joinPeers (topic: TopicId, targets: JoinTarget[], options: AbortOptions = {}): void {
    const { driver, network, discovery } = this.#assertRunning()
    const key = topic.toString()
    const entry = this.#topics.get(key)
    const resolved = targets.map(resolveTarget)

    if (entry == null) {
      return
    }

    for (const { peerId, addresses } of resolved) {
      if (peerId == null) {
        // an address that does not say whose it is: libp2p finds out
        this.#components.connectionManager.openConnection(addresses, options)
          .then((connection) => {
            if (this.#running?.network === network && connection.remotePeer.type === 'Ed25519') {
              driver.command(key, { type: 'join', peers: [endpointIdOf(connection.remotePeer)] })
            }
          })
          .catch((err) => {
            this.#log('could not join topic %s through %s - %e', key, addresses, err)
          })
      } else if (addresses.length > 0) {
        this.#addresses.addMultiaddrs(endpointIdOf(peerId), addresses)
      }
    }

    const peers = resolved.flatMap(({ peerId }) => peerId == null ? [] : [endpointIdOf(peerId)])
    entry.hasBootstrap ||= targets.length > 0

    if (targets.length === 0 && !entry.hasBootstrap) {
      peers.push(...discovery.candidates(entry))
    }

    if (peers.length > 0) {
      driver.command(key, { type: 'join', peers })
    }
  }

  // --- events

  readonly #updatePeerData = (): void => {
    const data = ownPeerData(this.#components)
    const text = data.join()

    if (text !== this.#peerData) {
      this.#peerData = text
      this.#running?.driver.updatePeerData(data)
    }
  }

  #onTopicEvent (key: TopicKey, event: ProtoTopicEvent): void {
    const entry = this.#topics.get(key)
    const running = this.#running

    if (entry == null || running == null) {
      return
    }

    const { network, discovery } = running

    this.#topics.apply(entry, event, (peer) => network.peerId(peer))

    if (event.type === 'received') {
      if (entry.subscribed) {
        this.#fireMessage(entry, event.content, network.peerId(event.deliveredFrom), event.scope.type === 'swarm' ? event.scope.round : 0)
      }
    } else {
      const peerId = network.peerId(event.peer)
      const isUp = event.type === 'neighborUp'

      if (event.type === 'neighborDown' && event.reason === 'left') {
        discovery.onPeerLeft(entry, event.peer)
      }

      this.#log('topic %s: %p is %s', key, peerId, isUp ? 'a neighbor' : `no neighbor any more (${event.reason})`)
      this.#tag(event.peer, peerId, isUp)
      this.safeDispatchEvent('subscription-change', {
        detail: { peerId, subscriptions: [{ topic: nameOf(entry), subscribe: isUp }] }
      })
    }
  }

  #fireMessage (entry: TopicEntry, data: Uint8Array, deliveredFrom: PeerId, round: number): void {
    this.safeDispatchEvent('message', {
      detail: { type: 'unsigned', topic: nameOf(entry), topicId: entry.id, data, deliveredFrom, round }
    })
  }

  /** Keeps libp2p from pruning the connection of a neighbor. */
  #tag (peer: PeerKey, peerId: PeerId, isNeighbor: boolean): void {
    const shared = this.#topics.sharedWith(peer)

    if (isNeighbor ? shared !== 1 : shared !== 0) {
      return
    }

    this.#components.peerStore.merge(peerId, {
      tags: { [NEIGHBOR_TAG]: isNeighbor ? { value: NEIGHBOR_TAG_VALUE } : undefined }
    }).catch((err) => {
      this.#log('could not tag %p - %e', peerId, err)
    })
  }
}

function toTopicId (topic: string | TopicId): TopicId {
  return typeof topic === 'string' ? TopicId.fromName(topic) : topic
}

function nameOf (entry: TopicEntry): string {
  return entry.name ?? entry.id.toString()
}
