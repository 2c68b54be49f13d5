import { InvalidParametersError } from '@libp2p/interface'
import { ContentDiscovery } from './content-discovery.ts'
import { Discovery } from './discovery.ts'
import { Driver } from './driver.ts'
import { Gatekeeper } from './gatekeeper.ts'
import { endpointIdOf, isIrohAddress } from './iroh-address.ts'
import { Joining } from './joining.ts'
import { NeighborTags } from './neighbor-tags.ts'
import { Network } from './net/network.ts'
import { Timers } from './net/timers.ts'
import { ownAddresses } from './own-addresses.ts'
import { OwnPeerData } from './own-peer-data.ts'
import { ReachabilityRules } from './reachability-rules.ts'
import { Subscriptions } from './subscriptions/subscriptions.ts'
import { TopicRegistry, nameOf } from './topic-registry.ts'
import { Troubles } from './troubles.ts'
import { SUBSCRIPTIONS_TOPIC } from './wire/index.ts'
import type { AddressLookup } from './address-lookup.ts'
import type { IrohGossipComponents } from './components.ts'
import type { InvalidMessageError, MessageTooLargeError } from './errors.ts'
import type { Hash } from './hash.ts'
import type { GossipMetrics } from './metrics.ts'
import type { ResolvedOptions } from './options.ts'
import type { TopicEvent as ProtoTopicEvent } from './proto/events.ts'
import type { Message as WireMessage, PeerKey, Scope, TopicKey } from './proto/messages.ts'
import type { TopicValidators } from './pubsub/topic-validators.ts'
import type { Message } from './pubsub/types.ts'
import type { TopicId } from './topic-id.ts'
import type { TopicEntry } from './topic-registry.ts'
import type { TopicHandle } from './topic.ts'
import type { AbortOptions, Logger, PeerId } from '@libp2p/interface'

/** What a session is made of, and whom it tells. */
export interface SessionInit {
  components: IrohGossipComponents
  options: ResolvedOptions
  addresses: AddressLookup
  validators: TopicValidators
  hash: Hash
  log: Logger
  metrics?: GossipMetrics
  /** A message of a subscribed topic, judged and accepted. */
  onMessage (message: Message): void
  /** A peer is known to be in a topic, or to have left it. */
  onSubscriptionChange (topic: string, peerId: PeerId, subscribe: boolean): void
}

/** Longest time that neighbors are given to take the goodbye. */
const GOODBYE_TIMEOUT_MS = 5_000

/**
 * One run of the service, from start to stop: the topics that the node is in,
 * and all that works for them.
 */
export class Session {
  readonly timers = new Timers()
  readonly topics: TopicRegistry
  readonly network: Network
  readonly driver: Driver
  readonly discovery: Discovery
  readonly joining: Joining
  readonly troubles: Troubles
  readonly #init: SessionInit
  readonly #gatekeeper: Gatekeeper
  readonly #content: ContentDiscovery | undefined
  readonly #subscriptions: Subscriptions
  readonly #tags: NeighborTags
  readonly #ownPeerData: OwnPeerData

  constructor (init: SessionInit) {
    const { components, options, addresses, log } = init
    this.#init = init
    const me = endpointIdOf(components.peerId)
    const now = (): number => this.timers.now()
    this.topics = new TopicRegistry((entry, peerId, subscribe) => { init.onSubscriptionChange(nameOf(entry), peerId, subscribe) })
    this.troubles = new Troubles(now)
    this.#tags = new NeighborTags(components.peerStore, options.protocol, log)
    this.#ownPeerData = new OwnPeerData(components, (data) => { this.driver.updatePeerData(data) })
    this.#gatekeeper = new Gatekeeper({
      ...init,
      now,
      peerId: (peer) => this.network.peerId(peer),
      onBanned: (peer) => { this.#ban(peer) }
    })
    this.discovery = new Discovery(me, this.topics, this.timers, options.membership.activeViewCapacity, options.discovery.connectedPeers, (peer, key) => this.#subscriptions.standing(peer, key), (entry, peers) => {
      this.joining.found(entry, peers)
    })
    this.network = new Network(components, {
      ...options,
      log,
      timers: this.timers,
      maxQueueBytes: options.maxSendQueueBytes,
      me,
      isOurs: (peer) => addresses.isOurs(peer),
      canBeDialed: () => ownAddresses(components).some(isIrohAddress),
      addressesOf: (peer) => addresses.get(peer),
      onFrame: (peer, topic, payload) => {
        if (topic === SUBSCRIPTIONS_TOPIC) {
          this.#onAnnouncement(peer, payload)
          return
        }

        this.#gatekeeper.letIn(peer, topic, (isAdmitted) => { this.driver.onFrame(peer, topic, payload, isAdmitted) })
      },
      onDisconnected: (peer, reason) => {
        this.discovery.onPeerGone(peer)
        this.#gatekeeper.onPeerGone(peer)
        this.driver.onDisconnected(peer, reason)
        this.topics.onPeerGone(peer)
        this.#subscriptions.onPeerGone(peer)
      },
      onLinkBroken: (peer) => {
        this.driver.onLinkBroken(peer)
        this.#subscriptions.onLinkBroken(peer)
      },
      onExcess: (peer) => { this.driver.onExcess(peer) },
      onCongestion: (peer, congested): boolean => {
        if (congested) {
          init.metrics?.onSlowPeer()
        }

        return this.driver.onCongestion(peer, congested)
      },
      onViolation: (peer, error) => { this.#onInvalidFrame(peer, error) },
      onDial: (peer, result, error) => {
        init.metrics?.onDial(result)

        if (result === 'failed') {
          this.troubles.add(peer, 'dialFailed', error?.message ?? 'no reason given')
        } else if (result === 'succeeded') {
          this.troubles.forget(peer, 'dialFailed')
        }
      },
      onPeerAvailable: (peer) => {
        if (this.discovery.onPeerAvailable(peer)) {
          this.#subscriptions.onPeerAvailable(peer)
        }
      }
    })
    this.#subscriptions = new Subscriptions({
      ...init,
      isEnabled: options.discovery.connectedPeers,
      maxMessageSize: options.maxMessageSize,
      topics: this.topics,
      timers: this.timers,
      network: this.network,
      addresses,
      discovery: this.discovery,
      gatekeeper: this.#gatekeeper,
      needs: (peer) => this.driver.state.needs(peer),
      onElsewhere: init.onSubscriptionChange,
      onExcess: (peer) => { this.driver.onExcess(peer) }
    })
    const rules = new ReachabilityRules(components.transportManager, this.network, addresses)
    this.driver = new Driver(this.#gatekeeper.guard(this.network), {
      me,
      config: options,
      rules: {
        canDial: (peer) => !this.#gatekeeper.isBanned(peer.id) && rules.canDial(peer),
        isConnected: rules.isConnected,
        mayTell: rules.mayTell,
        understandsRefusal: rules.understandsRefusal
      },
      hash: init.hash,
      timers: this.timers,
      log,
      metrics: init.metrics,
      onMembershipMessage: (peer, topic, message) => { this.#onMembershipMessage(peer, topic, message) },
      onValidate: (held, judged) => {
        const entry = this.topics.get(held.topic)

        if (entry != null) {
          this.#gatekeeper.judge(entry, held, judged)
        }
      },
      onTopicEvent: (topic, event) => { this.#onTopicEvent(topic, event) },
      onPeerData: (peer, data) => {
        addresses.addPeerData(peer, data)

        // a native connection does not say whether it is one of our kind
        if (addresses.isOurs(peer)) {
          this.#subscriptions.onPeerAvailable(peer)
        }
      },
      onViolation: (peer, reason) => {
        init.metrics?.onViolation(reason)
        log('%p violated the protocol: %s', this.network.peerId(peer), reason)
      }
    })

    this.joining = new Joining({
      peerId: components.peerId,
      connectionManager: components.connectionManager,
      addresses,
      topics: this.topics,
      gatekeeper: this.#gatekeeper,
      discovery: this.discovery,
      driver: this.driver,
      log
    })

    if (options.discovery.contentRouting) {
      this.#content = new ContentDiscovery(components.contentRouting, options.protocol, this.topics, log, (entry, peerId, found) => {
        this.joining.joinFound(entry, peerId, found)
      }, options.membership.activeViewCapacity)
    }
  }

  async start (): Promise<void> {
    await this.network.start()
    this.#content?.start()
    this.#ownPeerData.start()
  }

  /** Says goodbye to the neighbors of every topic, and waits until they have taken it or 5 s are over, or the signal fires. */
  async stop ({ signal }: AbortOptions = {}): Promise<void> {
    this.#ownPeerData.stop()
    this.#content?.stop()
    this.#subscriptions.stop()
    const entries = [...this.topics.values()]

    for (const entry of entries) {
      this.driver.command(entry.id.toString(), { type: 'quit' })
      this.topics.delete(entry.id.toString())
    }

    await this.network.stop(AbortSignal.any([AbortSignal.timeout(GOODBYE_TIMEOUT_MS), ...signal == null ? [] : [signal]]))
    this.timers.clear()

    for (const entry of entries) {
      for (const handle of entry.handles) {
        handle.close()
      }
    }
  }

  // --- topics

  /**
   * The topic's entry; enters the topic where the node is not in it yet.
   *
   * @param name - what the application calls it from now on
   */
  enter (id: TopicId, name?: string): TopicEntry {
    const key = id.toString()
    const known = this.topics.get(key)

    if (known != null) {
      if (name != null && known.name !== name) {
        known.name = name
        this.updateValidation(known)
        this.#subscriptions.onTopicEntered(known)
      }

      return known
    }

    const entry = this.topics.add(id)
    entry.name = name
    this.driver.command(key, { type: 'join', peers: [] })
    this.updateValidation(entry)
    this.#content?.onTopicEntered(entry)
    this.#subscriptions.onTopicEntered(entry)

    return entry
  }

  leaveIfUnused (entry: TopicEntry): void {
    const key = entry.id.toString()

    if (this.topics.get(key) === entry && this.topics.isUnused(entry, this.timers.now())) {
      this.driver.command(key, { type: 'quit' })
      this.topics.delete(key)
      this.discovery.onTopicLeft(key)
      this.#subscriptions.onTopicLeft(key)
    }
  }

  /** Keeps a topic for so many milliseconds though nobody is subscribed or has a handle. */
  keep (entry: TopicEntry, milliseconds: number): void {
    entry.keptUntil = this.timers.now() + milliseconds
    // a millisecond later, when the time is surely over
    this.timers.schedule(milliseconds + 1, () => { this.leaveIfUnused(entry) })
  }

  onHandleClosed (topic: TopicId, handle: TopicHandle): void {
    const entry = this.topics.get(topic.toString())

    if (entry?.handles.delete(handle) === true) {
      this.leaveIfUnused(entry)
    }
  }

  /** Connected peers that are in a topic: as the topic itself knows, or as they have said where we are not in it. */
  subscribers (topic: TopicId): PeerId[] {
    return [...this.topics.get(topic.toString())?.subscribers.values() ?? this.#subscriptions.peersIn(topic)]
  }

  neighbors (topic: TopicId): PeerId[] {
    return [...this.topics.get(topic.toString())?.neighbors.values() ?? []]
  }

  /** Hands a content to the core; it is on its way when this returns. */
  broadcast (topic: TopicId, content: Uint8Array, scope: Scope): { duplicate: boolean } {
    if (this.topics.get(topic.toString()) == null) {
      throw new InvalidParametersError(`Topic ${topic} was neither subscribed to nor joined`)
    }

    const result = this.driver.command(topic.toString(), { type: 'broadcast', content, scope })
    this.#init.metrics?.onPublished(result.duplicate)

    return result
  }

  /** Whether messages of the topic must be judged before they are delivered; to be called when that may have changed. */
  updateValidation (entry: TopicEntry): void {
    this.driver.command(entry.id.toString(), { type: 'holdMessages', hold: this.#gatekeeper.mustJudge(entry) })
  }

  // --- peers

  /** Hears nothing of a peer for ten minutes, and asks nothing of it. */
  #ban (peer: PeerKey): void {
    this.#init.log('%p is banned for the messages that it handed over', this.network.peerId(peer))
    this.driver.onDisconnected(peer, 'banned')
    this.topics.onPeerGone(peer)
    this.#subscriptions.onPeerGone(peer)
  }

  /** What a peer says of its topics. */
  #onAnnouncement (peer: PeerKey, payload: Uint8Array): void {
    if (this.#gatekeeper.isBanned(peer)) {
      return
    }

    try {
      this.#subscriptions.onFrame(peer, payload)
    } catch (err) {
      this.#onInvalidFrame(peer, err as InvalidMessageError)
    }
  }

  #onInvalidFrame (peer: PeerKey, error: InvalidMessageError | MessageTooLargeError): void {
    this.troubles.add(peer, error.name === 'MessageTooLargeError' ? 'oversizedFrame' : 'invalidFrame', error.message)
    this.driver.onInvalidFrame(peer, error)
  }

  // --- what the core says

  /** Who talks about membership in a topic is in it, unless it says goodbye for good. */
  #onMembershipMessage (peer: PeerKey, topic: TopicKey, message: WireMessage): void {
    const entry = this.topics.get(topic)

    if (entry == null) {
      return
    }

    this.#subscriptions.onShown(entry, peer, message.type !== 'disconnect' || message.alive)
  }

  #onTopicEvent (key: TopicKey, event: ProtoTopicEvent): void {
    const entry = this.topics.get(key)

    if (entry == null) {
      return
    }

    if (event.type !== 'received') {
      const peerId = this.network.peerId(event.peer)
      const isUp = event.type === 'neighborUp'
      this.#init.log('topic %s: %p is %s', key, peerId, isUp ? 'a neighbor' : `no neighbor any more (${event.reason})`)
      this.#init.metrics?.onNeighbor(isUp ? 'up' : event.reason)
      this.topics.applyNeighbor(entry, event, peerId, this.#subscriptions.isAnnounced(entry, event.peer))
      this.#tags.onNeighbor(peerId, isUp, this.topics.sharedWith(event.peer))

      if (!isUp && event.reason === 'left') {
        this.discovery.onPeerLeft(entry, event.peer)
      }

      if (!isUp && event.reason !== 'stopped' && !entry.hasBootstrap) {
        this.discovery.search(entry)
      }

      return
    }

    const { scope } = event
    const arrival = this.#gatekeeper.arrival(entry, event)
    const message = this.#gatekeeper.message(arrival)

    if (message == null) {
      return
    }

    this.#init.metrics?.onDelivered(arrival.round)
    const { deliveredFrom } = arrival
    this.topics.tell(entry, message.type === 'signed'
      ? { type: 'received', content: message.data, author: message.from, deliveredFrom, scope }
      : { type: 'received', content: message.data, deliveredFrom, scope })

    if (entry.subscribed) {
      this.#init.onMessage(message)
    }
  }

  /** The message that an own content is, as others see it. */
  ownMessage (entry: TopicEntry, content: Uint8Array): Message | undefined {
    const scope = { type: 'swarm', round: 0 } as const

    return this.#gatekeeper.message(this.#gatekeeper.arrival(entry, { content, deliveredFrom: endpointIdOf(this.#init.components.peerId), scope }))
  }
}
