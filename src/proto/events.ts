/**
 * What goes into the state machine and what comes out.
 *
 * `state.handle(event, now)` is synchronous and not re-entrant, never throws on
 * what a peer sent, and returns the effects in the order in which they must be
 * performed. Nothing else leaves or enters the core.
 */
import type { DeliveryScope, Gossip, Message, PeerKey, Scope, TopicKey } from './messages.ts'

/** What the application asks of a topic. Only `join` creates one; commands for an unknown topic do nothing. */
export type Command =
  /** Enter the topic, and ask these peers to let us in. May be repeated with further peers. */
  | { type: 'join', peers: PeerKey[] }
  /** These peers may be in the topic: as many are asked as neighbors are missing, and nobody is let go for them. */
  | { type: 'found', peers: PeerKey[] }
  /** The content is kept uncopied: it belongs to the core from then on. */
  | { type: 'broadcast', content: Uint8Array, scope: Scope }
  /** Whether messages that come are held until they were judged; off at first. Those already held stay so. */
  | { type: 'holdMessages', hold: boolean }
  /** The judgement on a held message. One whose ticket is unknown, because it came too late, does nothing. */
  | { type: 'validated', ticket: number, result: ValidationResult }
  /** Tell the neighbors and drop all state of the topic. */
  | { type: 'quit' }

/**
 * `accept`: deliver and forward. `ignore`: do neither. `reject`: the same, and
 * its sender is to blame, which is up to whoever judged.
 */
export type ValidationResult = 'accept' | 'ignore' | 'reject'

/** Why a peer is gone that did not say goodbye itself. `banned`: it is told, and not asked again. */
export type DisconnectReason = 'connectionClosed' | 'sendStalled' | 'protocolError' | 'banned'

/** What the core is told. */
export type InEvent =
  | { type: 'receiveMessage', from: PeerKey, topic: TopicKey, message: Message }
  | { type: 'command', topic: TopicKey, command: Command }
  /**
   * A message of a peer that the application does not admit to the topic:
   * answered as if we were not in it.
   */
  | { type: 'receiveUnadmitted', from: PeerKey, topic: TopicKey, message: Message }
  /** A timer that was scheduled has run out; stale ones are tolerated. */
  | { type: 'timerExpired', timer: Timer }
  /** No connection to the peer is left, or it was let go: concerns every topic. */
  | { type: 'peerDisconnected', peer: PeerKey, reason: DisconnectReason }
  /**
   * A stream to the peer was reset, or one of several connections lost: it may
   * have removed us from its views, so as a neighbor it is asked again.
   */
  | { type: 'linkBroken', peer: PeerKey }
  /** Our own address data, sent with Join, Neighbor and Shuffle from now on. */
  | { type: 'updatePeerData', data: Uint8Array }
  /**
   * The peer's send queue passed its high (true) or low (false) mark. After the
   * latter `State.isCongested` tells whether more is owed than was sent: then
   * the low mark is to be reported again.
   */
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
  /** More announced messages than we are willing to track. */
  | 'tooManyAnnouncements'

/** What the core wants done, to be performed in the order in which it comes. */
export type OutEvent =
  | { type: 'sendMessage', to: PeerKey, topic: TopicKey, message: Message }
  | { type: 'emitEvent', topic: TopicKey, event: TopicEvent }
  /** Hand `timer` back as `timerExpired` after `delayMs` milliseconds. */
  | { type: 'scheduleTimer', delayMs: number, timer: Timer }
  /**
   * No topic needs this peer any more: it is no neighbor and nothing is being
   * asked of it. Comes after the last message for it, and never in answer to
   * `peerDisconnected`, whose sender knows.
   */
  | { type: 'disconnectPeer', peer: PeerKey }
  /**
   * A peer's address data: new, changed, or about to be needed because a
   * message for a peer that is no neighbor comes next. Never empty.
   */
  | { type: 'peerData', peer: PeerKey, data: Uint8Array }
  /** The content of a broadcast is one that the topic has already seen: nothing was sent. */
  | { type: 'duplicateBroadcast', topic: TopicKey }
  /** A message is held until `validated` comes back with its ticket, or the cache's retention is over. */
  | { type: 'validate', topic: TopicKey, ticket: number, content: Uint8Array, deliveredFrom: PeerKey, scope: DeliveryScope }
  | { type: 'violation', peer: PeerKey, topic: TopicKey, reason: ViolationReason }

/**
 * A timer of the core, opaque to whoever keeps it. `epoch` tells apart the
 * times that a topic was joined: timers of an earlier one do nothing. `dueAt`
 * is when it is to run out, in milliseconds of the core's clock.
 */
export type Timer = { topic: TopicKey, epoch: number, dueAt: number } & (
  | { type: 'shuffle' }
  /** Look for peers that are nearer than our neighbors. */
  | { type: 'sound' }
  /** Call a peer that may have fallen out of the swarm. */
  | { type: 'call', generation: number }
  /** A Neighbor request went unanswered; `generation` tells a later request to the same peer apart. */
  | { type: 'pendingNeighborRequest', peer: PeerKey, generation: number }
  /** A contact has not answered our Join: ask again, then give it up. */
  | { type: 'joinContact', peer: PeerKey, generation: number }
  /** The contact before had its time: the next one may be asked. */
  | { type: 'nextContact', generation: number }
  /** Without neighbors, or with lost ones: ask remembered and bootstrap peers again. */
  | { type: 'rejoin' }
  /** The pause after several refusals is over: ask the next remembered peer. */
  | { type: 'refillActiveView' }
  /** A request is refused now, unless it can be accepted meanwhile. */
  | { type: 'refuse', peer: PeerKey, generation: number }
  /** Look for neighbors that have been silent for long, and forget what is too old. */
  | { type: 'upkeep' }
  /** A neighbor is told that this topic goes on, after another one that we shared ended. */
  | { type: 'remind', peer: PeerKey }
  /** Messages announced at least a graft timeout before `at` are asked for. */
  | { type: 'sendGraft', at: number }
  /** Announcements that are due at `at` are sent. */
  | { type: 'dispatchLazyPush', at: number }
  /** Messages that waited for the tree to form, until `at` at the earliest, are sent. */
  | { type: 'sendWaiting', at: number }
  | { type: 'evictCache' }
)

/** A timer without what the topic adds to it. */
export type TimerKind = Timer extends infer T ? T extends Timer ? Omit<T, 'topic' | 'epoch' | 'dueAt'> : never : never

/** Where the machines of one topic leave their effects. */
export interface Outbox {
  send (to: PeerKey, message: Message): void
  emit (event: TopicEvent): void
  schedule (delayMs: number, timer: TimerKind): void
  peerData (peer: PeerKey, data: Uint8Array): void
  violation (peer: PeerKey, reason: ViolationReason): void
  /** A message of this peer is held until it was judged. */
  validate (ticket: number, message: Gossip, deliveredFrom: PeerKey): void
  /** The content of a broadcast was seen before. */
  duplicate (): void
  /** This topic needs the peer no more; becomes `disconnectPeer` if no other one does. */
  release (peer: PeerKey): void
  /** A Disconnect came from the peer, or went to it (`sent`): topics that we share are to remind it. */
  parted (peer: PeerKey, sent: boolean): void
}
