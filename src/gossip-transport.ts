import type { Connection, PeerId, Transport } from '@libp2p/interface'

/** Tells a transport whose connections carry one gossip protocol each. */
export const gossipTransportSymbol = Symbol.for('libp2p-iroh-gossip/transport')

/**
 * What a service must know of a transport whose connections carry one protocol
 * each: native iroh, where the ALPN says which.
 *
 * libp2p dials a peer, not a protocol of it. So a service that dials says here
 * what for; without that, a node in two networks would have connections of the
 * first only.
 */
export interface GossipTransport {
  readonly [gossipTransportSymbol]: true
  /** The protocol that a connection carries, `undefined` for one of another transport. */
  protocolOf (connection: Connection): string | undefined
  /**
   * Dials to the peer are for this protocol until the returned function is
   * called. Does nothing where the transport does not carry it.
   */
  want (peer: PeerId, protocol: string): () => void
}

/** Those of a node's transports whose connections carry one gossip protocol each. */
export function gossipTransports (transports: Transport[]): GossipTransport[] {
  return transports.filter((transport): transport is Transport & GossipTransport => gossipTransportSymbol in transport)
}
