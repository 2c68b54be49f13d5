import type { TopicId } from './topic-id.ts'
import type { PeerId } from '@libp2p/interface'

/** A message without author, as Rust peers send it: the detail of a `message` event. */
export interface UnsignedMessage {
  type: 'unsigned'
  /** The name that the topic was subscribed by, or its id in hex. */
  topic: string
  topicId: TopicId
  data: Uint8Array
  /** The neighbor that handed it over; ourselves with `emitSelf`. */
  deliveredFrom: PeerId
  /** Peers between the author and us. */
  round: number
}

export type Message = UnsignedMessage

/** What a peer's subscription became. */
export interface SubscriptionChangeData {
  peerId: PeerId
  subscriptions: Array<{ topic: string, subscribe: boolean }>
}

/** Events of the service. */
export interface IrohGossipEvents {
  /** A message of a subscribed topic arrived; fired once for each content that the topic remembers. */
  message: CustomEvent<Message>
  /** A neighbor entered or left one of our topics. */
  'subscription-change': CustomEvent<SubscriptionChangeData>
}

/** What became of a published message. */
export interface PublishResult {
  /** The neighbors that it goes to first. */
  recipients: PeerId[]
  /** The topic has seen the same bytes in the last two minutes: nothing was sent. */
  duplicate: boolean
}
