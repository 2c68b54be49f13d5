import { CACHED_MESSAGE_OVERHEAD, MAX_CACHE_BYTES, MAX_RECEIVED_IDS, MIN_CACHED_MESSAGES } from './limits.ts'
import { RecentMessages } from './recent-messages.ts'
import { TimeBoundCache } from './time-bound-cache.ts'
import type { Config } from './config.ts'
import type { Gossip, IHaveEntry, PeerKey } from './messages.ts'
import type { TimeBoundCacheInit } from './time-bound-cache.ts'

interface Bounds {
  received: TimeBoundCacheInit<PeerKey>
  cache: TimeBoundCacheInit<Gossip>
}

/** The bounds of all topics with the same configuration. */
const bounds = new WeakMap<Config, Bounds>()

function boundsOf (config: Config): Bounds {
  let known = bounds.get(config)

  if (known === undefined) {
    const { broadcast, maxMessageSize } = config
    known = {
      received: { retentionMs: broadcast.messageIdRetentionMs, capacity: MAX_RECEIVED_IDS },
      cache: {
        retentionMs: broadcast.messageCacheRetentionMs,
        capacity: Math.max(MAX_CACHE_BYTES, MIN_CACHED_MESSAGES * (maxMessageSize + CACHED_MESSAGE_OVERHEAD)),
        weigh: (message) => message.content.byteLength + CACHED_MESSAGE_OVERHEAD
      }
    }
    bounds.set(config, known)
  }

  return known
}

/**
 * The messages that a topic has seen: which ones, for two minutes; their
 * contents, for half a minute; and what a new neighbor is offered of them.
 */
export class KnownMessages {
  readonly recent = new RecentMessages()
  /** Of all messages received or published, who handed them over first. */
  private readonly received: TimeBoundCache<string, PeerKey>
  /** Messages as they are sent on, by id. */
  private readonly cache: TimeBoundCache<string, Gossip>

  constructor (config: Config) {
    const { received, cache } = boundsOf(config)
    this.received = new TimeBoundCache(received)
    this.cache = new TimeBoundCache(cache)
  }

  get sizes (): { received: number, cache: number, cacheBytes: number, recent: number } {
    return { received: this.received.size, cache: this.cache.size, cacheBytes: this.cache.weight, recent: this.recent.size }
  }

  /** Whether nothing is left that could expire. */
  get isEmpty (): boolean {
    return this.received.size + this.cache.size + this.recent.size === 0
  }

  has (key: string): boolean {
    return this.received.has(key)
  }

  /** Who handed the message over first, ourselves for an own one; `undefined` for an unknown one. */
  bringer (key: string): PeerKey | undefined {
    return this.received.get(key)
  }

  /** The message as it is sent on, while the cache has it. */
  get (key: string): Gossip | undefined {
    return this.cache.get(key)
  }

  /** The message is known from now on. */
  remember (key: string, from: PeerKey, now: number): void {
    this.received.set(key, from, now)
  }

  /** The same, and it can be asked for. */
  keep (key: string, message: Gossip, from: PeerKey, now: number): void {
    this.received.set(key, from, now)
    this.cache.set(key, message, now)
  }

  /** What a new neighbor is offered by `me`; `isYoung` as for {@link RecentMessages.takeOffer}. */
  takeOffer (me: PeerKey, isYoung: boolean, now: number): IHaveEntry[] {
    const entries: IHaveEntry[] = []

    for (const key of this.recent.takeOffer(isYoung, now, (key) => this.bringer(key) === me)) {
      const message = this.cache.get(key)

      if (message?.scope.type === 'swarm') {
        entries.push({ id: message.id, round: message.scope.round })
      }
    }

    return entries
  }

  /** Forgets what is too old. */
  sweep (now: number): void {
    this.cache.expireUntil(now)
    this.received.expireUntil(now)
    this.recent.sweep((key) => this.cache.has(key), now)
  }
}
