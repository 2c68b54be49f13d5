import { NativePeer } from './native-peer.ts'
import { NativeUpkeep, REGISTERED_MS } from './native-upkeep.ts'
import type { NativeConnection } from './native-peer.ts'
import type { NativeConnectionsOwner } from './native-upkeep.ts'
import type { ScheduledTask } from './timers.ts'
import type { PeerKey, TopicKey } from '../proto/messages.ts'
import type { Connection } from '@libp2p/interface'

/** Milliseconds between two looks at the native connections, while there are any. */
const SWEEP_MS = 1_000

/**
 * The life of native iroh connections, which may belong to Rust peers.
 *
 * A Rust peer does not forget a peer whose connection ends, and what it then
 * has to say is lost until it is dialed. So a connection is closed only when
 * the peer has let go of it (rule 6): it sent a Disconnect, it took ours, or it
 * answered a goodbye, which is an empty Shuffle with ttl 0. Others stay open,
 * up to a bound, and are asked to let go when they have been idle for a while.
 */
export class NativeConnections {
  readonly #owner: NativeConnectionsOwner
  readonly #upkeep: NativeUpkeep
  readonly #peers = new Map<PeerKey, NativePeer>()
  #sweep: ScheduledTask | undefined

  constructor (owner: NativeConnectionsOwner) {
    this.#owner = owner
    this.#upkeep = new NativeUpkeep(owner)
  }

  /** Connections that are open and not being closed. */
  get size (): number {
    let size = 0

    for (const peer of this.#peers.values()) {
      size += peer.open().length
    }

    return size
  }

  /** Whether a native connection to the peer is known that has not closed. */
  has (key: PeerKey): boolean {
    return this.#peers.has(key)
  }

  /** What is known of a connection, from its first sight on. */
  opened (key: PeerKey, connection: Connection): NativeConnection {
    let peer = this.#peers.get(key)

    if (peer == null) {
      peer = new NativePeer(key)
      this.#peers.set(key, peer)
    }

    const { native, isNew } = peer.opened(connection, this.#now())

    if (isNew) {
      this.#arm()
    }

    return native
  }

  /**
   * The connection is gone.
   *
   * @returns whether the peer may have removed us though another connection
   * lives (rule 8): it was neither closed by us nor let go
   */
  closed (key: PeerKey, connection: Connection): boolean {
    const peer = this.#peers.get(key)
    const native = peer?.closed(connection)

    if (peer == null || native == null) {
      return false
    }

    if (peer.connections.length === 0) {
      this.#peers.delete(key)
    }

    return peer.connections.length > 0 && !native.closing && !native.letGo
  }

  /** The peer spoke in a topic, so it is in it. */
  spoke (key: PeerKey, topic: TopicKey): void {
    this.#peers.get(key)?.spoke(topic)
  }

  /** Whether the peer ever said anything on the connections that it has now. */
  hasSpoken (key: PeerKey): boolean {
    return (this.#peers.get(key)?.topics.size ?? 0) > 0
  }

  /** A frame came. On the hot path. */
  onFrame (native: NativeConnection): void {
    native.frameAt = this.#now()

    if (native.firstFrameAt === Infinity) {
      native.firstFrameAt = native.frameAt
    }
  }

  /** The peer sent a Disconnect on the connection: it uses none any more that it had then. */
  onDisconnect (key: PeerKey, native: NativeConnection, topic: TopicKey, alive: boolean): void {
    const peer = this.#peers.get(key)

    if (peer == null || this.#owner.isOurs(key)) {
      return
    }

    if (!alive) {
      peer.topics.delete(topic)
    }

    peer.letGoOf(native)
    peer.letGoOfOlder(this.#now() - REGISTERED_MS)
  }

  /** The answer to our goodbye, where one is due: the peer has read everything before, and dropped what it had. */
  onEmptyReply (key: PeerKey, native: NativeConnection): void {
    const peer = this.#peers.get(key)

    if (peer?.goodbyeAt == null) {
      return
    }

    peer.letGoOf(native)
    peer.letGoOfOlder(peer.goodbyeAt)
    peer.goodbyeAt = undefined
    this.#upkeep.settle(peer)
  }

  /** A goodbye went out with other frames. */
  saidGoodbye (key: PeerKey): void {
    const peer = this.#peers.get(key)

    if (peer != null) {
      peer.goodbyeAt = this.#now()
    }
  }

  /** Our Disconnect is on its way: a peer that takes it lets go of us in all topics. */
  onParted (key: PeerKey): void {
    const peer = this.#peers.get(key)

    if (peer != null) {
      peer.partedAt = this.#now()
    }
  }

  /** No topic needs the peer, and all that was for it has been acknowledged. */
  onReleased (key: PeerKey): void {
    const peer = this.#peers.get(key)

    if (peer != null) {
      peer.takeParting()
      this.#upkeep.settle(peer)
    }
  }

  clear (): void {
    this.#peers.clear()

    if (this.#sweep != null) {
      this.#owner.timers.cancel(this.#sweep)
      this.#sweep = undefined
    }
  }

  #now (): number {
    return this.#owner.timers.now()
  }

  #arm (): void {
    this.#sweep ??= this.#owner.timers.schedule(SWEEP_MS, () => {
      this.#sweep = undefined

      for (const peer of [...this.#peers.values()]) {
        this.#upkeep.settle(peer)
      }

      this.#upkeep.limit(this.#peers.values())

      if (this.#peers.size > 0) {
        this.#arm()
      }
    })
  }
}
