/**
 * What does the wire format cost: frames a second, for gossip messages of several
 * sizes?
 *
 * `node benchmarks/codec/main.ts [--short] [--out folder]`
 *
 * `decode` is stream bytes, eight frames to a chunk, through `FrameDecoder` and
 * `decodeMessage`. `encode` is `encodeFrame` and joining eight frames, as a
 * muxer or an encrypter does; `encodeCopied` and `encodeUncopied` are the same
 * by always copying the content into the frame, and by always referring to it:
 * `encodeFrame` changes from one to the other at the size where they meet.
 * `checkId` is a message with an unknown peer id, whose check of the curve is
 * the cost, and `rememberedId` one whose id was checked before.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ed25519 } from '@noble/curves/ed25519.js'
import { Uint8ArrayList } from 'uint8arraylist'
import { allocUnsafe } from 'uint8arrays/alloc'
import { gossipHeadSize, scopeSize, writeGossipHead, writeMessage, writeScope } from '../../src/wire/encode-message.ts'
import { FrameDecoder, decodeMessage, encodeFrame, encodeMessage, encodeStreamHeader, encodedSize } from '../../src/wire/index.ts'
import { PostcardWriter } from '../../src/wire/postcard-writer.ts'
import { linePlot } from '../support/plot.ts'
import { progress, writeResults } from '../support/results.ts'
import { spread } from '../support/statistics.ts'
import type { Gossip } from '../../src/proto/messages.ts'
import type { Spread } from '../support/statistics.ts'

const BATCH = 8

const { values: options } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    out: { type: 'string', default: join(import.meta.dirname, 'results') }
  }
})
const ROUNDS = options.short ? 3 : 7
const ROUND_MS = options.short ? 30 : 100

function perSecond (unitsPerCall: number, call: () => unknown): Spread {
  const rates: number[] = []

  // the first one warms up
  for (let round = 0; round <= ROUNDS; round++) {
    const start = performance.now()
    let calls = 0

    while (performance.now() - start < ROUND_MS) {
      for (let i = 0; i < 16; i++) {
        call()
      }

      calls += 16
    }

    rates.push(calls * unitsPerCall * 1_000 / (performance.now() - start))
  }

  return spread(rates.slice(1))
}

function joined (frame: () => Uint8Array | Uint8ArrayList): Uint8Array {
  const list = new Uint8ArrayList()

  for (let i = 0; i < BATCH; i++) {
    list.append(frame())
  }

  return list.subarray()
}

function copied (message: Gossip): Uint8Array {
  const frame = allocUnsafe(4 + encodedSize(message))
  new DataView(frame.buffer, frame.byteOffset).setUint32(0, frame.length - 4)
  writeMessage(message, frame, 4)

  return frame
}

function uncopied (message: Gossip): Uint8ArrayList {
  const head = allocUnsafe(4 + gossipHeadSize(message.content.length))
  new DataView(head.buffer, head.byteOffset).setUint32(0, encodedSize(message))
  writeGossipHead(new PostcardWriter(head, 4), message.id, message.content.length)

  const tail = allocUnsafe(scopeSize(message.scope))
  writeScope(new PostcardWriter(tail), message.scope)

  return new Uint8ArrayList(head, message.content, tail)
}

const sizes: Record<string, Record<string, Spread>> = {}

for (const contentBytes of [64, 256, 512, 1_024, 2_048, 4_000, 65_536]) {
  const message: Gossip = {
    type: 'gossip',
    id: new Uint8Array(32).fill(1),
    content: new Uint8Array(contentBytes).fill(2),
    scope: { type: 'swarm', round: 3 }
  }
  const chunk = joined(() => encodeFrame(message))
  const decoder = new FrameDecoder({
    maxMessageSize: 1 << 20,
    onHeader () {},
    onFrame (payload) {
      decodeMessage(payload)
    },
    onViolation (error) {
      throw error
    }
  })
  decoder.push(encodeStreamHeader(new Uint8Array(32)))

  sizes[contentBytes] = {
    decode: perSecond(BATCH, () => {
      decoder.push(chunk)
    }),
    encode: perSecond(BATCH, () => joined(() => encodeFrame(message))),
    encodeCopied: perSecond(BATCH, () => joined(() => copied(message))),
    encodeUncopied: perSecond(BATCH, () => joined(() => uncopied(message)))
  }
}

const payloads = Array.from({ length: 4_096 }, (_, i) => {
  const seed = new Uint8Array(32)
  new DataView(seed.buffer).setUint32(0, i)

  return encodeMessage({ type: 'forwardJoin', peer: { id: Buffer.from(ed25519.getPublicKey(seed)).toString('hex') }, ttl: 6 })
})
let next = 0

// more ids than are remembered, in turns: each is forgotten before it comes again
const checkId = perSecond(1, () => decodeMessage(payloads[next++ % payloads.length]))
const rememberedId = perSecond(1, () => decodeMessage(payloads[0]))

await linePlot(options.out, {
  name: 'frames',
  title: 'The wire format',
  unit: 'frames a second',
  xTitle: 'bytes of content',
  logX: true,
  logY: true,
  points: Object.entries(sizes).flatMap(([bytes, rates]) => Object.entries(rates).map(([series, value]) => ({ series, x: Number(bytes), value })))
})
progress('codec: done')
writeResults(options.out, [], { unit: 'frames a second', contentBytes: sizes, checkId, rememberedId })
