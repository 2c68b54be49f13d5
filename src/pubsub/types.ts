import type { ValidationResult } from '../proto/events.ts'
import type { TopicId } from '../topic-id.ts'
import type { AbortOptions, PeerId, PublicKey } from '@libp2p/interface'

/** Whether messages carry an author and a signature. */
export type SignaturePolicy = 'StrictSign' | 'StrictNoSign'

/** Every message has an author and a signature over its topic and data; others are rejected. */
export const StrictSign = 'StrictSign'

/** Messages are the bytes that were published, as Rust peers see them. */
export const StrictNoSign = 'StrictNoSign'

/** What every message says, whatever the policy. */
interface MessageFields {
  /** The name that the topic was subscribed by, or its id in hex. */
  topic: string
  topicId: TopicId
  data: Uint8Array
  /** The neighbor that handed it over; ourselves with `emitSelf`. */
  deliveredFrom: PeerId
  /** Peers between the author and us. */
  round: number
}

/** A message without author, as Rust peers send it: the detail of a `message` event. */
export interface UnsignedMessage extends MessageFields {
  type: 'unsigned'
}

/** A message whose author signed it; the signature has been verified. */
export interface SignedMessage extends MessageFields {
  type: 'signed'
  /** The author. */
  from: PeerId
  /** Higher than that of every earlier message of this author. */
  sequenceNumber: bigint
  /** Ed25519, 64 bytes; see `docs/signed-messages.md` for what it covers. */
  signature: Uint8Array
  /** The author's public key. */
  key: PublicKey
}

/** The detail of a `message` event. */
export type Message = SignedMessage | UnsignedMessage

/** What a validator may answer, under the names that gossipsub gives them. */
export const TopicValidatorResult = {
  /** The message is delivered and forwarded. */
  Accept: 'accept',
  /** The message is neither delivered nor forwarded. */
  Ignore: 'ignore',
  /** The same, and it counts against the peer that handed it over. */
  Reject: 'reject'
} as const

/** `accept`, `ignore` or `reject`. */
// one name for the values and their type, as the enum of gossipsub has
// eslint-disable-next-line @typescript-eslint/no-redeclare
export type TopicValidatorResult = ValidationResult

/**
 * Judges a message before it is delivered and forwarded. A message whose
 * validator throws, or does not answer within the time that payloads are cached
 * (30 s by default), is ignored.
 *
 * @param peer - the neighbor that handed the message over, not its author
 */
export interface TopicValidatorFn {
  (peer: PeerId, message: Message): TopicValidatorResult | Promise<TopicValidatorResult>
}

/** A change of one peer's subscriptions. */
export interface Subscription {
  topic: string
  subscribe: boolean
}

/** What a peer's subscription became. */
export interface SubscriptionChangeData {
  peerId: PeerId
  subscriptions: Subscription[]
}

/** Events of the service. */
export interface IrohGossipEvents {
  /** A message of a subscribed topic arrived; fired once for each content that the topic remembers. */
  message: CustomEvent<Message>
  /**
   * A connected peer was found to be in a topic, or has left it, or its
   * connection closed. Also for topics that the node is not in, where the peer
   * tells their name. A peer that is no neighbor any more, but connected, counts
   * as subscribed.
   */
  'subscription-change': CustomEvent<SubscriptionChangeData>
}

/** How to publish. */
export interface PublishOptions extends AbortOptions {
  /**
   * Whether to succeed where nobody is known to be in the topic; the message is
   * then offered to the first neighbor that comes within the cache time.
   *
   * @default the service's setting
   */
  allowPublishToZeroTopicPeers?: boolean
}

/** What became of a published message. */
export interface PublishResult {
  /** The neighbors that it goes to first; ourselves too with `emitSelf`. */
  recipients: PeerId[]
  /** The topic has seen the same bytes in the last two minutes: nothing was sent. Never with `StrictSign`. */
  duplicate: boolean
}
