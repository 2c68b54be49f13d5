import { isLetGo } from '../let-go.ts'
import { IrohConnection } from './connection.ts'
import { IrohStreamMuxerFactory } from './stream-muxer.ts'
import type { SharedEndpoint } from './endpoint.ts'
import type { Native, NativeConnection } from './native.ts'
import type { ComponentLogger, Connection, MessageStreamDirection, PeerId, UpgraderWithoutEncryptionOptions } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

interface ConnectionsComponents {
  connectionManager: ConnectionManager
  logger: ComponentLogger
}

interface AdoptInit {
  native: Native
  connection: NativeConnection
  protocol: string
  remotePeer: PeerId
  remoteAddr: Multiaddr
  direction: MessageStreamDirection
}

/**
 * The native connections of a transport, until they are gone: which is later
 * than libp2p has them.
 */
export class Connections {
  readonly #components: ConnectionsComponents
  readonly #endpoint: SharedEndpoint
  readonly #open = new Set<IrohConnection>()
  /** By the object that libp2p's connection has as its address, too. */
  readonly #byAddress = new WeakMap<Multiaddr, IrohConnection>()

  constructor (components: ConnectionsComponents, endpoint: SharedEndpoint) {
    this.#components = components
    this.#endpoint = endpoint
  }

  /**
   * Makes a native connection ours. From its caller it takes over one use of
   * the endpoint, which ends with the connection.
   */
  adopt (init: AdoptInit): IrohConnection {
    const maConn = new IrohConnection({
      ...init,
      log: this.#components.logger.forComponent(`libp2p:iroh:connection:${init.direction}`)
    })

    this.#open.add(maConn)
    this.#byAddress.set(maConn.remoteAddr, maConn)
    void maConn.closed.then(async () => {
      this.#open.delete(maConn)
      await this.#endpoint.release()
    })

    return maConn
  }

  /** The libp2p connection to the peer that carries the protocol, unless the peer has let go of it. */
  find (peerId: PeerId, protocol: string): Connection | undefined {
    return this.#components.connectionManager.getConnections(peerId).find((connection) => {
      return connection.status === 'open' && this.#byAddress.get(connection.remoteAddr)?.protocol === protocol && !isLetGo(connection)
    })
  }

  /** The protocol of a libp2p connection, `undefined` if it is none of ours. */
  protocolOf (connection: Connection): string | undefined {
    return this.#byAddress.get(connection.remoteAddr)?.protocol
  }

  /** Closes all, losing nothing. Never rejects. */
  async shutDown (): Promise<void> {
    await Promise.all([...this.#open].map(async (connection) => connection.shutDown()))
  }
}

/**
 * How libp2p makes a connection of ours its own: encrypted and multiplexed
 * already, and for nothing but what asks for limited connections.
 */
export function upgradeOptions (maConn: IrohConnection, signal: AbortSignal): UpgraderWithoutEncryptionOptions {
  return {
    skipEncryption: true,
    skipProtection: true,
    remotePeer: maConn.remotePeer,
    muxerFactory: new IrohStreamMuxerFactory(maConn),
    limits: {},
    signal
  }
}
