import { ed25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import type { DeliveryScope, Message, PeerInfo, PeerKey } from '../../src/proto/messages.ts'

/** Cases of a property that reads hostile bytes. CI asks for 100,000. */
export const FUZZ_RUNS = Number(process.env.FUZZ_RUNS ?? 10_000)

/** Room for that many runs on a slow machine. */
export const FUZZ_TIMEOUT_MS = 30_000 + FUZZ_RUNS * 5

/** Public keys from fixed seeds, and two curve points that no key pair has: Rust accepts those too. */
const PEER_KEYS: PeerKey[] = [
  ...Array.from({ length: 24 }, (_, i) => Buffer.from(ed25519.getPublicKey(new Uint8Array(32).fill(i))).toString('hex')),
  '00'.repeat(32),
  'ff'.repeat(32)
]

export const peerKeys: fc.Arbitrary<PeerKey> = fc.constantFrom(...PEER_KEYS)

const u16 = fc.oneof(fc.nat(300), fc.constantFrom(0, 127, 128, 16_383, 16_384, 65_535), fc.nat(0xffff))
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
const peerData = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 120, maxLength: 300 }))

const peerInfo: fc.Arbitrary<PeerInfo> = fc.oneof(
  fc.record({ id: peerKeys }),
  fc.record({ id: peerKeys, data: peerData })
)

const peerInfos = fc.oneof(
  fc.array(peerInfo, { maxLength: 8 }),
  fc.array(fc.record({ id: peerKeys }), { minLength: 120, maxLength: 200 })
)

const scope: fc.Arbitrary<DeliveryScope> = fc.oneof(
  fc.record({ type: fc.constant('swarm' as const), round: u16 }),
  fc.record({ type: fc.constant('neighbors' as const) })
)

/** Any message, with every option present, absent and empty, and numbers around each length of a varint. */
export const messages: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ type: fc.constant('join' as const) }),
  fc.record({ type: fc.constant('join' as const), data: peerData }),
  fc.record({ type: fc.constant('forwardJoin' as const), peer: peerInfo, ttl: u16 }),
  fc.record({ type: fc.constant('shuffle' as const), origin: peerKeys, nodes: peerInfos, ttl: u16 }),
  fc.record({ type: fc.constant('shuffleReply' as const), nodes: peerInfos }),
  fc.record({ type: fc.constant('neighbor' as const), priority: fc.constantFrom('high' as const, 'low' as const) }),
  fc.record({ type: fc.constant('neighbor' as const), priority: fc.constantFrom('high' as const, 'low' as const), data: peerData }),
  fc.record({ type: fc.constant('disconnect' as const), alive: fc.boolean(), respond: fc.boolean() }),
  fc.record({
    type: fc.constant('gossip' as const),
    id: hash,
    content: fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(1_023, 1_024, 16_383, 16_384).map(length => new Uint8Array(length).fill(7))),
    scope
  }),
  fc.record({ type: fc.constant('prune' as const) }),
  fc.record({ type: fc.constant('graft' as const), round: u16 }),
  fc.record({ type: fc.constant('graft' as const), id: hash, round: u16 }),
  fc.record({ type: fc.constant('iHave' as const), messages: fc.array(fc.record({ id: hash, round: u16 }), { maxLength: 140 }) })
)

interface Mutation {
  kind: 'set' | 'insert' | 'remove' | 'truncate'
  /** Where, from 0 to 65,535: the lower half is within the first 40 bytes, which decide most. */
  at: number
  byte: number
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom('set' as const, 'set' as const, 'set' as const, 'insert' as const, 'remove' as const, 'truncate' as const),
  at: fc.noBias(fc.nat(0xffff)),
  byte: fc.oneof(fc.constantFrom(0x00, 0x01, 0x7f, 0x80, 0xff), fc.nat(255))
})

/** Payloads that were valid before up to three small damages. */
export function damaged (payloads: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc.tuple(payloads, fc.array(mutation, { minLength: 1, maxLength: 3 })).map(([payload, mutations]) => {
    const bytes = [...payload]

    for (const { kind, at, byte } of mutations) {
      const range = at < 0x8000 ? Math.min(bytes.length, 40) : bytes.length
      const index = Math.floor((at % 0x8000) / 0x8000 * range)

      switch (kind) {
        case 'set':
          bytes[index] = byte
          break
        case 'insert':
          bytes.splice(index, 0, byte)
          break
        case 'remove':
          bytes.splice(index, 1)
          break
        default:
          bytes.length = Math.min(index, bytes.length)
      }
    }

    return Uint8Array.from(bytes)
  })
}
