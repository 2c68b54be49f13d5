import { blake3 } from '@noble/hashes/blake3.js'
import type { RawConnection } from './raw-connection.ts'
import type { RawPeer } from './raw-peer.ts'
import type { RustTopic } from './rust-topic.ts'
import type { Gossip, Shuffle } from '../../src/wire/index.ts'

/** A payload as a peer would forward it at this round. */
export function gossip (content: Uint8Array | string, round = 0): Gossip {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content

  return { type: 'gossip', id: blake3(bytes), content: bytes, scope: { type: 'swarm', round } }
}

/** Asks for an empty ShuffleReply: who is no neighbor is let go by that. */
export function goodbye (origin: RawPeer): Shuffle {
  return { type: 'shuffle', origin: origin.endpointId, nodes: [], ttl: 0 }
}

/**
 * Makes a raw peer a neighbor of a Rust peer, by a Join on a connection of its own.
 *
 * @param data - its peer data; by default its real addresses
 */
export async function joinByHand (raw: RawPeer, topic: string, inRust: RustTopic, data: Uint8Array = raw.data): Promise<RawConnection> {
  const connection = await raw.dial(inRust.member)
  await connection.send(topic, { type: 'join', data })
  await inRust.until('the raw peer is a neighbor', () => inRust.neighbors().includes(raw.endpointId))
  await raw.until('the Join is answered', () => raw.frames(topic).some(({ message }) => message.type === 'neighbor'))

  return connection
}
