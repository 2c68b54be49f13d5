import { expect } from 'chai'
import { toString } from 'uint8arrays/to-string'
import { decodeMessage, encodeMessage } from '../src/wire/index.ts'
import { needsRust } from './support/needs-rust.ts'
import { mutated, randomMessage, randomPeerKeys } from './support/random-message.ts'
import { Random } from './support/random.ts'
import { judgedByRust } from './support/rust-codec.ts'
import type { PeerKey } from '../src/proto/messages.ts'

const SEED = Number(process.env.SEED ?? 20261121)
const COUNT = 50_000

describe(`the codec and the Rust crate's (SEED=${SEED})`, () => {
  needsRust()

  const random = new Random(SEED)
  let peers: PeerKey[]

  before(async () => {
    peers = await randomPeerKeys(random, 64)
  })

  it(`Rust reads ${COUNT} random messages of ours and writes the same bytes`, async () => {
    const payloads = random.list(COUNT, () => hex(encodeMessage(randomMessage(random, peers))))
    const verdicts = await judgedByRust(payloads)

    for (const [i, verdict] of verdicts.entries()) {
      if (!verdict.ok || verdict.reencoded !== payloads[i]) {
        expect(verdict, payloads[i]).to.deep.equal({ ok: true, reencoded: payloads[i] })
      }
    }
  })

  it(`both judge ${COUNT} damaged payloads the same`, async () => {
    const payloads = random.list(COUNT, () => mutated(encodeMessage(randomMessage(random, peers)), random))
    const verdicts = await judgedByRust(payloads.map(hex))
    let accepted = 0

    for (const [i, verdict] of verdicts.entries()) {
      const ours = judgedByUs(payloads[i])
      const theirs = verdict.ok ? verdict.reencoded : 'InvalidMessageError'
      accepted += verdict.ok ? 1 : 0

      if (ours !== theirs) {
        expect(ours, hex(payloads[i])).to.equal(theirs)
      }
    }

    // neither everything nor nothing was damaged beyond recognition
    expect(accepted / COUNT).to.be.within(0.1, 0.9)
  })
})

/** The payload again after decoding, or the name of the error that decoding threw. */
function judgedByUs (payload: Uint8Array): string {
  try {
    return hex(encodeMessage(decodeMessage(payload)))
  } catch (err) {
    return err instanceof Error ? err.name : String(err)
  }
}

function hex (bytes: Uint8Array): string {
  return toString(bytes, 'hex')
}
