import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { toString } from 'uint8arrays/to-string'
import type { Random } from './random.ts'
import type { DeliveryScope, Message, PeerInfo, PeerKey } from '../../src/proto/messages.ts'

/** Bytes that payloads stay under, as every frame of a default swarm does. */
const MAX_CONTENT_BYTES = 4055

/** Keys of peers that could exist: a random id is a curve point only every second time. */
export async function randomPeerKeys (random: Random, count: number): Promise<PeerKey[]> {
  const keys = await Promise.all(random.list(count, async () => generateKeyPairFromSeed('Ed25519', random.bytes(32))))

  return keys.map((key) => toString(key.publicKey.raw, 'hex'))
}

/** One message of any type, with every optional field sometimes absent and numbers at their edges often. */
export function randomMessage (random: Random, peers: PeerKey[]): Message {
  const u16 = (): number => random.bool()
    ? random.pick([0, 1, 127, 128, 255, 256, 16383, 16384, 65534, 65535])
    : random.int(65536)
  const data = (): Uint8Array | undefined => random.int(3) === 0 ? undefined : random.bytes(random.pick([0, 1, 14, 50, 127, 128, 256]))
  const withData = <T extends object>(value: T): T & { data?: Uint8Array } => {
    const bytes = data()

    return bytes == null ? value : { ...value, data: bytes }
  }
  const peerInfo = (): PeerInfo => withData({ id: random.pick(peers) })
  const scope = (): DeliveryScope => random.bool() ? { type: 'swarm', round: u16() } : { type: 'neighbors' }
  const contentSize = (): number => random.int(8) === 0
    ? random.pick([127, 128, 4000, MAX_CONTENT_BYTES])
    : random.int(100)

  switch (random.int(10)) {
    case 0: return withData({ type: 'join' })
    case 1: return { type: 'forwardJoin', peer: peerInfo(), ttl: u16() }
    case 2: return { type: 'shuffle', origin: random.pick(peers), nodes: random.list(random.int(9), peerInfo), ttl: u16() }
    case 3: return { type: 'shuffleReply', nodes: random.list(random.int(9), peerInfo) }
    case 4: return withData({ type: 'neighbor', priority: random.bool() ? 'high' : 'low' })
    case 5: return { type: 'disconnect', alive: random.bool(), respond: random.bool() }
    case 6: return { type: 'gossip', id: random.bytes(32), content: random.bytes(contentSize()), scope: scope() }
    case 7: return { type: 'prune' }
    case 8: return random.bool() ? { type: 'graft', id: random.bytes(32), round: u16() } : { type: 'graft', round: u16() }
    default: return { type: 'iHave', messages: random.list(random.int(12), () => ({ id: random.bytes(32), round: u16() })) }
  }
}

/** The payload with one to three small damages. */
export function mutated (payload: Uint8Array, random: Random): Uint8Array {
  let bytes = payload

  for (let left = 1 + random.int(3); left > 0; left--) {
    bytes = damaged(bytes, random)
  }

  return bytes
}

function damaged (bytes: Uint8Array, random: Random): Uint8Array {
  // tags and lengths sit in front: half of the damages go there
  const at = random.int(random.bool() ? Math.min(bytes.length, 6) + 1 : bytes.length + 1)

  switch (random.int(6)) {
    case 0: return bytes.with(Math.min(at, bytes.length - 1), random.int(256))
    case 1: return bytes.with(Math.min(at, bytes.length - 1), random.pick([0, 1, 2, 3, 5, 0x7f, 0x80, 0xff]))
    case 2: return bytes.length < 2 ? bytes : bytes.slice(0, Math.max(at, 1))
    case 3: return splice(bytes, at, 0, random.bytes(1 + random.int(3)))
    case 4: return bytes.length < 4 ? bytes : splice(bytes, at, 1 + random.int(2), new Uint8Array())
    default: return overlong(bytes, Math.min(at, bytes.length - 1))
  }
}

/** Makes a one-byte varint longer than it needs to be, where it is one. */
function overlong (bytes: Uint8Array, at: number): Uint8Array {
  return splice(bytes, at, 1, Uint8Array.of(bytes[at] | 0x80, 0))
}

function splice (bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  return Uint8Array.from([...bytes.subarray(0, at), ...insert, ...bytes.subarray(at + remove)])
}
