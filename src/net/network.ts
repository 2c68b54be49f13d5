import { UnsupportedProtocolError } from '@libp2p/interface'
import { toString } from 'uint8arrays/to-string'
import { endpointIdOf, isIrohAddress, peerIdOf } from '../iroh-address.ts'
import { SUBSCRIPTIONS_TOPIC } from '../wire/index.ts'
import { Connections, UNLIMITED } from './connections.ts'
import { MembershipLimit } from './membership-limit.ts'
import { NativeLinks } from './native-links.ts'
import { NativeTags } from './native-tags.ts'
import { receive } from './receive.ts'
import { RemotePeer } from './remote-peer.ts'
import { nextTurn } from './timers.ts'
import type { NetworkComponents, NetworkInit } from './network-init.ts'
import type { RemotePeerOwner } from './remote-peer.ts'
import type { Timers } from './timers.ts'
import type { Frame, OpenedStream } from './topic-stream.ts'
import type { DisconnectReason } from '../proto/events.ts'
import type { PeerKey, TopicKey } from '../proto/messages.ts'
import type { Connection, Logger, PeerId, Stream } from '@libp2p/interface'

/** Milliseconds between the loss of a link and the question whether it still stands: what else is lost shows meanwhile. */
const LINK_BROKEN_MS = 100

/**
 * Everything that gossip does with connections and streams.
 *
 * Sends are queued and leave in the same turn of the event loop; nobody waits
 * for them. A peer that cannot be dialed, or that does not read, is reported
 * as disconnected.
 */
export class Network implements RemotePeerOwner {
  readonly log: Logger
  readonly timers: Timers
  readonly maxQueueBytes: number
  readonly stallTimeoutMs: number
  readonly #components: NetworkComponents
  readonly #init: NetworkInit
  readonly #peers = new Map<PeerKey, RemotePeer>()
  readonly #dirty = new Set<RemotePeer>()
  readonly #connections: Connections
  readonly #native: NativeLinks
  readonly #membershipLimit = new MembershipLimit()
  /** Peers about to be reported as `onLinkBroken`. */
  readonly #broken = new Set<PeerKey>()
  #topologyId: string | undefined
  #flushScheduled = false

  constructor (components: NetworkComponents, init: NetworkInit) {
    this.#components = components
    this.#init = init
    this.log = init.log
    this.timers = init.timers
    this.maxQueueBytes = init.maxQueueBytes
    this.stallTimeoutMs = init.stallTimeoutMs
    this.#connections = new Connections(components, init)
    this.#native = new NativeLinks({
      ...init,
      connections: this.#connections,
      tags: new NativeTags(components.peerStore, init.log),
      peer: (key) => this.#peers.get(key),
      onLinkBroken: (key) => { this.#linkBroken(key) }
    })
  }

  async start (): Promise<void> {
    this.#connections.start()
    const { registrar, events } = this.#components

    await registrar.handle(this.#init.protocol, this.#onStream, {
      maxInboundStreams: UNLIMITED,
      maxOutboundStreams: UNLIMITED,
      // native connections are marked as limited so that no other protocol takes them
      runOnLimitedConnection: true
    })
    this.#topologyId = await registrar.register(this.#init.protocol, {
      notifyOnLimitedConnection: true,
      onConnect: (peerId) => {
        this.#announce(peerId)
      }
    })
    events.addEventListener('connection:open', this.#onConnectionOpen)
    events.addEventListener('connection:close', this.#onConnectionClose)

    for (const connection of this.#components.connectionManager.getConnections()) {
      this.#native.of(connection)
      this.#announceKnown(connection.remotePeer)
    }
  }

  /**
   * Sends what is queued, finishes all streams and accepts no more.
   *
   * @param timeoutMs - after so many milliseconds the rest is dropped
   */
  async stop (timeoutMs: number): Promise<void> {
    const { registrar, events } = this.#components
    const timeout = AbortSignal.timeout(timeoutMs)

    await Promise.race([
      Promise.all([...this.#peers.values()].filter((peer) => this.hasConnection(peer)).map(async (peer) => { await this.#drained(peer) })),
      new Promise((resolve) => { timeout.addEventListener('abort', resolve) })
    ])

    this.#connections.stop()
    events.removeEventListener('connection:open', this.#onConnectionOpen)
    events.removeEventListener('connection:close', this.#onConnectionClose)

    if (this.#topologyId != null) {
      registrar.unregister(this.#topologyId)
    }

    await registrar.unhandle(this.#init.protocol)

    for (const peer of this.#peers.values()) {
      peer.discard()
    }

    this.#peers.clear()
    this.#dirty.clear()
    this.#broken.clear()
    this.#drainWaiters.clear()
    this.#native.clear()
  }

  /** Queues a frame for a peer, which is dialed where necessary. `last` ends the topic's stream. */
  send (key: PeerKey, topic: TopicKey, frame: Frame, last: boolean): void {
    const peer = this.#peer(key)
    peer.enqueue(topic, frame, last)
    this.#dirty.add(peer)

    if (last) {
      this.#native.onParted(key)
    }

    if (!this.#flushScheduled) {
      this.#flushScheduled = true
      queueMicrotask(this.#flush)
    }
  }

  /** No topic needs the peer any more: what is queued is still sent. */
  release (key: PeerKey): void {
    const peer = this.#peers.get(key)

    if (peer == null) {
      return
    }

    this.#dirty.delete(peer)
    peer.flush()
    peer.release()
  }

  /** Lets a peer go without another word. */
  drop (key: PeerKey, reason: DisconnectReason): void {
    this.#peers.get(key)?.fail(reason)
  }

  /** The peer's id, without deriving it again for a peer that we deal with. */
  peerId (key: PeerKey): PeerId {
    return this.#peers.get(key)?.id ?? peerIdOf(key)
  }

  /** Whether a connection to the peer is open that can carry gossip. */
  isConnected (key: PeerKey): boolean {
    return this.#connections.best(this.peerId(key)) != null
  }

  /** Whether gossip with the peer runs over native iroh, so that it may be a Rust peer. */
  isNative (key: PeerKey): boolean {
    const connection = this.#connections.best(this.peerId(key))
    return connection != null && isIrohAddress(connection.remoteAddr)
  }

  /** Peers that we exchange gossip with, in no particular order. */
  peers (): PeerId[] {
    return [...this.#peers.values()].map((peer) => peer.id)
  }

  /** Bytes that wait to be sent, to all peers. */
  get queuedBytes (): number {
    let bytes = 0

    for (const peer of this.#peers.values()) {
      bytes += peer.queuedBytes
    }

    return bytes
  }

  // --- what a RemotePeer asks for

  async openStream (peer: RemotePeer, signal: AbortSignal): Promise<OpenedStream> {
    // not while the muxer reads: the rest of what it reads may end the connection, and yamux, which writes
    // to a stream that it opens a microtask later, then throws where nobody can catch it
    await nextTurn()
    signal.throwIfAborted()

    const connection = this.#connections.best(peer.id, peer.refusedBy) ?? await this.#connections.dial(peer.key, peer.id, peer.refusedBy)
    signal.throwIfAborted()

    try {
      const stream = await this.#connections.newStream(connection)

      return { stream, connection, greeting: this.#native.greeting(peer, connection) }
    } catch (err) {
      if (err instanceof Error && err.name === 'UnsupportedProtocolError') {
        peer.refusedBy.add(connection)
      }

      throw err
    }
  }

  hasConnection (peer: RemotePeer): boolean {
    return this.#connections.best(peer.id, peer.refusedBy) != null
  }

  onCongestion (peer: RemotePeer, congested: boolean): boolean {
    return this.#init.onCongestion(peer.key, congested)
  }

  onStreamReopened (peer: RemotePeer): void {
    this.#linkBroken(peer.key)
  }

  onPeerFailed (peer: RemotePeer, reason: DisconnectReason): void {
    this.#forget(peer)
    this.#init.onDisconnected(peer.key, reason)

    // it reads nothing, so only a closed connection tells it that it was let go (rule 25);
    // one that refuses our streams counts us as neighbor as well
    if (reason === 'sendStalled' || reason === 'protocolError') {
      this.#connections.abortUnshared(peer.id, new Error(reason === 'sendStalled' ? 'The peer does not read' : 'The peer refuses our streams'))
    }
  }

  onPeerReleased (peer: RemotePeer): void {
    this.#forget(peer)
    this.#native.onReleased(peer.key)
    this.#closeUnused(peer.key, peer.id)
  }

  // --- peers and connections

  #peer (key: PeerKey): RemotePeer {
    let peer = this.#peers.get(key)

    if (peer == null) {
      peer = new RemotePeer(this, key, peerIdOf(key))
      this.#peers.set(key, peer)
    }

    return peer
  }

  #forget (peer: RemotePeer): void {
    this.#dirty.delete(peer)
    this.#drainWaiters.get(peer)?.()
    this.#drainWaiters.delete(peer)

    if (this.#peers.get(peer.key) === peer) {
      this.#peers.delete(peer.key)
    }
  }

  readonly #flush = (): void => {
    this.#flushScheduled = false
    const dirty = [...this.#dirty]
    this.#dirty.clear()

    for (const peer of dirty) {
      peer.flush()
    }
  }

  readonly #onStream = (stream: Stream, connection: Connection): void => {
    if (connection.remotePeer.type !== 'Ed25519' || !this.#connections.mayCarry(connection)) {
      stream.abort(new UnsupportedProtocolError('Gossip needs an Ed25519 key and a connection that may carry it'))
      return
    }

    const key = endpointIdOf(connection.remotePeer)
    const native = this.#native.of(connection)
    let header: Uint8Array | undefined
    let topic: TopicKey = ''

    stream.addEventListener('close', (evt) => {
      if (!this.#peers.has(key)) {
        this.#closeUnused(key, connection.remotePeer)
      } else if (evt.error != null) {
        // reset by the peer, which a Rust peer never does: what it carried may be lost
        this.#linkBroken(key)
      }
    })

    receive(stream, this.#init.maxMessageSize, {
      onFrame: (topicId, payload) => {
        if (header !== topicId) {
          header = topicId
          topic = toString(topicId, 'hex')

          // nobody answers a goodbye there
          if (topic !== SUBSCRIPTIONS_TOPIC) {
            this.#native.onStream(key, topic)
          }
        }

        if (native != null) {
          this.#native.onFrame(key, native, topic, payload)
        }

        if (this.#membershipLimit.allows(key, payload, this.timers.now())) {
          this.#init.onFrame(key, topic, payload)
        } else {
          this.#init.onExcess(key)
        }
      },
      onViolation: (error) => {
        this.#init.onViolation(key, error)
      }
    })

    this.#init.onPeerAvailable(key)
  }

  readonly #onConnectionOpen = (evt: CustomEvent<Connection>): void => {
    const connection = evt.detail

    if (connection.remotePeer.type !== 'Ed25519' || !this.#connections.isOurNetwork(connection)) {
      return
    }

    this.#native.of(connection)
    const peer = this.#peers.get(endpointIdOf(connection.remotePeer))

    // a Rust peer that dials us anew may have lost the connection before without a word, as when it was killed:
    // what we said there would reach nobody (rule 8: it sends on the newest itself)
    if (connection.direction === 'inbound' && isIrohAddress(connection.remoteAddr)) {
      peer?.moveTo(connection)
    }

    if (connection.direct) {
      peer?.leaveRelays()
    }

    peer?.flush()

    // a native connection speaks gossip and nothing else; others are announced by identify
    if (isIrohAddress(connection.remoteAddr)) {
      this.#announce(connection.remotePeer)
    } else {
      // one that was known by a connection which may not carry gossip
      this.#announceKnown(connection.remotePeer)
    }
  }

  readonly #onConnectionClose = (evt: CustomEvent<Connection>): void => {
    const { remotePeer } = evt.detail

    if (remotePeer.type !== 'Ed25519') {
      return
    }

    const key = endpointIdOf(remotePeer)

    this.#native.onClosed(key, evt.detail)

    if (this.#connections.best(remotePeer) != null) {
      return
    }

    const peer = this.#peers.get(key)

    if (this.#connections.isDialing(key)) {
      // a new connection is on its way; should it fail, that ends the peer
      return
    }

    if (peer != null) {
      peer.fail('connectionClosed')
    } else {
      // a peer that only ever wrote to us
      this.#init.onDisconnected(key, 'connectionClosed')
    }
  }

  /** Reports the peer a little later, unless it is gone by then. */
  #linkBroken (key: PeerKey): void {
    if (this.#broken.has(key)) {
      return
    }

    this.#broken.add(key)
    this.timers.schedule(LINK_BROKEN_MS, () => {
      if (this.#broken.delete(key) && this.#peers.has(key)) {
        this.#init.onLinkBroken(key)
      }
    })
  }

  /** A peer that was connected before we started: identify does not run again. */
  #announceKnown (peerId: PeerId): void {
    this.#components.peerStore.get(peerId).then(({ protocols }) => {
      if (protocols.includes(this.#init.protocol)) {
        this.#announce(peerId)
      }
    }).catch((err) => {
      // an unknown peer is announced by identify
      if (err.name !== 'NotFoundError') {
        this.log('could not look up the protocols of %p - %e', peerId, err)
      }
    })
  }

  #announce (peerId: PeerId): void {
    // a connection through a relay may come first, and not be allowed to carry gossip
    if (peerId.type === 'Ed25519' && this.#connections.best(peerId) != null) {
      this.#init.onPeerAvailable(endpointIdOf(peerId))
    }
  }

  #closeUnused (key: PeerKey, id: PeerId): void {
    this.#connections.closeUnused(id, () => !this.#peers.has(key)).catch((err) => {
      this.log('could not close the connection to %p - %e', id, err)
    })
  }

  readonly #drainWaiters = new Map<RemotePeer, () => void>()

  /** Resolves when all that is queued for the peer was sent and acknowledged. */
  async #drained (peer: RemotePeer): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#drainWaiters.set(peer, resolve)
      peer.flush()
      peer.release()
    })
  }
}
