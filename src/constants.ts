/** The libp2p protocol, and the QUIC ALPN of native iroh, that carries gossip. */
export const GOSSIP_PROTOCOL = '/iroh-gossip/1'

/** Marks a libp2p service as a publish/subscribe router. */
export const pubSubSymbol: unique symbol = Symbol.for('@libp2p/pubsub')

/** Peer store tag of a neighbor: the connection pruner leaves it alone. */
export const NEIGHBOR_TAG = 'iroh-gossip-neighbor'

/** Value of that tag, between libp2p's bootstrap (50) and keep-alive peers (unpruned). */
export const NEIGHBOR_TAG_VALUE = 60

/** Events that a topic handle keeps for an application that does not read, as in iroh-gossip. */
export const DEFAULT_EVENT_QUEUE_CAPACITY = 2048

/** Bytes that may wait for one peer. */
export const DEFAULT_MAX_SEND_QUEUE_BYTES = 1024 * 1024

/** A peer whose queue does not drain for so many milliseconds is let go. */
export const DEFAULT_STALL_TIMEOUT_MS = 10_000

/** Tag in the peer store of every peer that a native connection is open to, neighbor or not. */
export const NATIVE_TAG = 'iroh-gossip-native'

/** Value of that tag: above that of peers that nobody values, below a neighbor's. */
export const NATIVE_TAG_VALUE = 20
