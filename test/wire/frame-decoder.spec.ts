import { expect } from 'chai'
import fc from 'fast-check'
import { Uint8ArrayList } from 'uint8arraylist'
import { FrameDecoder, encodeFrame, encodeStreamHeader } from '../../src/wire/index.ts'
import { fromHex, toHex } from './wire-vectors.ts'
import type { InvalidMessageError, MessageTooLargeError } from '../../src/wire/index.ts'

const MAX = 600
const topicId = Uint8Array.from({ length: 32 }, (_, i) => 100 + i)
const header = encodeStreamHeader(topicId)

interface Log {
  events: string[]
  frames: Uint8Array[]
  errors: Array<InvalidMessageError | MessageTooLargeError>
}

/** A decoder that writes down what it reports. */
function recorder (maxMessageSize = MAX): Log & { decoder: FrameDecoder } {
  const log: Log = { events: [], frames: [], errors: [] }
  const decoder = new FrameDecoder({
    maxMessageSize,
    onHeader (id) {
      log.events.push(`header ${toHex(id)}`)
    },
    onFrame (payload) {
      log.frames.push(payload)
      log.events.push(`frame ${toHex(payload)}`)
    },
    onViolation (error) {
      log.errors.push(error)
      log.events.push(error.name)
    }
  })

  return { ...log, decoder }
}

/** A frame whose length says what its payload has. */
function frame (payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + payload.length)
  new DataView(bytes.buffer).setUint32(0, payload.length)
  bytes.set(payload, 4)

  return bytes
}

function join (...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap(part => [...part]))
}

/** The bytes cut at the given places, some pieces as lists. */
function chunks (bytes: Uint8Array, cuts: number[]): Array<Uint8Array | Uint8ArrayList> {
  const places = [...new Set([0, ...cuts.map(cut => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b)

  return places.slice(1).map((end, i) => {
    const piece = bytes.subarray(places[i], end)
    const half = piece.length >> 1

    return i % 3 === 2 ? new Uint8ArrayList(piece.subarray(0, half), piece.subarray(half)) : piece
  })
}

describe('FrameDecoder', () => {
  it('reports the header, then each frame, empty ones too', () => {
    const { decoder, events } = recorder()
    decoder.push(join(header, frame(fromHex('0101')), frame(fromHex('')), frame(fromHex('00050000'))))
    decoder.end()

    expect(events).to.deep.equal([`header ${toHex(topicId)}`, 'frame 0101', 'frame ', 'frame 00050000'])
  })

  it('does not care how the bytes are cut', () => {
    const payload = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.uint8Array({ minLength: MAX - 1, maxLength: MAX + 1 }),
      fc.constant(new Uint8Array(3 * MAX))
    )

    fc.assert(fc.property(fc.array(payload, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 40 }), (payloads, cuts) => {
      const { decoder, events } = recorder()

      for (const chunk of chunks(join(header, ...payloads.map(frame)), cuts)) {
        decoder.push(chunk)
        expect(decoder.bufferedBytes).to.be.at.most(MAX)
      }

      decoder.end()

      expect(decoder.bufferedBytes).to.equal(0)
      expect(events).to.deep.equal([
        `header ${toHex(topicId)}`,
        ...payloads.map(payload => payload.length > MAX ? 'MessageTooLargeError' : `frame ${toHex(payload)}`)
      ])
    }), { numRuns: 400 })
  })

  it('takes arbitrary bytes in any pieces, and reports the same for each cut', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 120 }),
      // lengths that are mostly plausible
      fc.array(fc.tuple(fc.nat(80), fc.uint8Array({ maxLength: 80 })), { maxLength: 6 })
        .map(frames => join(header, ...frames.flatMap(([length, payload]) => [Uint8Array.of(0, 0, 0, length), payload])))
    )

    fc.assert(fc.property(bytes, fc.array(fc.nat(), { maxLength: 30 }), (stream, cuts) => {
      const whole = recorder(64)
      whole.decoder.push(stream)
      whole.decoder.end()

      const cut = recorder(64)

      for (const chunk of chunks(stream, cuts)) {
        cut.decoder.push(chunk)
        expect(cut.decoder.bufferedBytes).to.be.at.most(64)
      }

      cut.decoder.end()

      expect(cut.events).to.deep.equal(whole.events)
      expect(cut.errors.map(err => err.message)).to.deep.equal(whole.errors.map(err => err.message))
    }), { numRuns: 500 })
  })

  it('does not copy a frame that lies within one chunk', () => {
    const { decoder, frames } = recorder()
    const chunk = join(header, frame(fromHex('0101')), frame(fromHex('00050000')))
    decoder.push(chunk)

    expect(frames.map(payload => payload.buffer)).to.deep.equal([chunk.buffer, chunk.buffer])
  })

  it('makes room for what has arrived, not for what was announced', () => {
    const { decoder, events } = recorder(0x4000_0000)
    decoder.push(header)
    decoder.push(fromHex('4000000000'))

    expect(decoder.bufferedBytes).to.be.at.most(4_096)

    decoder.push(new Uint8Array(10_000))

    expect(decoder.bufferedBytes).to.be.within(10_001, 20_002)
    expect(events).to.have.length(1)
  })

  it('takes a frame of the limit and skips one that is larger, once reported', () => {
    const { decoder, events, errors } = recorder()
    decoder.push(join(header, frame(new Uint8Array(MAX)), frame(new Uint8Array(MAX + 1)), frame(fromHex('0101'))))
    decoder.end()

    expect(events).to.deep.equal([`header ${toHex(topicId)}`, `frame ${'00'.repeat(MAX)}`, 'MessageTooLargeError', 'frame 0101'])
    expect(errors[0]).to.include({ size: MAX + 1, max: MAX })
  })

  it('reads a length as an unsigned number', () => {
    const { decoder, errors } = recorder()
    decoder.push(join(header, fromHex('ffffffff'), new Uint8Array(1_000)))
    decoder.end()

    expect(errors).to.have.length(1)
    expect(errors[0]).to.include({ name: 'MessageTooLargeError', size: 4_294_967_295 })
  })

  it('hands out the largest frame that we send', () => {
    const { decoder, frames } = recorder(4_096)
    const content = new Uint8Array(4_057).fill(1)
    decoder.push(header)
    decoder.push(encodeFrame({ type: 'gossip', id: new Uint8Array(32), content, scope: { type: 'swarm', round: 0 } }, 4_096))

    expect(frames.map(payload => payload.length)).to.deep.equal([4_095])
  })

  describe('a stream without a header', () => {
    const rest = join(frame(fromHex('0101')), frame(topicId))

    it('that ends at once is reported', () => {
      const { decoder, events, errors } = recorder()
      decoder.end()

      expect(events).to.deep.equal(['InvalidMessageError'])
      expect(errors[0]).to.have.property('message', 'stream ended before its header at byte 0')
    })

    it('that ends inside it is reported', () => {
      const { decoder, events, errors } = recorder()
      decoder.push(header.subarray(0, 20))
      decoder.end()

      expect(events).to.deep.equal(['InvalidMessageError'])
      expect(errors[0]).to.have.property('message', 'stream ended inside a header of 32 bytes at byte 16')
    })

    const first = { short: frame(topicId.subarray(1)), empty: frame(fromHex('')), 'a message': frame(fromHex('000000')) }

    for (const [name, bytes] of Object.entries(first)) {
      it(`whose first frame is ${name} is reported once and read to its end`, () => {
        const { decoder, events } = recorder()
        decoder.push(join(bytes, rest))
        decoder.push(rest)
        decoder.end()

        expect(events).to.deep.equal(['InvalidMessageError'])
        expect(decoder.bufferedBytes).to.equal(0)
      })
    }

    it('whose first frame is too large is reported once and read to its end', () => {
      const { decoder, events } = recorder()
      decoder.push(join(frame(new Uint8Array(MAX + 1)), header, rest))
      decoder.end()

      expect(events).to.deep.equal(['MessageTooLargeError'])
    })
  })

  describe('end', () => {
    it('between frames is as it should be', () => {
      const { decoder, events } = recorder()
      decoder.push(header)
      decoder.end()

      expect(events).to.have.length(1)
    })

    it('inside a length or a frame is reported', () => {
      for (const [bytes, message] of [
        ['0000', "stream ended inside a frame's length at byte 2"],
        ['00000005', 'stream ended inside a frame of 5 bytes at byte 0'],
        ['00000005aabb', 'stream ended inside a frame of 5 bytes at byte 2']
      ]) {
        const { decoder, errors } = recorder()
        decoder.push(join(header, fromHex(bytes)))
        decoder.end()

        expect(errors.map(err => err.message)).to.deep.equal([message])
      }
    })

    it('inside a frame that was reported as too large is not reported again', () => {
      const { decoder, events } = recorder()
      decoder.push(join(header, fromHex('00010000'), new Uint8Array(50)))
      decoder.end()

      expect(events).to.deep.equal([`header ${toHex(topicId)}`, 'MessageTooLargeError'])
    })

    it('is final', () => {
      const { decoder, events } = recorder()
      decoder.end()
      decoder.end()
      decoder.push(header)

      expect(events).to.deep.equal(['InvalidMessageError'])
    })
  })
})
