/** Which of the two protocols a message belongs to: the first byte of a payload. */
export const FAMILY = { swarm: 0, gossip: 1 } as const

/** Membership messages: the byte after the family. */
export const SWARM = {
  join: 0,
  forwardJoin: 1,
  shuffle: 2,
  shuffleReply: 3,
  neighbor: 4,
  disconnect: 5
} as const

/** Broadcast messages: the byte after the family. */
export const GOSSIP = { gossip: 0, prune: 1, graft: 2, iHave: 3 } as const

/** Priority of a neighbor request. */
export const PRIORITY = { high: 0, low: 1 } as const

/** Delivery scope of a payload; `swarm` is followed by the round. */
export const SCOPE = { swarm: 0, neighbors: 1 } as const

/** Bytes of a message id, a blake3 hash. */
export const MESSAGE_ID_BYTES = 32

/** Bytes of a topic id. */
export const TOPIC_ID_BYTES = 32
