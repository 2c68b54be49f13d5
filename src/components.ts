import type { ComponentLogger, ContentRouting, Libp2pEvents, Metrics, PeerId, PeerStore, PrivateKey, TypedEventTarget } from '@libp2p/interface'
import type { AddressManager, ConnectionManager, Registrar, TransportManager } from '@libp2p/interface-internal'

/** The parts of a libp2p node that the service uses. */
export interface IrohGossipComponents {
  peerId: PeerId
  privateKey: PrivateKey
  logger: ComponentLogger
  events: TypedEventTarget<Libp2pEvents>
  registrar: Registrar
  connectionManager: ConnectionManager
  peerStore: PeerStore
  transportManager: TransportManager
  addressManager: AddressManager
  contentRouting: ContentRouting
  metrics?: Metrics
}
