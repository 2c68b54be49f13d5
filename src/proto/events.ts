/**
 * What goes into the state machine and what comes out.
 *
 * `state.handle(event, now)` is synchronous and not re-entrant, never throws on
 * what a peer sent, and returns the effects in the order in which they must be
 * performed. Nothing else leaves or enters the core.
 */
import type { DeliveryScope, Message, PeerKey, Scope, TopicKey } from './messages.ts'

/** What the application asks of a topic. Only `join` creates one; commands for an unknown topic do nothing. */
export type Command =
  /** Enter the topic, and ask these peers to let us in. May be repeated with further peers. */
  | { type: 'join', peers: PeerKey[] }
  /** The content is kept uncopied: it belongs to the core from then on. */
  | { type: 'broadcast', content: Uint8Array, scope: Scope }
  /** Tell the neighbors and drop all state of the topic. */
  | { type: 'quit' }

/** Why a peer is gone that did not say goodbye itself. */
export type DisconnectReason = 'connectionClosed' | 'sendStalled' | 'protocolError' | 'banned'

export type InEvent =
  | { type: 'receiveMessage', from: PeerKey, topic: TopicKey, message: Message }
  | { type: 'command', topic: TopicKey, command: Command }
  /** A timer that was scheduled has run out; stale ones are tolerated. */
  | { type: 'timerExpired', timer: Timer }
  /** No connection to the peer is left, or it was let go: concerns every topic. */
  | { type: 'peerDisconnected', peer: PeerKey, reason: DisconnectReason }
  /** Our own address data, sent with Join, Neighbor and Shuffle from now on. */
  | { type: 'updatePeerData', data: Uint8Array }
  /** The peer's send queue passed its high (true) or low (false) mark. */
  | { type: 'congestion', peer: PeerKey, congested: boolean }

/** Why a peer is no neighbor any more. Only failures (`connectionClosed`, `sendStalled`, `protocolError`) ask for a re-join. */
export type NeighborDownReason =
  /** We dropped it to make room. */
  | 'evicted'
  /** It dropped us to make room. */
  | 'evictedByPeer'
  /** It left the topic. */
  | 'left'
  /** We left the topic. */
  | 'stopped'
  | DisconnectReason

/** What the application hears of a topic. `neighborUp` and `neighborDown` alternate for each peer. */
export type TopicEvent =
  | { type: 'neighborUp', peer: PeerKey }
  | { type: 'neighborDown', peer: PeerKey, reason: NeighborDownReason }
  | { type: 'received', content: Uint8Array, deliveredFrom: PeerKey, scope: DeliveryScope }

/** What a peer did that no correct peer does. Data for counters; the core has already dropped the message. */
export type ViolationReason =
  /** A payload whose id is not the hash of its content. */
  | 'spoofedMessageId'
  /** A ShuffleReply that was not asked for, or names more peers than allowed. */
  | 'unexpectedShuffleReply'
  /** A round that no path through an overlay can reach. */
  | 'implausibleRound'
  /** More announced messages than we are willing to track. */
  | 'tooManyAnnouncements'

export type OutEvent =
  | { type: 'sendMessage', to: PeerKey, topic: TopicKey, message: Message }
  | { type: 'emitEvent', topic: TopicKey, event: TopicEvent }
  /** Hand `timer` back as `timerExpired` after `delayMs` milliseconds. */
  | { type: 'scheduleTimer', delayMs: number, timer: Timer }
  /** No topic needs this peer any more. Comes after the last message for it. */
  | { type: 'disconnectPeer', peer: PeerKey }
  /** A peer's address data, new or changed. Never empty. */
  | { type: 'peerData', peer: PeerKey, data: Uint8Array }
  /** The content of a broadcast is one that the topic has already seen: nothing was sent. */
  | { type: 'duplicateBroadcast', topic: TopicKey }
  | { type: 'violation', peer: PeerKey, topic: TopicKey, reason: ViolationReason }

/**
 * A timer of the core, opaque to whoever keeps it.
 */
export type Timer = { topic: TopicKey } & (
  | { type: 'shuffle' }
  /** A Neighbor request went unanswered; `generation` tells a later request to the same peer apart. */
  | { type: 'pendingNeighborRequest', peer: PeerKey, generation: number }
  | { type: 'sendGraft', id: string }
  | { type: 'dispatchLazyPush' }
  | { type: 'evictCache' }
)

/** Where an inner machine leaves its effects. */
export interface Outbox {
  push (effect: OutEvent): void
}
