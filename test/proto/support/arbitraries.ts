import fc from 'fast-check'
import { bytes, hash } from './test-node.ts'
import type { Message, PeerInfo, PeerKey } from '../../../src/proto/index.ts'

/** How many random cases the property tests run; CI sets more. */
export const FUZZ_RUNS = Number(process.env.FUZZ_RUNS ?? 1_000)

/** A peer's data: absent, empty, small, the longest and beyond. */
const data = fc.constantFrom(undefined, new Uint8Array(0), bytes('data'), bytes('other'), new Uint8Array(472), new Uint8Array(473))

function info (peer: fc.Arbitrary<PeerKey>): fc.Arbitrary<PeerInfo> {
  return fc.record({ id: peer, data }).map(({ id, data }) => data === undefined ? { id } : { id, data })
}

const content = fc.oneof(
  { weight: 15, arbitrary: fc.integer({ min: 0, max: 15 }).map((n) => bytes(`content ${n}`)) },
  // around what fits into a frame with a round of one, two and three bytes
  { weight: 1, arbitrary: fc.constantFrom(4_055, 4_056, 4_057, 4_058).map((length) => new Uint8Array(length)) }
)
const round = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constantFrom(126, 127, 16_382, 16_383, 65_534, 65_535))
const ttl = fc.oneof(fc.integer({ min: 0, max: 7 }), fc.constant(65_535))

/** Any message of the wire, sensible or not, about these peers. */
export function anyMessage (peer: fc.Arbitrary<PeerKey>): fc.Arbitrary<Message> {
  const id = fc.oneof({ weight: 8, arbitrary: content.map(hash) }, { weight: 1, arbitrary: fc.constant(new Uint8Array(32)) })
  const nodes = fc.array(info(peer), { maxLength: 10 })

  return fc.oneof(
    fc.record({ type: fc.constant('join' as const), data }),
    fc.record({ type: fc.constant('forwardJoin' as const), peer: info(peer), ttl }),
    fc.record({ type: fc.constant('shuffle' as const), origin: peer, nodes, ttl }),
    fc.record({ type: fc.constant('shuffleReply' as const), nodes }),
    fc.record({ type: fc.constant('neighbor' as const), priority: fc.constantFrom('high' as const, 'low' as const), data }),
    fc.record({ type: fc.constant('disconnect' as const), alive: fc.boolean(), respond: fc.boolean() }),
    fc.record({ id, content, round, neighbors: fc.boolean(), honest: fc.boolean() }).map((gossip): Message => ({
      type: 'gossip',
      id: gossip.honest ? hash(gossip.content) : gossip.id,
      content: gossip.content,
      scope: gossip.neighbors ? { type: 'neighbors' } : { type: 'swarm', round: gossip.round }
    })),
    fc.constant<Message>({ type: 'prune' }),
    fc.record({ type: fc.constant('graft' as const), id: fc.option(id, { nil: undefined }), round }),
    fc.record({ type: fc.constant('iHave' as const), messages: fc.array(fc.record({ id, round }), { maxLength: 6 }) })
  )
}
