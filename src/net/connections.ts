import { UnsupportedProtocolError } from '@libp2p/interface'
import { isIrohAddress } from '../iroh-address.ts'
import type { PeerKey } from '../proto/messages.ts'
import type { Connection, Logger, PeerId, PeerStore } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface ConnectionsComponents {
  connectionManager: ConnectionManager
  peerStore: PeerStore
}

export interface ConnectionsInit {
  protocol: string
  log: Logger
  runOnLimitedConnection: boolean
  /** Where gossip says that a peer can be reached, newest first. */
  addressesOf (peer: PeerKey): Multiaddr[]
  /** A dial began, or came to its end. */
  onDial (peer: PeerKey, result: 'tried' | 'succeeded' | 'failed', error?: Error): void
}

/**
 * Which of libp2p's connections carry gossip, and those that gossip asks for.
 *
 * A connection belongs to everyone: it is closed here only where gossip dialed
 * it and nobody uses it.
 */
export class Connections {
  readonly #components: ConnectionsComponents
  readonly #init: ConnectionsInit
  readonly #dials = new Map<PeerKey, Promise<Connection>>()
  /** Connections that exist because gossip asked for them. */
  readonly #dialed = new WeakSet<Connection>()

  constructor (components: ConnectionsComponents, init: ConnectionsInit) {
    this.#components = components
    this.#init = init
  }

  /** Whether gossip may run here; a connection through a libp2p relay only where the user allows it. */
  mayCarry (connection: Connection): boolean {
    return connection.direct || this.#init.runOnLimitedConnection
  }

  /** The open connection to use: native iroh first, since a Rust peer has nothing else, then the newest. */
  best (id: PeerId, except?: WeakSet<Connection>): Connection | undefined {
    let best: Connection | undefined

    for (const connection of this.#components.connectionManager.getConnections(id)) {
      if (connection.status !== 'open' || except?.has(connection) === true || !this.mayCarry(connection)) {
        continue
      }

      if (best == null || preference(connection) >= preference(best)) {
        best = connection
      }
    }

    return best
  }

  isDialing (key: PeerKey): boolean {
    return this.#dials.has(key)
  }

  /**
   * A connection to a peer that has none: one dial at a time, to the addresses
   * that gossip knows first, then to what libp2p knows.
   */
  async dial (key: PeerKey, id: PeerId, except: WeakSet<Connection>, signal: AbortSignal): Promise<Connection> {
    const running = this.#dials.get(key)

    if (running != null) {
      return running
    }

    this.#init.onDial(key, 'tried')
    const dial = this.#dial(key, id, except, signal).finally(() => {
      this.#dials.delete(key)
    })
    this.#dials.set(key, dial)
    dial.then(() => { this.#init.onDial(key, 'succeeded') }, (err: Error) => { this.#init.onDial(key, 'failed', err) })

    return dial
  }

  /** Closes what gossip opened and nobody uses any more; `stillUnused` is asked at the last moment. */
  async closeUnused (id: PeerId, stillUnused: () => boolean): Promise<void> {
    const { connectionManager, peerStore } = this.#components
    // a native connection stays: a Rust peer does not forget a peer whose connection
    // ends, and what it then sends is lost until we dial it
    const isUnused = (connection: Connection): boolean => !isIrohAddress(connection.remoteAddr) &&
      connection.status === 'open' && this.#dialed.has(connection) && connection.streams.length === 0

    if (!connectionManager.getConnections(id).some(isUnused)) {
      return
    }

    const peer = await peerStore.get(id).catch(() => undefined)
    const isKept = [...peer?.tags.keys() ?? []].some((tag) => tag.startsWith('keep-alive'))

    if (!isKept && stillUnused()) {
      await Promise.all(connectionManager.getConnections(id).filter(isUnused).map(async (connection) => { await connection.close() }))
    }
  }

  /** Ends connections that carry nothing but gossip. */
  abortUnshared (id: PeerId, reason: Error): void {
    for (const connection of this.#components.connectionManager.getConnections(id)) {
      if (connection.streams.every((stream) => stream.protocol === this.#init.protocol)) {
        connection.abort(reason)
      }
    }
  }

  async #dial (key: PeerKey, id: PeerId, except: WeakSet<Connection>, signal: AbortSignal): Promise<Connection> {
    const { connectionManager } = this.#components
    const before = new Set(connectionManager.getConnections(id))
    const learned = this.#init.addressesOf(key)
    // unforced, libp2p aborts a dialed connection when the peer's own comes in from
    // the same address meanwhile: a Rust peer that already sends on it never notices
    // (rule 8), and nothing of it arrives any more
    const force = before.size === 0 || learned.some(isIrohAddress)
    let connection: Connection | undefined

    if (learned.length > 0) {
      connection = await connectionManager.openConnection(learned, { signal, force }).catch((err) => {
        this.#init.log('could not dial %p at what gossip knows - %e', id, err)
        return undefined
      })
    }

    connection ??= await connectionManager.openConnection(id, { signal, force })

    if (except.has(connection) || !this.mayCarry(connection)) {
      throw new UnsupportedProtocolError(`No connection to ${id} carries ${this.#init.protocol}`)
    }

    if (!before.has(connection)) {
      this.#dialed.add(connection)
    }

    return connection
  }
}

function preference (connection: Connection): number {
  return (isIrohAddress(connection.remoteAddr) ? 2 ** 50 : 0) + connection.timeline.open
}
