import { expect } from 'chai'
import fc from 'fast-check'
import { decodeMessage, decodeStreamHeader, encodeFrame, encodeMessage, encodeStreamHeader } from '../../src/wire/index.ts'
import { messages } from './arbitrary-messages.ts'
import { fromHex, toHex, vectors } from './wire-vectors.ts'
import type { Gossip } from '../../src/proto/messages.ts'

function gossip (contentBytes: number): Gossip {
  return { type: 'gossip', id: new Uint8Array(32), content: new Uint8Array(contentBytes).fill(7), scope: { type: 'swarm', round: 1 } }
}

describe('frames', () => {
  it('are a length and a payload, as Rust writes them', () => {
    const { payload, frame } = vectors.frame

    expect(toHex(encodeFrame(decodeMessage(fromHex(payload))).subarray())).to.equal(frame)
  })

  it('carry exactly the payload of any message', () => {
    fc.assert(fc.property(messages, message => {
      const frame = encodeFrame(message).subarray()
      const payload = encodeMessage(message)

      expect(new DataView(frame.buffer, frame.byteOffset).getUint32(0)).to.equal(payload.length)
      expect(frame.subarray(4)).to.deep.equal(payload)
    }), { numRuns: 300 })
  })

  it('refer to a large content instead of copying it', () => {
    const message = gossip(60_000)
    const frame = encodeFrame(message)

    expect(frame).to.not.be.an.instanceOf(Uint8Array)
    expect([...frame]).to.include(message.content)
  })

  it('of the limit or more are refused, one byte less is sent', () => {
    // two tags, 32 of the id, two of the length, scope and round
    const head = 2 + 32 + 2 + 2

    expect(encodeFrame(gossip(4_095 - head), 4_096).byteLength).to.equal(4 + 4_095)
    expect(() => encodeFrame(gossip(4_096 - head), 4_096)).to.throw()
      .that.includes({ name: 'MessageTooLargeError', size: 4_096, max: 4_095 })
  })

  describe('stream header', () => {
    const topicId = Uint8Array.from({ length: 32 }, (_, i) => i)

    it('is a frame with the raw topic id', () => {
      expect(toHex(encodeStreamHeader(topicId))).to.equal(`00000020${toHex(topicId)}`)
      expect(decodeStreamHeader(topicId)).to.deep.equal(topicId)
    })

    it('may be longer, as for Rust', () => {
      expect(decodeStreamHeader(Uint8Array.of(...topicId, 1, 2))).to.deep.equal(topicId)
    })

    it('of fewer bytes is refused', () => {
      expect(() => decodeStreamHeader(topicId.subarray(1))).to.throw()
        .that.includes({ name: 'InvalidMessageError', offset: 31 })
      expect(() => decodeStreamHeader(new Uint8Array())).to.throw().with.property('name', 'InvalidMessageError')
    })

    it('is not made of anything but 32 bytes', () => {
      expect(() => encodeStreamHeader(topicId.subarray(1))).to.throw().with.property('name', 'InvalidParametersError')
    })
  })
})
