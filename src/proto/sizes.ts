/**
 * How many bytes a message takes on the wire, without the codec: the core must
 * never build one that cannot be sent. A sender refuses `maxMessageSize` bytes
 * and more, a receiver only more.
 */
import { MAX_ROUND } from './limits.ts'
import type { DeliveryScope, IHaveEntry, PeerInfo } from './messages.ts'

const ID_BYTES = 32
/** The tags of the outer and the inner union. */
const TAG_BYTES = 2

function varintBytes (value: number): number {
  let bytes = 1

  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) {
    bytes++
  }

  return bytes
}

/** Bytes of a Gossip with that much content. */
export function gossipBytes (contentBytes: number, scope: DeliveryScope): number {
  const fixed = TAG_BYTES + ID_BYTES + varintBytes(contentBytes) + contentBytes + 1

  return scope.type === 'swarm' ? fixed + varintBytes(scope.round) : fixed
}

/**
 * The largest content in bytes that survives any number of hops: 4,055 at the
 * default of 4,096. The round takes up to three bytes on the way, and who cannot
 * pass a message on loses its link (rule 14).
 */
export function maxContentBytes (maxMessageSize: number): number {
  const scope = { type: 'swarm', round: MAX_ROUND } as const
  // as if its length took one byte, then fewer until all of it fits: at most three steps more
  let content = maxMessageSize - 1 - gossipBytes(0, scope)

  while (gossipBytes(content, scope) >= maxMessageSize) {
    content--
  }

  return content
}

/** Bytes of one peer in a Shuffle or ShuffleReply. */
function nodeBytes (node: PeerInfo): number {
  const data = node.data

  return ID_BYTES + 1 + (data == null ? 0 : varintBytes(data.byteLength) + data.byteLength)
}

/**
 * As many of the peers, from the first on, as fit into one message: a frame of
 * 4,096 bytes is too much for a Rust peer's next one (rule 13).
 *
 * @param fixedBytes - what the message takes beyond tags and peers
 */
export function trimNodes (nodes: PeerInfo[], fixedBytes: number, maxMessageSize: number): PeerInfo[] {
  let bytes = TAG_BYTES + varintBytes(nodes.length) + fixedBytes

  for (let i = 0; i < nodes.length; i++) {
    bytes += nodeBytes(nodes[i])

    if (bytes >= maxMessageSize) {
      return nodes.slice(0, i)
    }
  }

  return nodes
}

/** What a Shuffle takes beyond tags and peers: the origin and the ttl. */
export function shuffleFixedBytes (ttl: number): number {
  return ID_BYTES + varintBytes(ttl)
}

/** Bytes that one announcement takes at most. */
export const announcementBytes = ID_BYTES + 3

/** Cuts announcements into lists that each fit into one IHave. */
export function chunkIHaves (entries: IHaveEntry[], maxMessageSize: number): IHaveEntry[][] {
  // by the longest round, so that every chunk but the last has the same length
  const perChunk = Math.max(1, Math.floor((maxMessageSize - 1 - TAG_BYTES - 3) / announcementBytes))

  if (entries.length <= perChunk) {
    return [entries]
  }

  const chunks: IHaveEntry[][] = []

  for (let i = 0; i < entries.length; i += perChunk) {
    chunks.push(entries.slice(i, i + perChunk))
  }

  return chunks
}
