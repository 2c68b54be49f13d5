/**
 * Epidemic broadcast trees (HyParView membership, PlumTree broadcast) as a
 * libp2p service, on the wire the same as Rust iroh-gossip 0.101.
 *
 * ```ts
 * import { irohGossip } from 'libp2p-iroh-gossip'
 *
 * const node = await createLibp2p({
 *   // transports, connection encrypters and stream muxers as usual
 *   services: { pubsub: irohGossip() }
 * })
 *
 * node.services.pubsub.subscribe('fruit')
 * node.services.pubsub.addEventListener('message', (evt) => { console.log(evt.detail.data) })
 * await node.services.pubsub.publish('fruit', new TextEncoder().encode('banana'))
 * ```
 *
 * @packageDocumentation
 */
import { IrohGossip as IrohGossipService } from './service.ts'
import type { IrohGossipComponents } from './components.ts'
import type { IrohGossipInit } from './options.ts'
import type { IrohGossip } from './service.ts'

/**
 * Makes the service for a libp2p node's `services`.
 *
 * @throws {InvalidParametersError} (when the node is made) an option out of its range
 */
export function irohGossip (init: IrohGossipInit = {}): (components: IrohGossipComponents) => IrohGossip {
  return (components) => new IrohGossipService(components, init)
}

export { GOSSIP_PROTOCOL, pubSubSymbol } from './constants.ts'
export { InvalidMessageError, MessageTooLargeError, NativeBindingMissingError, NoPeersSubscribedError, TopicClosedError } from './errors.ts'
export { TopicId } from './topic-id.ts'
export { isPubSub } from './pubsub/is-pubsub.ts'
export { StrictNoSign, StrictSign, TopicValidatorResult } from './pubsub/types.ts'
export type { Diagnosis, Finding, FindingCode } from './diagnose.ts'
export type { DiscoveryInit, IrohGossipInit } from './options.ts'
export type { IrohGossipComponents } from './components.ts'
export type { IrohGossip, JoinOptions } from './service.ts'
export type { JoinTarget, NeighborDownEvent, NeighborUpEvent, ReceivedEvent, Topic, TopicEvent, TopicReceiver, TopicSender } from './topic.ts'
export type { LaggedEvent } from './event-queue.ts'
export type { BroadcastConfig, MembershipConfig } from './proto/config.ts'
export type { DisconnectReason, NeighborDownReason } from './proto/events.ts'
export type { DeliveryScope } from './proto/messages.ts'
export type { IrohGossipEvents, Message, PublishOptions, PublishResult, SignaturePolicy, SignedMessage, Subscription, SubscriptionChangeData, TopicValidatorFn, UnsignedMessage } from './pubsub/types.ts'
export type { TopicStats } from './proto/state.ts'
export type { BroadcastStats } from './proto/broadcast-stats.ts'
