import { markLetGo } from '../let-go.ts'
import type { ScheduledTask, Timers } from './timers.ts'
import type { PeerKey, TopicKey } from '../proto/messages.ts'
import type { Connection, Logger } from '@libp2p/interface'

/** Milliseconds between two looks at the native connections, while there are any. */
const SWEEP_MS = 1_000

/** Milliseconds without need after which a peer is asked to let go of its connection. */
const IDLE_MS = 5_000

/** Milliseconds until an unanswered goodbye is said again. */
const GOODBYE_AGAIN_MS = 30_000

/** Milliseconds for the answer to a goodbye, where a connection has to go anyway (rule 12). */
const ANSWER_MS = 500

/** Peers whose connections stay open although nobody needs them; beyond, the one idle for longest goes. */
const MAX_IDLE_PEERS = 32

/** Milliseconds in which nothing came on an older connection, and frames on a newer one, before it is closed (rule 8). */
const SUPERSEDED_MS = 10_000

/**
 * Milliseconds that a peer has, after it let go of a connection, to open the
 * next one; then we open it. So long also between two attempts of ours.
 */
const REDIAL_MS = 2_000

/** A connection open for less, in milliseconds, may not have been registered by a peer that said something meanwhile. */
const REGISTERED_MS = 1_000

/** Topics remembered in which a peer spoke; the one longest ago goes first. */
const MAX_TOPICS = 8

/** What the native connections of all peers ask of the network that they belong to. */
export interface NativeConnectionsOwner {
  readonly log: Logger
  readonly timers: Pick<Timers, 'now' | 'schedule' | 'cancel'>
  /** Whether a topic needs the peer, or something is still to be sent to it. */
  isInUse (key: PeerKey): boolean
  /** Whether the peer runs this implementation: it never lets go silently. */
  isOurs (key: PeerKey): boolean
  /** Whether a Rust peer knows an address at which it could dial us. */
  canBeDialed (): boolean
  /** Sends a goodbye on this very connection. Must not throw. */
  sayGoodbye (connection: Connection, topic: TopicKey): void
  /** Finishes our streams on the connection and closes it, unless it serves others. Must not throw. */
  close (key: PeerKey, connection: Connection): void
  /** Opens a new connection beside those that the peer has let go of. Must not throw. */
  redial (key: PeerKey): void
}

/** What is known of one native connection. */
export interface NativeConnection {
  readonly connection: Connection
  readonly openedAt: number
  /** When the first and the newest frame came, in milliseconds. */
  firstFrameAt: number
  frameAt: number
  /** Whether the peer will not send on it any more. */
  letGo: boolean
  /** Whether we are closing it. */
  closing: boolean
}

interface NativePeer {
  readonly key: PeerKey
  /** Oldest first. */
  readonly connections: NativeConnection[]
  /** Topics in which it spoke, the newest last. */
  readonly topics: Set<TopicKey>
  /** Since when nobody needs it. */
  idleSince?: number
  goodbyeAt?: number
  /** When we sent our last Disconnect, until its consequence is drawn. */
  partedAt?: number
  redialAt: number
}

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
  readonly #peers = new Map<PeerKey, NativePeer>()
  #sweep: ScheduledTask | undefined

  constructor (owner: NativeConnectionsOwner) {
    this.#owner = owner
  }

  /** Connections that are open and not being closed. */
  get size (): number {
    let size = 0

    for (const { connections } of this.#peers.values()) {
      size += connections.filter(({ closing }) => !closing).length
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
      peer = { key, connections: [], topics: new Set(), redialAt: -Infinity }
      this.#peers.set(key, peer)
    }

    const known = peer.connections.find((native) => native.connection === connection)

    if (known != null) {
      return known
    }

    const native: NativeConnection = {
      connection,
      openedAt: this.#now(),
      firstFrameAt: Infinity,
      frameAt: -Infinity,
      letGo: false,
      closing: false
    }
    peer.connections.push(native)
    peer.idleSince = undefined
    this.#arm()

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
    const index = peer?.connections.findIndex((native) => native.connection === connection) ?? -1

    if (peer == null || index === -1) {
      return false
    }

    const [native] = peer.connections.splice(index, 1)

    if (peer.connections.length === 0) {
      this.#peers.delete(key)
    }

    return peer.connections.length > 0 && !native.closing && !native.letGo
  }

  /** The peer spoke in a topic, so it is in it. */
  spoke (key: PeerKey, topic: TopicKey): void {
    const topics = this.#peers.get(key)?.topics

    if (topics == null) {
      return
    }

    topics.delete(topic)
    topics.add(topic)

    for (const oldest of topics) {
      if (topics.size <= MAX_TOPICS) {
        break
      }

      topics.delete(oldest)
    }
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

    this.#markLetGo(native)
    this.#markOlder(peer, this.#now() - REGISTERED_MS)
  }

  /** The answer to our goodbye, where one is due: the peer has read everything before, and dropped what it had. */
  onEmptyReply (key: PeerKey, native: NativeConnection): void {
    const peer = this.#peers.get(key)

    if (peer?.goodbyeAt == null) {
      return
    }

    this.#markLetGo(native)
    this.#markOlder(peer, peer.goodbyeAt)
    peer.goodbyeAt = undefined
    this.#settle(peer)
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
      this.#takeParting(peer)
      this.#settle(peer)
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
        this.#settle(peer)
      }

      this.#limit()

      if (this.#peers.size > 0) {
        this.#arm()
      }
    })
  }

  #markLetGo (native: NativeConnection): void {
    if (!native.letGo) {
      native.letGo = true
      // the iroh transport would otherwise hand it out instead of dialing (rule 6)
      markLetGo(native.connection)
    }
  }

  #markOlder (peer: NativePeer, openedBefore: number): void {
    for (const native of peer.connections) {
      if (native.openedAt < openedBefore) {
        this.#markLetGo(native)
      }
    }
  }

  /** Our Disconnect was acknowledged. */
  #takeParting (peer: NativePeer): void {
    if (peer.partedAt != null) {
      this.#markOlder(peer, peer.partedAt)
    }

    peer.partedAt = undefined
  }

  /** Draws the conclusions that time and events allow. */
  #settle (peer: NativePeer): void {
    if (peer.goodbyeAt != null && this.#now() - peer.goodbyeAt >= GOODBYE_AGAIN_MS) {
      peer.goodbyeAt = undefined
    }

    if (this.#owner.isInUse(peer.key)) {
      peer.idleSince = undefined
      this.#keepUp(peer)
    } else {
      peer.idleSince ??= this.#now()
      this.#windDown(peer, peer.idleSince)
    }
  }

  #keepUp (peer: NativePeer): void {
    const now = this.#now()
    const open = peer.connections.filter(({ closing }) => !closing)
    const newest = open.at(-1)

    if (peer.partedAt != null && now - peer.partedAt >= REGISTERED_MS) {
      if (this.#owner.isOurs(peer.key)) {
        // it keeps its connection for the topics that go on
        peer.partedAt = undefined
      } else {
        this.#takeParting(peer)
      }
    }

    // rule 8: each side uses the connection that it registered last, which may be the older one
    for (const older of open.slice(0, -1)) {
      if (newest != null && now - newest.firstFrameAt >= SUPERSEDED_MS && now - older.frameAt >= SUPERSEDED_MS && newest.frameAt > older.frameAt) {
        this.#close(peer, older)
      }
    }

    // rule 9: other topics go on, so the peer opens a new connection when it has something to say; if it can
    if (open.length > 0 && open.every(({ letGo }) => letGo)) {
      peer.redialAt = peer.redialAt === -Infinity && this.#owner.canBeDialed() ? now + REDIAL_MS : Math.max(peer.redialAt, now)

      if (peer.redialAt <= now) {
        peer.redialAt = now + REDIAL_MS
        this.#owner.redial(peer.key)
      }
    } else {
      peer.redialAt = -Infinity
    }
  }

  #windDown (peer: NativePeer, idleSince: number): void {
    const now = this.#now()
    const isIdle = now - idleSince >= IDLE_MS
    let kept: NativeConnection | undefined

    for (const native of peer.connections) {
      if (native.closing) {
        continue
      }

      if (native.letGo || (isIdle && this.#owner.isOurs(peer.key))) {
        this.#close(peer, native)
      } else {
        kept = native
      }
    }

    if (kept != null && isIdle && peer.goodbyeAt == null) {
      this.#sayGoodbye(peer, kept)
    }
  }

  /** Closes the oldest of too many idle connections, answered or not. */
  #limit (): void {
    const now = this.#now()
    const idle = [...this.#peers.values()]
      .filter(({ idleSince, connections }) => idleSince != null && connections.some(({ closing }) => !closing))
      .sort((a, b) => (a.idleSince ?? 0) - (b.idleSince ?? 0))

    for (const peer of idle.slice(0, Math.max(0, idle.length - MAX_IDLE_PEERS))) {
      if (peer.goodbyeAt == null && this.#sayGoodbye(peer, peer.connections[peer.connections.length - 1])) {
        continue
      }

      if (peer.goodbyeAt == null || now - peer.goodbyeAt >= ANSWER_MS) {
        for (const native of peer.connections) {
          this.#close(peer, native)
        }
      }
    }
  }

  /** Returns false for a peer that never said in which topic it is. */
  #sayGoodbye (peer: NativePeer, native: NativeConnection): boolean {
    const topic = [...peer.topics].at(-1)

    if (topic == null) {
      return false
    }

    this.#owner.log('asking %p to let go of its connection', native.connection.remotePeer)
    peer.goodbyeAt = this.#now()
    this.#owner.sayGoodbye(native.connection, topic)

    return true
  }

  #close (peer: NativePeer, native: NativeConnection): void {
    if (!native.closing) {
      native.closing = true
      this.#owner.close(peer.key, native.connection)
    }
  }
}
