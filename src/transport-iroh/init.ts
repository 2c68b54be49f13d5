import type { RelayMode } from './endpoint.ts'
import type { NativeConnection, NativeEndpoint } from './native.ts'
import type { ComponentLogger, ConnectionProtector, PrivateKey, Upgrader } from '@libp2p/interface'
import type { AddressManager, ConnectionManager } from '@libp2p/interface-internal'

/**
 * Options of the iroh transport.
 */
export interface IrohInit {
  /**
   * Which relay servers the endpoint uses: `default` and `staging` are those of
   * number 0, where it also publishes its address and looks others up;
   * `disabled` means none; else the URLs of the relays. Without relays a peer
   * behind a NAT cannot be reached.
   *
   * @default 'default' (iroh)
   */
  relayMode?: RelayMode
  /**
   * An `Endpoint` of `@number0/iroh` that the application owns. It must have
   * been bound with the node's key (the first 32 bytes of `privateKey.raw`). It
   * is not closed when the node stops. `relayMode` and the IP addresses to
   * listen on are then the endpoint's own.
   *
   * As an endpoint has one queue of incoming connections and one set of ALPNs,
   * the transport takes both over while the node runs; see `handlers`.
   */
  endpoint?: NativeEndpoint
  /**
   * Whether the transport accepts what reaches the endpoint. With `false` the
   * application has an accept loop of its own on its `endpoint`, whose ALPNs it
   * sets itself, and passes gossip connections to `handleConnection`.
   *
   * @default true
   */
  accept?: boolean
  /**
   * The protocols that native connections carry, each of which is both an ALPN
   * and a libp2p protocol. All are accepted. Dialed is the one of the service
   * that dials, the first for others.
   *
   * @default ['/iroh-gossip/1']
   */
  gossipProtocols?: string[]
  /**
   * What else the endpoint accepts: by ALPN, who gets the connections (a
   * `Connection` of `@number0/iroh`). They are no libp2p connections.
   */
  handlers?: Record<string, (connection: NativeConnection) => void>
}

/** What the transport needs of the libp2p node. */
export interface IrohComponents {
  privateKey: PrivateKey
  logger: ComponentLogger
  upgrader: Upgrader
  addressManager: AddressManager
  connectionManager: ConnectionManager
  connectionProtector?: ConnectionProtector
}
