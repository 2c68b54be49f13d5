import { expect } from 'chai'
import { decodeMessage, encodeMessage, encodedSize } from '../../src/wire/index.ts'
import { fromHex, toHex, vectorPayload, vectors } from './wire-vectors.ts'
import type { Message } from '../../src/proto/messages.ts'

const [alice, bob, carol, dave] = vectors.keys
const hello = Uint8Array.from(Buffer.from('hello'))
const helloId = fromHex('ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f')
const noAddresses = fromHex('0000')
const ipv4 = fromHex('000100c0000202b3b002')
const relayIpv4Ipv6 = fromHex('011668747470733a2f2f72656c61792e6578616d706c652f02007f000001500120010db8000000000000000000000001d122')

/** What Rust's debug output in the vectors says, in our types. */
const expected: Record<string, Message> = {
  'join, no peer data': { type: 'join' },
  'join, empty peer data': { type: 'join', data: new Uint8Array() },
  'join, address without addresses': { type: 'join', data: noAddresses },
  'join, one IPv4': { type: 'join', data: ipv4 },
  'join, relay + IPv4 + IPv6': { type: 'join', data: relayIpv4Ipv6 },
  'forward join, ttl 6': { type: 'forwardJoin', peer: { id: alice, data: ipv4 }, ttl: 6 },
  'forward join, no data, ttl 0': { type: 'forwardJoin', peer: { id: bob }, ttl: 0 },
  'forward join, ttl 65535': { type: 'forwardJoin', peer: { id: carol, data: relayIpv4Ipv6 }, ttl: 65_535 },
  'shuffle, empty': { type: 'shuffle', origin: alice, nodes: [], ttl: 6 },
  'shuffle reply, two peers': { type: 'shuffleReply', nodes: [{ id: bob, data: ipv4 }, { id: dave }] },
  'shuffle reply, empty': { type: 'shuffleReply', nodes: [] },
  'neighbor, high priority': { type: 'neighbor', priority: 'high', data: ipv4 },
  'neighbor, low priority': { type: 'neighbor', priority: 'low' },
  'disconnect, alive': { type: 'disconnect', alive: true, respond: false },
  'disconnect, not alive': { type: 'disconnect', alive: false, respond: false },
  'disconnect, alive, respond': { type: 'disconnect', alive: true, respond: true },
  'gossip, swarm, round 0': { type: 'gossip', id: helloId, content: hello, scope: { type: 'swarm', round: 0 } },
  'gossip, swarm, round 300': { type: 'gossip', id: helloId, content: hello, scope: { type: 'swarm', round: 300 } },
  'gossip, neighbors': { type: 'gossip', id: helloId, content: hello, scope: { type: 'neighbors' } },
  'gossip, id is not the hash of the content': { type: 'gossip', id: new Uint8Array(32), content: hello, scope: { type: 'swarm', round: 2 } },
  prune: { type: 'prune' },
  'graft, no id': { type: 'graft', round: 4 },
  'graft, id': { type: 'graft', id: helloId, round: 7 },
  'ihave, empty': { type: 'iHave', messages: [] },
  'ihave, three': {
    type: 'iHave',
    messages: [
      { id: fromHex('2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213'), round: 0 },
      { id: fromHex('48fc721fbbc172e0925fa27af1671de225ba927134802998b10a1568a188652b'), round: 127 },
      { id: fromHex('ab13bedf42e84bae0f7c62c7dd6a8ada571e8829bed6ea558217f0361b5e25d0'), round: 254 }
    ]
  }
}

describe('the Rust crate\'s verdict on payloads', () => {
  it('covers what it should', () => {
    expect(vectors.cases).to.have.length(54)
  })

  for (const vector of vectors.cases) {
    it(`${vector.rust} ${vector.name}`, () => {
      const payload = fromHex(vector.payload)

      if (vector.rust === 'rejects') {
        expect(() => decodeMessage(payload)).to.throw().with.property('name', 'InvalidMessageError')
        return
      }

      const message = decodeMessage(payload)

      expect(toHex(encodeMessage(message))).to.equal(vector.reencoded)
      expect(encodedSize(message)).to.equal(vector.reencoded.length / 2)
    })
  }

  for (const [name, message] of Object.entries(expected)) {
    it(`understands ${name}`, () => {
      expect(decodeMessage(vectorPayload(name))).to.deep.equal(message)
      expect(encodeMessage(message)).to.deep.equal(vectorPayload(name))
    })
  }
})
