import { blake3 } from '@noble/hashes/blake3.js'
import { encodePeerData, encodedSize } from '../../src/wire/index.ts'
import type { Contact, MemberTopic } from './member.ts'
import type { RawConnection } from './raw-connection.ts'
import type { RawPeer } from './raw-peer.ts'
import type { Gossip, PeerInfo, Shuffle } from '../../src/wire/index.ts'

/** A payload as a peer would forward it at this round. */
export function gossip (content: Uint8Array | string, round = 0): Gossip {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content

  return { type: 'gossip', id: blake3(bytes), content: bytes, scope: { type: 'swarm', round } }
}

/** A Gossip of random content whose payload has exactly so many bytes at this round. */
export function gossipOf (bytes: number, round = 0): Gossip {
  const empty = encodedSize(gossip(new Uint8Array(4_000), round)) - 4_000

  return gossip(crypto.getRandomValues(new Uint8Array(bytes - empty)), round)
}

/** A peer with its addresses, as a Rust peer would name it. */
export function infoOf ({ endpointId, addresses }: Contact): PeerInfo {
  const directAddresses = addresses.map((address) => {
    const [host, port] = address.split(':')

    return { host, port: Number(port) }
  })

  return { id: endpointId, data: encodePeerData({ directAddresses, multiaddrs: [] }) }
}

/** Asks for an empty ShuffleReply: who is no neighbor is let go by that. */
export function goodbye (origin: RawPeer): Shuffle {
  return { type: 'shuffle', origin: origin.endpointId, nodes: [], ttl: 0 }
}

/**
 * Makes a raw peer a neighbor of another, by a Join on a connection of its own.
 *
 * @param data - its peer data; by default its real addresses
 */
export async function joinByHand (raw: RawPeer, topic: string, inOther: MemberTopic, data: Uint8Array = raw.data): Promise<RawConnection> {
  const connection = await raw.dial(inOther.member)
  await connection.send(topic, { type: 'join', data })
  await inOther.until('the raw peer is a neighbor', () => inOther.neighbors().includes(raw.endpointId))
  await raw.until('the Join is answered', () => raw.frames(topic).some(({ message }) => message.type === 'neighbor'))

  return connection
}
