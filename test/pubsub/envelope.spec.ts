import { readFileSync } from 'node:fs'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { expect } from 'chai'
import * as fc from 'fast-check'
import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'
import { TopicId } from '../../src/index.ts'
import { ENVELOPE_BYTES, isAuthentic, openEnvelope, seal } from '../../src/pubsub/envelope.ts'

interface Vector {
  seed: string
  topic: string
  sequenceNumber: string
  data: string
  envelope: string
}

const vectors: Vector[] = JSON.parse(readFileSync(new URL('../fixtures/envelope-vectors.json', import.meta.url), 'utf8'))

describe('envelopes of signed messages', () => {
  for (const { seed, topic, sequenceNumber, data, envelope } of vectors) {
    it(`are as in the vector with sequence number ${sequenceNumber}`, async () => {
      const key = await generateKeyPairFromSeed('Ed25519', fromString(seed, 'hex'))
      const id = TopicId.parse(topic)
      const sealed = await seal(key, id, BigInt(sequenceNumber), fromString(data, 'hex'))
      expect(toString(sealed, 'hex')).to.equal(envelope)

      const opened = openEnvelope(fromString(envelope, 'hex'))
      expect(opened.author.publicKey?.equals(key.publicKey)).to.equal(true)
      expect(opened.sequenceNumber.toString()).to.equal(sequenceNumber)
      expect(toString(opened.data, 'hex')).to.equal(data)
      expect(await isAuthentic(id, fromString(envelope, 'hex'), opened)).to.equal(true)
    })
  }

  it('are not authentic for another topic, nor with any bit changed', async () => {
    const content = fromString(vectors[1].envelope, 'hex')
    const topic = TopicId.parse(vectors[1].topic)
    expect(await isAuthentic(TopicId.fromName('another'), content, openEnvelope(content))).to.equal(false)

    await fc.assert(fc.asyncProperty(fc.nat(content.length * 8 - 1), async (bit) => {
      const damaged = content.slice()
      damaged[bit >> 3] ^= 1 << (bit & 7)

      try {
        const envelope = openEnvelope(damaged)
        expect(await isAuthentic(topic, damaged, envelope)).to.equal(false)
      } catch (err) {
        expect(err).to.have.property('name', 'InvalidMessageError')
      }
    }), { numRuns: 200 })
  })

  it('are refused with the offset of what is wrong', () => {
    const content = fromString(vectors[1].envelope, 'hex')
    const version = content.slice()
    version[0] = 2

    expect(() => openEnvelope(content.subarray(0, ENVELOPE_BYTES - 1))).to.throw('at least 105 bytes').with.property('name', 'InvalidMessageError')
    expect(() => openEnvelope(version)).to.throw('version 2').with.property('offset', 0)
  })
})
