import { Uint8ArrayList } from 'uint8arraylist'
import { fromString } from 'uint8arrays/from-string'
import { encodeFrame, encodeStreamHeader } from '../wire/index.ts'
import type { PeerKey, TopicKey } from '../proto/messages.ts'
import type { Stream } from '@libp2p/interface'

/** Milliseconds that the remote has to acknowledge the end of a goodbye's stream. */
const FINISH_TIMEOUT_MS = 5_000

/** The first bytes of a membership message, each varint in its one proper length, as every peer writes them. */
const SWARM = 0
const SHUFFLE_REPLY = 3
const DISCONNECT = 5

/**
 * Asks a peer to let go of its connection: an empty Shuffle that goes no
 * further. A Rust peer answers with an empty ShuffleReply, on the connection
 * that it has, and then drops what it sends with, since we are no neighbor
 * (rule 6). For any other peer it is a Shuffle like any other.
 */
export function goodbyeFrame (me: PeerKey): Uint8Array {
  return encodeFrame({ type: 'shuffle', origin: me, nodes: [], ttl: 0 }).subarray()
}

/** Sends a goodbye on a stream of its own. Header and frame leave in one write (rule 3). */
export async function sendGoodbye (stream: Stream, topic: TopicKey, me: PeerKey): Promise<void> {
  stream.send(new Uint8ArrayList(encodeStreamHeader(fromString(topic, 'hex')), goodbyeFrame(me)))
  await stream.close({ signal: AbortSignal.timeout(FINISH_TIMEOUT_MS) })
}

/** What in a payload concerns the life of its connection; nothing in most. Looks at the first bytes only. */
export function farewellIn (payload: Uint8Array): 'disconnect' | 'disconnectAlive' | 'emptyReply' | undefined {
  if (payload[0] !== SWARM || payload.byteLength > 4) {
    return undefined
  }

  if (payload[1] === DISCONNECT) {
    return payload[2] === 1 ? 'disconnectAlive' : 'disconnect'
  }

  return payload[1] === SHUFFLE_REPLY && payload[2] === 0 ? 'emptyReply' : undefined
}
