import { UnsupportedProtocolError } from '@libp2p/interface'
import { gossipTransports } from '../gossip-transport.ts'
import { isIrohAddress } from '../iroh-address.ts'
import { isLetGo } from '../let-go.ts'
import { nextTurn } from './timers.ts'
import type { PeerKey } from '../proto/messages.ts'
import type { Connection, Logger, PeerId, PeerStore, Stream } from '@libp2p/interface'
import type { ConnectionManager, TransportManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface ConnectionsComponents {
  connectionManager: ConnectionManager
  peerStore: PeerStore
  transportManager: Pick<TransportManager, 'getTransports'>
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

/** Incoming or outgoing streams per connection: limits of libp2p's that would reset a stream. */
export const UNLIMITED = 1_000_000

/** Milliseconds for a stream to be opened. */
const OPEN_TIMEOUT_MS = 10_000

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
  /** Of these, those that will be closed once others have ended their streams. */
  readonly #lingering = new WeakSet<Connection>()

  #stop = new AbortController()

  constructor (components: ConnectionsComponents, init: ConnectionsInit) {
    this.#components = components
    this.#init = init
  }

  start (): void {
    this.#stop = new AbortController()
  }

  /** Ends every dial. */
  stop (): void {
    this.#stop.abort()
  }

  /** An outgoing gossip stream. */
  async newStream (connection: Connection): Promise<Stream> {
    return connection.newStream(this.#init.protocol, {
      runOnLimitedConnection: true,
      maxOutboundStreams: UNLIMITED,
      signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(OPEN_TIMEOUT_MS)])
    })
  }

  /** Whether gossip may run here; a connection through a libp2p relay only where the user allows it. */
  mayCarry (connection: Connection): boolean {
    return (connection.direct || this.#init.runOnLimitedConnection) && this.isOurNetwork(connection)
  }

  /** Whether the connection is none of another network: one of native iroh carries the protocol of its ALPN alone. */
  isOurNetwork (connection: Connection): boolean {
    const protocol = gossipTransports(this.#components.transportManager.getTransports())
      .map((transport) => transport.protocolOf(connection)).find((name) => name != null)

    return protocol == null || protocol === this.#init.protocol
  }

  /** Whether the connection is one of native iroh that carries our protocol. */
  isNative (connection: Connection): boolean {
    return isIrohAddress(connection.remoteAddr) && this.isOurNetwork(connection)
  }

  /**
   * The open connection to use: direct ones before those through a libp2p
   * relay, which ends them after little data; native iroh first, since a Rust peer has
   * nothing else; of those one that the peer has not let go of, the newest,
   * since Rust too sends on the one that it registered last (rule 8). What it
   * let go of it still reads.
   */
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
  async dial (key: PeerKey, id: PeerId, except: WeakSet<Connection>): Promise<Connection> {
    const running = this.#dials.get(key)

    if (running != null) {
      return running
    }

    this.#init.onDial(key, 'tried')
    const dial = this.#dial(key, id, except).finally(() => {
      this.#dials.delete(key)
    })
    this.#dials.set(key, dial)
    dial.then(() => { this.#init.onDial(key, 'succeeded') }, (err: Error) => { this.#init.onDial(key, 'failed', err) })

    return dial
  }

  /**
   * Closes what gossip opened and nobody uses any more, as soon as the last
   * stream on it has ended; `stillUnused` is asked at the last moment.
   */
  async closeUnused (id: PeerId, stillUnused: () => boolean): Promise<void> {
    // native connections have a life of their own: `native-upkeep.ts`
    const isOurs = (connection: Connection): boolean => !isIrohAddress(connection.remoteAddr) &&
      connection.status === 'open' && this.#dialed.has(connection)
    const connections = this.#components.connectionManager.getConnections(id)

    if (!connections.some(isOurs) || await this.#isKept(id) || !stillUnused() || this.#stop.signal.aborted) {
      return
    }

    await Promise.all(connections.filter(isOurs).map(async (connection) => {
      if (connection.streams.length === 0) {
        await connection.close()
      } else if (!this.#lingering.has(connection)) {
        this.#lingering.add(connection)
        await streamEnd(connection.streams[0])
        this.#lingering.delete(connection)
        await this.closeUnused(id, stillUnused)
      }
    }))
  }

  /** Closes a native connection, unless it serves others or the user wants it kept. */
  async closeNative (connection: Connection): Promise<void> {
    if (connection.status === 'open' && this.#isUnshared(connection) && !await this.#isKept(connection.remotePeer)) {
      await connection.close()
    }
  }

  /**
   * Ends what carries nothing but gossip, so that a peer notices that it was
   * let go: it does not read, or refuses what we write (rules 1 and 25). Of the
   * connections that others may use only our streams are ended; native ones
   * have no other use.
   */
  abortUnshared (id: PeerId, reason: Error): void {
    for (const connection of this.#components.connectionManager.getConnections(id)) {
      if (!this.isOurNetwork(connection)) {
        continue
      }

      if (this.#isUnshared(connection) && (isIrohAddress(connection.remoteAddr) || this.#dialed.has(connection))) {
        connection.abort(reason)
      } else {
        // a copy: each that is aborted leaves the list at once
        for (const stream of [...connection.streams]) {
          if (stream.protocol === this.#init.protocol) {
            stream.abort(reason)
          }
        }
      }
    }
  }

  #isUnshared (connection: Connection): boolean {
    return connection.streams.every((stream) => stream.protocol === this.#init.protocol)
  }

  /** Whether the user asked that the peer stay connected. */
  async #isKept (id: PeerId): Promise<boolean> {
    const peer = await this.#components.peerStore.get(id).catch(() => undefined)

    return [...peer?.tags.keys() ?? []].some((tag) => tag.startsWith('keep-alive'))
  }

  async #dial (key: PeerKey, id: PeerId, except: WeakSet<Connection>): Promise<Connection> {
    const wishes = gossipTransports(this.#components.transportManager.getTransports()).map((transport) => transport.want(id, this.#init.protocol))

    try {
      let connection = await this.#open(key, id)

      if (!this.isOurNetwork(connection)) {
        // libp2p joins dials to one peer: this one was another network's
        connection = await this.#open(key, id)
      }

      if (except.has(connection) || !this.mayCarry(connection)) {
        throw new UnsupportedProtocolError(`No connection to ${id} carries ${this.#init.protocol}`)
      }

      return connection
    } finally {
      wishes.forEach((takeBack) => { takeBack() })
    }
  }

  async #open (key: PeerKey, id: PeerId): Promise<Connection> {
    const { connectionManager } = this.#components
    const { signal } = this.#stop
    const connections = connectionManager.getConnections(id)
    const before = new Set(connections)
    // where a peer called from it may be called, until gossip says better
    const learned = [...this.#init.addressesOf(key), ...connections.map(({ remoteAddr }) => remoteAddr).filter(isIrohAddress)]
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

    if (!before.has(connection)) {
      this.#dialed.add(connection)
    }

    return connection
  }
}

async function streamEnd (stream: Stream): Promise<void> {
  await new Promise<void>((resolve) => { stream.addEventListener('close', () => { resolve() }, { once: true }) })
  // the connection forgets it in this turn
  await nextTurn()
}

function preference (connection: Connection): number {
  return (connection.direct ? 2 ** 52 : 0) + (isIrohAddress(connection.remoteAddr) ? 2 ** 51 : 0) + (isLetGo(connection) ? 0 : 2 ** 50) + connection.timeline.open
}
