/**
 * What peers of one topic say to each other.
 *
 * The names are those of the papers: HyParView (Leitão, Pereira, Rodrigues,
 * DSN 2007) for membership, Epidemic Broadcast Trees (the same, SRDS 2007) for
 * broadcast. The byte layout lives in `src/wire`.
 */

/**
 * A peer. The core only compares and stores it; on the wire it is an Ed25519
 * public key and this is its 64 lower-case hex characters.
 */
export type PeerKey = string

/**
 * A topic, opaque to the core; in the service the 64 lower-case hex characters
 * of the 32-byte topic id.
 */
export type TopicKey = string

/** 32 bytes: the blake3 hash of a message's content. */
export type MessageId = Uint8Array

/** A peer and, where known, the opaque bytes that say how to reach it. */
export interface PeerInfo {
  id: PeerKey
  /** Absent is not the same as empty: both occur on the wire. */
  data?: Uint8Array
}

/** `high` may not be denied; `low` is accepted only into a free slot. */
export type Priority = 'high' | 'low'

/** How a message reached a peer: through the swarm in so many hops, or from the neighbor that wrote it. */
export type DeliveryScope =
  | { type: 'swarm', round: number }
  | { type: 'neighbors' }

/** How far a message that we publish goes. */
export type Scope = 'swarm' | 'neighbors'

/** Asks a contact to make the sender a member of the swarm. HyParView p. 6. */
export interface Join { type: 'join', data?: Uint8Array }

/** Tells the overlay of a new member, in a random walk of `ttl` more hops. HyParView p. 7. */
export interface ForwardJoin { type: 'forwardJoin', peer: PeerInfo, ttl: number }

/** Offers a sample of the origin's views, in a random walk of `ttl` more hops. HyParView p. 8. */
export interface Shuffle { type: 'shuffle', origin: PeerKey, nodes: PeerInfo[], ttl: number }

/** The answer to a shuffle, sent straight to its origin; also precedes a disconnect. */
export interface ShuffleReply { type: 'shuffleReply', nodes: PeerInfo[] }

/** Asks the receiver to be a neighbor, or confirms it. HyParView p. 7. */
export interface Neighbor { type: 'neighbor', priority: Priority, data?: Uint8Array }

/** Ends neighborship; `alive` means the sender stays in the swarm and may be remembered. `respond` is obsolete. */
export interface Disconnect { type: 'disconnect', alive: boolean, respond: boolean }

/** A payload. Its id is the hash of its content. */
export interface Gossip { type: 'gossip', id: MessageId, content: Uint8Array, scope: DeliveryScope }

/** Asks the receiver to push no more payloads eagerly. PlumTree p. 7. */
export interface Prune { type: 'prune' }

/** Asks for eager push from now on, and for one missing payload where `id` is given. PlumTree p. 8. */
export interface Graft { type: 'graft', id?: MessageId, round: number }

/** One announcement: the sender has this payload, and would deliver it at this round. */
export interface IHaveEntry { id: MessageId, round: number }

/** Announces payloads without sending them. PlumTree p. 8. */
export interface IHave { type: 'iHave', messages: IHaveEntry[] }

/** A message of HyParView. */
export type SwarmMessage = Join | ForwardJoin | Shuffle | ShuffleReply | Neighbor | Disconnect

/** A message of PlumTree. */
export type GossipMessage = Gossip | Prune | Graft | IHave

/** Every message of a topic. The topic itself is said once, in the stream's header. */
export type Message = SwarmMessage | GossipMessage
