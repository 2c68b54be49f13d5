import { endpointIdOf } from '../iroh-address.ts'
import { farewellIn, goodbyeFrame, sendGoodbye } from './goodbye.ts'
import { NativeConnections } from './native-connections.ts'
import type { Connections } from './connections.ts'
import type { Frame } from './frames.ts'
import type { NativeConnection } from './native-peer.ts'
import type { NativeTags } from './native-tags.ts'
import type { RemotePeer } from './remote-peer.ts'
import type { Timers } from './timers.ts'
import type { PeerKey, TopicKey } from '../proto/messages.ts'
import type { Connection, Logger } from '@libp2p/interface'

/** What native connections ask of their surroundings. */
export interface NativeLinksInit {
  log: Logger
  timers: Timers
  /** Ourselves. */
  me: PeerKey
  connections: Connections
  tags: NativeTags
  /** The peer, while a topic needs it or something is still to be sent to it. */
  peer (key: PeerKey): RemotePeer | undefined
  /** Whether the peer's data said that it runs this implementation. */
  isOurs (peer: PeerKey): boolean
  /** Whether our peer data names an address that a Rust peer can dial. */
  canBeDialed (): boolean
  /** The peer may not count us as neighbor any more. */
  onLinkBroken (peer: PeerKey): void
}

/**
 * Does to connections and streams what the life of native connections asks for.
 */
export class NativeLinks {
  readonly #init: NativeLinksInit
  readonly #life: NativeConnections

  constructor (init: NativeLinksInit) {
    this.#init = init
    this.#life = new NativeConnections({
      log: init.log,
      timers: init.timers,
      isInUse: (key) => init.peer(key) != null,
      isOurs: (key) => init.isOurs(key),
      canBeDialed: () => init.canBeDialed(),
      sayGoodbye: (connection, topic) => { this.#sayGoodbye(connection, topic) },
      close: (key, connection) => { this.#close(key, connection) },
      redial: (key) => { this.#redial(key) }
    })
  }

  /** What is known of the connection, if it is one of native iroh. */
  of (connection: Connection): NativeConnection | undefined {
    if (connection.remotePeer.type !== 'Ed25519' || !this.#init.connections.isNative(connection)) {
      return undefined
    }

    const key = endpointIdOf(connection.remotePeer)

    if (connection.status === 'open') {
      this.#init.tags.add(key, connection.remotePeer)
    }

    return this.#life.opened(key, connection)
  }

  /** A stream of the topic came from the peer. */
  onStream (key: PeerKey, topic: TopicKey): void {
    this.#life.spoke(key, topic)
  }

  /** A frame came on a native connection. On the hot path. */
  onFrame (key: PeerKey, native: NativeConnection, topic: TopicKey, payload: Uint8Array): void {
    this.#life.onFrame(native)
    const farewell = farewellIn(payload)

    if (farewell === 'emptyReply') {
      this.#life.onEmptyReply(key, native)
    } else if (farewell != null) {
      this.#life.onDisconnect(key, native, topic, farewell === 'disconnectAlive')
    }
  }

  /** A Disconnect for the peer was queued. */
  onParted (key: PeerKey): void {
    this.#life.onParted(key)
  }

  /** No topic needs the peer any more, and all that was for it has been acknowledged. */
  onReleased (key: PeerKey): void {
    this.#life.onReleased(key)
  }

  onClosed (key: PeerKey, connection: Connection): void {
    if (this.#life.closed(key, connection)) {
      this.#init.onLinkBroken(key)
    }

    if (!this.#life.has(key)) {
      this.#init.tags.remove(key)
    }
  }

  /**
   * What is to be said first on a new stream to the peer.
   *
   * A native connection that was dialed for one word to a stranger, such as the
   * answer to a walk, starts with a goodbye: the word itself makes a Rust peer
   * let go, and it would have to dial us to say so (rule 6).
   */
  greeting (peer: RemotePeer, connection: Connection): Frame | undefined {
    if (!peer.isReleased || this.of(connection) == null || this.#init.isOurs(peer.key) || this.#life.hasSpoken(peer.key)) {
      return undefined
    }

    this.#life.saidGoodbye(peer.key)

    return goodbyeFrame(this.#init.me)
  }

  clear (): void {
    this.#life.clear()
    this.#init.tags.clear()
  }

  #sayGoodbye (connection: Connection, topic: TopicKey): void {
    this.#init.connections.newStream(connection)
      .then(async (stream) => sendGoodbye(stream, topic, this.#init.me))
      .catch((err) => {
        this.#init.log('could not say goodbye to %p - %e', connection.remotePeer, err)
      })
  }

  #close (key: PeerKey, connection: Connection): void {
    this.#init.peer(key)?.leave(connection)
    this.#init.connections.closeNative(connection).catch((err) => {
      this.#init.log('could not close a connection to %p - %e', connection.remotePeer, err)
    })
  }

  /** The peer let go of its connection, and shares topics with us: it is asked on a new one whether we are neighbors (rule 9). */
  #redial (key: PeerKey): void {
    const peer = this.#init.peer(key)

    if (peer == null) {
      return
    }

    this.#init.connections.dial(key, peer.id, peer.refusedBy)
      .then(() => { this.#init.onLinkBroken(key) })
      .catch((err) => {
        this.#init.log('could not open a new connection to %p - %e', peer.id, err)
      })
  }
}
