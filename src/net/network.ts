import { isIrohAddress, peerIdOf } from '../iroh-address.ts'
import { ConnectionEvents } from './connection-events.ts'
import { Connections, UNLIMITED } from './connections.ts'
import { IncomingStreams } from './incoming-streams.ts'
import { NativeLinks } from './native-links.ts'
import { NativeTags } from './native-tags.ts'
import { RemotePeer } from './remote-peer.ts'
import { nextTurn } from './timers.ts'
import type { Frame } from './frames.ts'
import type { NetworkComponents, NetworkInit } from './network-init.ts'
import type { RemotePeerOwner } from './remote-peer.ts'
import type { ScheduledTask, Timers } from './timers.ts'
import type { OpenedStream } from './topic-stream.ts'
import type { DisconnectReason } from '../proto/events.ts'
import type { PeerKey, TopicKey } from '../proto/messages.ts'
import type { Logger, PeerId } from '@libp2p/interface'

/** Milliseconds between the loss of a link and the question whether it still stands: what else is lost shows meanwhile. */
const LINK_BROKEN_MS = 100

/**
 * Milliseconds for which a connection that nobody uses any more is kept: who was
 * let go is often asked something again soon, and the other side may be about to
 * say something. And how many such peers there may be; of more the one let go
 * longest ago loses its connection at once.
 */
const LINGER_MS = 5_000
const MAX_LINGERING = 16

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
  readonly #incoming: IncomingStreams
  readonly #connectionEvents: ConnectionEvents
  /** Peers about to be reported as `onLinkBroken`. */
  readonly #broken = new Set<PeerKey>()
  /** Peers whose connections will be closed unless they are used again, the one let go longest ago first. */
  readonly #lingering = new Map<PeerKey, { id: PeerId, task: ScheduledTask }>()
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
    this.#incoming = new IncomingStreams({
      ...init,
      connections: this.#connections,
      native: this.#native,
      isKnown: (key) => this.#peers.has(key),
      onReset: (key) => { this.#linkBroken(key) },
      onUnused: (key, id) => { this.#closeUnused(key, id) }
    })
    this.#connectionEvents = new ConnectionEvents(components, {
      ...init,
      connections: this.#connections,
      native: this.#native,
      peer: (key) => this.#peers.get(key)
    })
  }

  async start (): Promise<void> {
    this.#connections.start()
    await this.#components.registrar.handle(this.#init.protocol, this.#incoming.onStream, {
      maxInboundStreams: UNLIMITED,
      maxOutboundStreams: UNLIMITED,
      // native connections are marked as limited so that no other protocol takes them
      runOnLimitedConnection: true
    })
    await this.#connectionEvents.start()
  }

  /**
   * Sends what is queued, finishes all streams and accepts no more.
   *
   * @param signal - when it fires the rest is dropped
   */
  async stop (signal: AbortSignal): Promise<void> {
    await Promise.race([
      Promise.all([...this.#peers.values()].filter((peer) => this.hasConnection(peer)).map(async (peer) => { await this.#drained(peer) })),
      new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => { resolve() }, { once: true })

        if (signal.aborted) {
          resolve()
        }
      })
    ])

    this.#connections.stop()
    this.#connectionEvents.stop()
    await this.#components.registrar.unhandle(this.#init.protocol)

    for (const peer of this.#peers.values()) {
      peer.discard()
    }

    this.#peers.clear()
    this.#dirty.clear()
    this.#broken.clear()
    this.#lingering.clear()
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

    // what was dialed, and may not carry gossip: it leads through a relay, or to who does not speak it
    this.#closeUnused(peer.key, peer.id)
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
      peer.flushQueued()
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

  #closeUnused (key: PeerKey, id: PeerId): void {
    const before = this.#lingering.get(key)

    if (before != null) {
      this.timers.cancel(before.task)
      this.#lingering.delete(key)
    }

    const task = this.timers.schedule(LINGER_MS, () => { this.#closeNow(key, id) })
    this.#lingering.set(key, { id, task })

    for (const [oldest, { id, task }] of this.#lingering) {
      if (this.#lingering.size <= MAX_LINGERING) {
        break
      }

      this.timers.cancel(task)
      this.#closeNow(oldest, id)
    }
  }

  #closeNow (key: PeerKey, id: PeerId): void {
    this.#lingering.delete(key)
    this.#connections.closeUnused(id, () => !this.#peers.has(key)).catch((err) => {
      this.log('could not close the connection to %p - %e', id, err)
    })
  }

  /** Called once all that was for a peer is acknowledged: a close before that would lose it (rule 12). */
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
