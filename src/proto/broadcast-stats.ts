/** What a topic has counted since it was joined. */
export interface BroadcastStats {
  /** Gossip messages that came, duplicates included. */
  payloadsReceived: number
  /** Gossip messages whose content was known. */
  duplicates: number
  /** Prune, Graft and IHave messages that came. */
  controlReceived: number
  /** The round in which the newest message came, and the highest of all. */
  lastDeliveryHop: number
  maxDeliveryHop: number
  /** Contents handed to the application, and contents published. */
  delivered: number
  published: number
  /** Messages that were not judged: too many were waiting, or nobody answered in time. */
  unjudged: number
}

/** Entries of each map of broadcast; `cacheBytes` in bytes. */
export interface BroadcastSizes {
  received: number
  cache: number
  cacheBytes: number
  missing: number
  recent: number
  lazyPushQueue: number
  debts: number
  held: number
  waiting: number
}

/** Sizes of a topic in which no message was seen. */
export function emptyBroadcastSizes (): BroadcastSizes {
  return {
    received: 0,
    cache: 0,
    cacheBytes: 0,
    missing: 0,
    recent: 0,
    lazyPushQueue: 0,
    debts: 0,
    held: 0,
    waiting: 0
  }
}

/** Counters of a topic that was joined just now. */
export function newBroadcastStats (): BroadcastStats {
  return {
    payloadsReceived: 0,
    duplicates: 0,
    controlReceived: 0,
    lastDeliveryHop: 0,
    maxDeliveryHop: 0,
    delivered: 0,
    published: 0,
    unjudged: 0
  }
}
