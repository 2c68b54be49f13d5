/**
 * The protocol as a pure state machine: HyParView for membership, PlumTree for
 * broadcast. `State.handle` takes what happened and returns what to do; see
 * `events.ts` and `messages.ts` for the whole contract.
 *
 * @packageDocumentation
 */
export { State } from './state.ts'
export type { StateInit, TopicStats } from './state.ts'
export type { BroadcastStats } from './broadcast-stats.ts'
export * from './config.ts'
export type { Command, DisconnectReason, InEvent, NeighborDownReason, OutEvent, Timer, TopicEvent, ValidationResult, ViolationReason } from './events.ts'
export type * from './messages.ts'
export { maxContentBytes } from './sizes.ts'
export { TimerQueue } from './timer-queue.ts'
export type { Timed } from './timer-queue.ts'
export { IndexedSet } from './indexed-set.ts'
export { LazyMap } from './lazy-map.ts'
export { TimeBoundCache } from './time-bound-cache.ts'
export type { TimeBoundCacheInit } from './time-bound-cache.ts'
export { Rng } from './rng.ts'
