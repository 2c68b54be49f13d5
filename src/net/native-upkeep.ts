import type { NativeConnection, NativePeer } from './native-peer.ts'
import type { Timers } from './timers.ts'
import type { PeerKey, TopicKey } from '../proto/messages.ts'
import type { Connection, Logger } from '@libp2p/interface'

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
export const REGISTERED_MS = 1_000

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

/** Closes, asks and dials: what follows from what is known of native connections, as time goes by. */
export class NativeUpkeep {
  readonly #owner: NativeConnectionsOwner

  constructor (owner: NativeConnectionsOwner) {
    this.#owner = owner
  }

  /** Draws the conclusions that time and events allow. */
  settle (peer: NativePeer): void {
    if (peer.goodbyeAt != null && this.#owner.timers.now() - peer.goodbyeAt >= GOODBYE_AGAIN_MS) {
      peer.goodbyeAt = undefined
    }

    if (this.#owner.isInUse(peer.key)) {
      peer.idleSince = undefined
      this.#keepUp(peer)
    } else {
      peer.idleSince ??= this.#owner.timers.now()
      this.#windDown(peer, peer.idleSince)
    }
  }

  /**
   * Closes the oldest of too many idle connections, answered or not. A goodbye
   * comes first all the same (rules 6 and 7): what a Rust peer has to say after
   * its connection is gone would be lost.
   */
  limit (peers: Iterable<NativePeer>): void {
    const now = this.#owner.timers.now()
    const idle = [...peers]
      .filter((peer) => peer.idleSince != null && peer.open().length > 0)
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

  #keepUp (peer: NativePeer): void {
    const now = this.#owner.timers.now()
    const open = peer.open()
    const newest = open.at(-1)

    if (peer.partedAt != null && now - peer.partedAt >= REGISTERED_MS) {
      if (this.#owner.isOurs(peer.key)) {
        // it keeps its connection for the topics that go on
        peer.partedAt = undefined
      } else {
        peer.takeParting()
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
    const now = this.#owner.timers.now()
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

  /** Returns false for a peer that never said in which topic it is. */
  #sayGoodbye (peer: NativePeer, native: NativeConnection): boolean {
    const topic = [...peer.topics].at(-1)

    if (topic == null) {
      return false
    }

    this.#owner.log('asking %p to let go of its connection', native.connection.remotePeer)
    peer.goodbyeAt = this.#owner.timers.now()
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
