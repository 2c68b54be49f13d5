/**
 * Bounds and delays that are no matter of taste: each keeps memory finite, or
 * keeps a Rust peer alive. What a user may tune is in `config.ts`.
 */

/** Rounds stay here: the next one would overflow 16 bits, which a debug build of the Rust peer does not survive (rule 14). */
export const MAX_ROUND = 65_534

/**
 * Longest peer data that is kept or passed on, in bytes. Eight peers with that
 * much fill a frame of 4,096 bytes; a Rust peer copies it unread into Shuffles,
 * and stops for good when one becomes too large to send (rule 13).
 */
export const MAX_PEER_DATA_BYTES = 472

/** Most peers named in a Shuffle of ours, ourselves included. */
export const MAX_SHUFFLE_NODES = 8

/** Most hops that we send a walk on, whatever its sender asked for. */
export const MAX_WALK_LENGTH = 64

/** An unanswered Join is repeated as Neighbor after so many milliseconds, twice: Rust never retries or confirms it. */
export const JOIN_TIMEOUT_MS = 1_000
/** Milliseconds after which the next contact is asked too. */
export const NEXT_CONTACT_MS = 2_000
/** Contacts that are remembered to join through again. The one named longest ago goes first. */
export const MAX_BOOTSTRAP_PEERS = 64
/** How many of the peers of one join command are asked at once when we have neighbors. */
export const MAX_SWAP_REQUESTS = 3

/** First pause before a topic without neighbors tries again, in milliseconds; doubles up to the longest. */
export const REJOIN_MS = 1_000
export const MAX_REJOIN_MS = 30_000
/** A failed link that was younger (milliseconds) does not make the pauses short again. */
export const MIN_LINK_AGE_MS = 5_000
/** Neighbors lost to failures that are asked again: how many (the one lost longest ago goes first), how long. */
export const MAX_FORMER_NEIGHBORS = 16
export const FORMER_NEIGHBOR_RETENTION_MS = 20 * 60_000
/**
 * Peers heard of, in both views and beyond, that a node without neighbors asks
 * when nobody else is left, and how to reach them: how many (the one heard of
 * longest ago goes first), how long. If 19 of 20 nodes fail at once, all 35 of
 * the views are dead at every sixth survivor, but hardly ever all of these.
 */
export const MAX_KNOWN_PEERS = 256
export const KNOWN_PEER_RETENTION_MS = 20 * 60_000
/** Room at least for those known beyond large views. */
export const MIN_EXTRA_KNOWN_PEERS = 64

/**
 * Neighbor requests of a node that lacks two neighbors or more, while peers do
 * not answer: one more at once for each that did not, up to so many. After the
 * death of 19 in 20, asking one after the other took 20 s.
 */
export const MAX_REQUESTS_AT_ONCE = 16

/**
 * Milliseconds between a request and its refusal. A refused Rust peer asks the
 * next one at once: three that refused immediately made 150 connections in
 * half a second.
 */
export const REFUSAL_DELAY_MS = 300
/** Requests that may wait for their refusal; beyond, the oldest is refused at once. */
export const MAX_REFUSALS = 64
/** Peers that a Join or high priority request must be offered instead, or it is accepted. */
export const MIN_ALTERNATIVES = 3
/** Milliseconds for which a peer that refused us, or let us go, is not asked again. */
export const REFUSED_RETENTION_MS = 10_000
/** Refusals remembered; the oldest goes first. */
export const MAX_REFUSED_BY = 256
/** Refusals in a row up to which remembered peers that are connected are asked before others. */
export const MAX_CONNECTED_FIRST = 2
/** Refused requests in a row after which asking pauses; the pause doubles from the first to the longest. */
export const REFUSALS_BEFORE_PAUSE = 3
export const REFILL_PAUSE_MS = 1_000
export const MAX_REFILL_PAUSE_MS = 30_000
/** Neighbors dropped in a row to make room for others; afterwards one each interval (milliseconds). */
export const EVICTION_BURST = 3
export const EVICTION_INTERVAL_MS = 1_000

/** For how long a Neighbor message counts as part of the handshake before it, in milliseconds. */
export const HANDSHAKE_MS = 10_000
/**
 * A neighbor that was silent for so many milliseconds is asked, at every upkeep;
 * after so many questions it counts as dead. In a quiet swarm each link costs
 * three small messages in that time.
 */
export const SILENCE_MS = 60_000
/**
 * The same for a neighbor of our kind, which says what it does: the question is
 * for links that only one side counts. Those carry messages all the same, and
 * end with the first of them. It is repeated after so many milliseconds: a node
 * in ten thousand quiet topics has fifty thousand links.
 */
export const OUR_SILENCE_MS = 30 * 60_000
export const OUR_PROBE_INTERVAL_MS = 60_000
export const UPKEEP_INTERVAL_MS = 5_000
export const MAX_PROBES = 3
/** Milliseconds after our Disconnect when the reminder on another topic goes out: on another stream it could overtake. */
export const REMINDER_DELAY_MS = 1_000

/** First pause between two Shuffles of a node without history; doubles up to the configured interval. */
export const FIRST_SHUFFLE_MS = 500
/** Longest pause until such a node that is late for its timers tries again. */
export const LATE_SHUFFLE_MS = 4_000
/** How often one waits; then it shuffles however late it is. */
export const MAX_LATE_SHUFFLES = 16
/** Replies in a row that name nobody new, after which a young node shuffles as rarely as an old one: the swarm is small. */
export const STALE_REPLIES = 2
/** In a topic whose views do not change one Shuffle or sounding in so many is sent. */
export const MAX_REST = 8
/** The same where nobody is known but neighbors. */
export const MAX_REST_AMONG_NEIGHBORS = 64
/**
 * Soundings: how many peers at once by a young node, later one; milliseconds between two, and how often at
 * that pace before it becomes that of Shuffles. At most one link is
 * exchanged in that time.
 */
export const SOUNDINGS_AT_ONCE = 2
/** Peers named in a sounding beside ourselves. */
export const SOUNDING_NODES = 2
export const SWAP_INTERVAL_MS = 1_000
export const YOUNG_SWAPS = 5
/** Milliseconds within which a sounding counts, for how long a peer is not sounded again, and how many are remembered (oldest forgotten first). */
export const SOUNDING_MS = 2_000
export const SOUNDED_RETENTION_MS = 60_000
export const MAX_SOUNDED = 64
/** Links of a node that are never given up for nearer ones. With fewer, regions fall apart. */
export const UNBIASED_LINKS = 2
/**
 * Calls to peers that may have fallen out of the swarm: first and longest pause
 * between two in milliseconds, how long an answer may take. The pause doubles, so
 * that a quiet node calls one peer a minute.
 */
export const CALL_MS = 2_000
export const MAX_CALL_PAUSE_MS = 60_000
export const CALL_PATIENCE_MS = 10_000
/** Milliseconds after the last answer for which it counts how long answers take. */
export const ANSWER_RETENTION_MS = 60_000
/** Requests that were given up and may yet be answered, in all topics; the oldest is forgotten first. */
export const MAX_LATE_REQUESTS = 256
/** A link is exchanged for one whose round trip is at most this share of its own: a small gain is not worth the change. */
export const NEARER_SHARE = 0.8
/**
 * Round trip in milliseconds to a neighbor that need not be nearer: within one
 * data center, and less than one hop of a broadcast takes elsewhere.
 */
export const NEAR_ENOUGH_MS = 5
/** Share of the time to a first answer that the round trip may be: a dial with its handshakes, and the opening of two streams, take six. */
export const OPEN_SHARE = 1 / 7
/** Milliseconds by which a node may be late for its own timers and still measure others, not itself. */
export const MAX_LATE_MS = 10
/** Milliseconds within which a ShuffleReply counts as asked for, and how many Shuffles may be unanswered (oldest forgotten first). */
export const SHUFFLE_REPLY_MS = 10_000
export const MAX_UNANSWERED_SHUFFLES = 16
/** Unasked replies that wait for a Disconnect to follow; the oldest goes first. */
export const MAX_HELD_REPLIES = 16

/** How long a peer that counts us as neighbor, and is none, may go on, in milliseconds. */
export const STRANGER_TOLERANCE_MS = 1_000
/** Strangers watched, and for how long after their last message. The oldest goes first. */
export const MAX_STRANGERS = 256
export const STRANGER_RETENTION_MS = 10_000
/** Answers to peers in topics that we are not in: one for each in so many milliseconds, at most so many altogether. */
export const UNKNOWN_TOPIC_INTERVAL_MS = 5_000
export const MAX_UNKNOWN_TOPIC_ANSWERS = 1_024

/** Message ids remembered. Over it the oldest goes first, and could be delivered again. */
export const MAX_RECEIVED_IDS = 262_144
/** Bytes of payload kept to answer Grafts, or as many of the largest messages. The oldest goes first. */
export const MAX_CACHE_BYTES = 32 * 1024 * 1024
export const MIN_CACHED_MESSAGES = 64
/** Bytes that a cached message counts beyond its content. */
export const CACHED_MESSAGE_OVERHEAD = 256
/** Announced messages that are waited for, in all and from one peer. Above, announcements are not taken. */
export const MAX_MISSING_MESSAGES = 16_384
export const MAX_MISSING_FROM_PEER = 4_096
/** Peers remembered for one missing message: later announcements of it are not taken. */
export const MAX_ANNOUNCERS = 16
/**
 * Messages of a topic that wait for the application's judgement, and bytes of
 * their contents. Above, a message is dropped as if it had never come: somebody
 * who announces it can still be asked.
 */
export const MAX_HELD_MESSAGES = 1_024
export const MAX_HELD_BYTES = 8 * 1024 * 1024
/** Grafts sent at once, and the pause in milliseconds before the next ones: a burst would fill a small send queue. */
export const MAX_GRAFTS_AT_ONCE = 256
export const GRAFT_PAUSE_MS = 10
/**
 * Mean milliseconds between two messages of a topic from which on announcements
 * wait for others: not at all at the first and longer, for as long as
 * configured at the second and shorter.
 */
export const CALM_INTERVAL_MS = 100
export const BUSY_INTERVAL_MS = 50
/** The same from which on a message that is missing is asked for without making the link one of the tree. */
export const BURST_INTERVAL_MS = 2
/** Milliseconds that the eager copy of a message may take that was asked for in this way; after that a link is missing. */
export const LATE_COPY_MS = 300
/**
 * The tree forms anew where at least so many links, and all but one, are
 * undecided, and so many messages contest. It stands when no new leader has come
 * for as long as a message to the farthest neighbor and back takes, within these
 * bounds in milliseconds, or so many after the first. That time was measured
 * when the neighbor came, and may include the time to connect.
 */
export const MIN_UNDECIDED_LINKS = 3
export const MIN_CONTESTANTS = 3
export const MIN_SETTLE_MS = 80
export const MAX_SETTLE_MS = 300
export const MAX_FORMING_MS = 800
/**
 * Messages that wait for that at most; what comes then does not wait. As much of
 * them leaves at once as is paid at once (below), and the next after so many
 * milliseconds, when the queues have told whether they are full.
 */
export const MAX_WAITING_MESSAGES = 4_096
export const WAITING_PAUSE_MS = 1
/** Announcements waiting for one peer; with more they go out before their time. */
export const MAX_QUEUED_ANNOUNCEMENTS = 256
/**
 * Owed to one congested peer in one topic: ids of cached messages, as many as
 * the cache can hold, and bytes of messages that the cache need not hold, each
 * counted with the overhead above. The oldest goes first.
 */
export const MAX_OWED_MESSAGES = MAX_CACHE_BYTES / CACHED_MESSAGE_OVERHEAD
export const MAX_OWED_BYTES = 8 * 1024 * 1024
/** Bytes paid when a send queue has drained, and one message more: what a queue of 64 KiB takes on top of its low mark. */
export const MAX_PAYMENT_BYTES = 16 * 1024

/**
 * Offers to a new neighbor: at most so many ids, first seen within so many
 * milliseconds. A Rust peer knows no age: an id that it has forgotten is new
 * to it, and floods again.
 */
export const MAX_OFFERED = 256
export const OFFER_AGE_MS = 10_000
/**
 * The same for what a node received that is itself not 10 s in the topic:
 * while many join at once links change hands faster than messages travel, and
 * without it one in ten such swarms lost some. An id would have to pass thirty
 * newcomers in a row, each at the last moment, to outlive a Rust peer's memory.
 */
export const YOUNG_OFFER_AGE_MS = 3_000
