import { expect } from 'chai'
import fc from 'fast-check'
import { decodeMessage, encodeMessage, encodedSize, mayNamePeers } from '../../src/wire/index.ts'
import { FUZZ_RUNS, FUZZ_TIMEOUT_MS, damaged, messages } from './arbitrary-messages.ts'
import { fromHex, toHex, vectorPayload, vectors } from './wire-vectors.ts'
import type { Message } from '../../src/proto/messages.ts'

/** Decodes, and fails the test on any error but the one that bad bytes may cause. */
function tryDecode (payload: Uint8Array): Message | undefined {
  try {
    return decodeMessage(payload)
  } catch (err) {
    expect(err).to.have.property('name', 'InvalidMessageError')
    expect(err).to.have.property('offset').that.is.within(0, payload.length)
    expect(err).to.have.property('reason').that.is.a('string').and.matches(/./)

    return undefined
  }
}

describe('message codec', () => {
  it('decodes what it encoded', () => {
    fc.assert(fc.property(messages, message => {
      const payload = encodeMessage(message)

      expect(decodeMessage(payload)).to.deep.equal(message)
      expect(encodedSize(message)).to.equal(payload.length)
    }), { numRuns: 1_000 })
  })

  it('ignores bytes after a whole message, as Rust does', () => {
    fc.assert(fc.property(messages, fc.uint8Array({ maxLength: 8 }), (message, rest) => {
      expect(decodeMessage(Uint8Array.of(...encodeMessage(message), ...rest))).to.deep.equal(message)
    }), { numRuns: 300 })
  })

  it('refuses every proper prefix of a message', () => {
    for (const vector of vectors.cases) {
      if (vector.rust !== 'accepts' || vector.payload.length > 400) {
        continue
      }

      // a longer varint, or bytes after the message, are not part of it
      const payload = fromHex(vector.reencoded)

      for (let length = 0; length < payload.length; length++) {
        expect(() => decodeMessage(payload.subarray(0, length)), `${length} bytes of ${vector.name}`)
          .to.throw().with.property('name', 'InvalidMessageError')
      }
    }
  })

  it('refers to content and message ids in the payload', () => {
    const payload = vectorPayload('gossip, swarm, round 0')
    const message = decodeMessage(payload)

    expect(message).to.have.nested.property('content.buffer').that.equals(payload.buffer)
    expect(message).to.have.nested.property('id.buffer').that.equals(payload.buffer)
  })

  it('copies peer data, which outlives the chunk that brought it', () => {
    const payload = vectorPayload('neighbor, high priority')
    const message = decodeMessage(payload)
    payload.fill(0)

    expect(message).to.have.property('data').that.deep.equals(fromHex('000100c0000202b3b002'))
  })

  it('decodes a payload inside a larger buffer', () => {
    const inner = vectorPayload('ihave, three')
    const outer = new Uint8Array(inner.length + 20)
    outer.set(inner, 10)

    expect(decodeMessage(outer.subarray(10, 10 + inner.length))).to.deep.equal(decodeMessage(inner))
  })

  it('tells where and why a payload is refused', () => {
    expect(() => decodeMessage(vectorPayload('truncated join'))).to.throw()
      .that.includes({ name: 'InvalidMessageError', offset: 3, reason: 'byte string exceeds the payload' })
    expect(() => decodeMessage(vectorPayload('peer id that is no curve point'))).to.throw()
      .that.includes({ name: 'InvalidMessageError', offset: 2, reason: 'peer id is no Ed25519 public key' })
    expect(() => decodeMessage(vectorPayload('bool 2'))).to.throw()
      .that.includes({ name: 'InvalidMessageError', offset: 2, reason: 'alive is neither 0 nor 1' })
  })

  describe('bytes from hostile peers', () => {
    /** A message that was understood must mean the same after another hop. */
    const judge = (payload: Uint8Array): void => {
      const message = tryDecode(payload)

      if (message != null) {
        const again = encodeMessage(message)

        expect(again.length).to.be.at.most(payload.length)
        expect(decodeMessage(again)).to.deep.equal(message)
      }
    }

    it('arbitrary bytes are a message or an InvalidMessageError', () => {
      const tagged = fc.tuple(fc.constantFrom(0, 1), fc.nat(6), fc.uint8Array({ maxLength: 160 }))
        .map(([family, tag, rest]) => Uint8Array.of(family, tag, ...rest))

      fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), tagged), judge), { numRuns: FUZZ_RUNS })
    }).timeout(FUZZ_TIMEOUT_MS)

    it('damaged messages are a message or an InvalidMessageError', () => {
      const valid = fc.oneof(
        messages.filter(message => encodedSize(message) < 1_000).map(encodeMessage),
        fc.constantFrom(...vectors.cases.map(vector => fromHex(vector.payload)).filter(payload => payload.length < 1_000))
      )

      fc.assert(fc.property(damaged(valid), judge), { numRuns: FUZZ_RUNS })
    }).timeout(FUZZ_TIMEOUT_MS)

    it('a count or length is checked against the payload before anything is made of it', () => {
      const counts = ['ffffffff0f', 'ffffffffffffffff7f', 'ffffffffffffffffff01', '8001']
      const heads = { shuffleReply: '0003', iHave: '0103', content: `0100${'11'.repeat(32)}`, data: '000001' }

      for (const [what, head] of Object.entries(heads)) {
        for (const count of counts) {
          const before = process.memoryUsage().arrayBuffers

          for (let i = 0; i < 50; i++) {
            expect(() => decodeMessage(fromHex(`${head}${count}0000`)), `${what} ${count}`)
              .to.throw().with.property('reason').that.matches(/exceeds the payload/)
          }

          expect(process.memoryUsage().arrayBuffers - before).to.be.below(1 << 20)
        }
      }
    })
  })

  describe('mayNamePeers', () => {
    it('agrees with the decoder on every message', () => {
      const naming = new Set(['forwardJoin', 'shuffle', 'shuffleReply'])

      fc.assert(fc.property(messages, message => {
        expect(mayNamePeers(encodeMessage(message))).to.equal(naming.has(message.type))
      }), { numRuns: 300 })
    })

    it('understands tags in longer varints than needed', () => {
      expect(mayNamePeers(fromHex('80000100'))).to.equal(true)
      expect(mayNamePeers(fromHex('0081808000'))).to.equal(true)
      expect(mayNamePeers(fromHex('80000000'))).to.equal(false)
      expect(mayNamePeers(fromHex('81800001'))).to.equal(false)
      expect(mayNamePeers(fromHex('8001'))).to.equal(false)
      expect(mayNamePeers(fromHex('80'))).to.equal(false)
      expect(mayNamePeers(fromHex(''))).to.equal(false)
    })
  })

  describe('misuse', () => {
    const id = new Uint8Array(32)
    const cases: Record<string, Message> = {
      'a key in capitals': { type: 'forwardJoin', peer: { id: vectors.keys[0].toUpperCase() }, ttl: 1 },
      'a short key': { type: 'forwardJoin', peer: { id: 'abcd' }, ttl: 1 },
      'a key that is no hex': { type: 'shuffle', origin: 'zz'.repeat(32), nodes: [], ttl: 1 },
      'a ttl of 65,536': { type: 'forwardJoin', peer: { id: vectors.keys[0] }, ttl: 65_536 },
      'a negative round': { type: 'graft', round: -1 },
      'a broken round': { type: 'graft', round: 1.5 },
      'no number': { type: 'gossip', id, content: id, scope: { type: 'swarm', round: NaN } },
      'a short message id': { type: 'graft', id: id.subarray(1), round: 1 },
      'a long message id': { type: 'iHave', messages: [{ id: new Uint8Array(33), round: 1 }] }
    }

    for (const [name, message] of Object.entries(cases)) {
      it(`${name} is refused`, () => {
        expect(() => encodeMessage(message)).to.throw().with.property('name', 'InvalidParametersError')
      })
    }
  })

  it('encodes into an array of its own', () => {
    const content = Uint8Array.of(1, 2, 3)
    const payload = encodeMessage({ type: 'gossip', id: new Uint8Array(32), content, scope: { type: 'neighbors' } })
    content.fill(9)

    expect(toHex(payload)).to.equal(`0100${'00'.repeat(32)}0301020301`)
  })
})
