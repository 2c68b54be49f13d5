import type { Timers } from './timers.ts'
import type { InvalidMessageError, MessageTooLargeError } from '../errors.ts'
import type { DisconnectReason } from '../proto/events.ts'
import type { PeerKey, TopicKey } from '../proto/messages.ts'
import type { Libp2pEvents, Logger, PeerStore, TypedEventTarget } from '@libp2p/interface'
import type { ConnectionManager, Registrar, TransportManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

/** The parts of a libp2p node that streams and connections need. */
export interface NetworkComponents {
  registrar: Registrar
  connectionManager: ConnectionManager
  peerStore: PeerStore
  transportManager: TransportManager
  events: TypedEventTarget<Libp2pEvents>
}

/** What the network must know, and whom it tells of what happens. */
export interface NetworkInit {
  protocol: string
  log: Logger
  timers: Timers
  maxMessageSize: number
  maxQueueBytes: number
  stallTimeoutMs: number
  runOnLimitedConnection: boolean
  /** Ourselves. */
  me: PeerKey
  /** Whether the peer's data said that it runs this implementation. */
  isOurs (peer: PeerKey): boolean
  /** Whether our peer data names an address that a Rust peer can dial. */
  canBeDialed (): boolean
  /** Where gossip says that a peer can be reached, newest first. */
  addressesOf (peer: PeerKey): Multiaddr[]
  onFrame (peer: PeerKey, topic: TopicKey, payload: Uint8Array): void
  /** No connection to the peer is left, or it was let go. */
  onDisconnected (peer: PeerKey, reason: DisconnectReason): void
  /** A stream or one of several connections was lost: the peer may not count us as neighbor any more. */
  onLinkBroken (peer: PeerKey): void
  /** The peer's send queue passed its high or low mark. Returns whether more waits to be queued, once the low mark is reported again. */
  onCongestion (peer: PeerKey, congested: boolean): boolean
  /** A dial began, or came to its end. */
  onDial (peer: PeerKey, result: 'tried' | 'succeeded' | 'failed', error?: Error): void
  onViolation (peer: PeerKey, error: InvalidMessageError | MessageTooLargeError): void
  /** More membership messages came from the peer than any correct peer sends: one was dropped. */
  onExcess (peer: PeerKey): void
  /** A connection to a peer that speaks the protocol is open. */
  onPeerAvailable (peer: PeerKey): void
}
