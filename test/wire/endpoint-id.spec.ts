import { ed25519 } from '@noble/curves/ed25519.js'
import { expect } from 'chai'
import { decodeMessage } from '../../src/wire/index.ts'
import { fromHex, toHex, vectors } from './wire-vectors.ts'

/** A ShuffleReply that names one peer. */
function naming (id: string): Uint8Array {
  return fromHex(`000301${id}00`)
}

/** The number as the y coordinate of a would-be point. */
function y (value: number): string {
  const bytes = new Uint8Array(32)
  new DataView(bytes.buffer).setUint32(0, value, true)

  return toHex(bytes)
}

describe('peer ids', () => {
  it('of key pairs are taken, again and again', () => {
    for (let i = 0; i < 50; i++) {
      const id = toHex(ed25519.getPublicKey(new Uint8Array(32).fill(i)))

      for (let repeat = 0; repeat < 2; repeat++) {
        expect(decodeMessage(naming(id))).to.deep.equal({ type: 'shuffleReply', nodes: [{ id }] })
      }
    }
  })

  it('off the curve are refused, again and again', () => {
    // no x fits these, as the curve's equation tells
    for (const value of [2, 7, 8, 12, 13]) {
      for (let repeat = 0; repeat < 2; repeat++) {
        expect(() => decodeMessage(naming(y(value))), `y = ${value}`).to.throw()
          .that.includes({ name: 'InvalidMessageError', offset: 3 })
      }
    }
  })

  it('are judged the same after a flood of others, of which about half are bad', () => {
    const [good] = vectors.keys
    const bad = y(2)
    let refused = 0

    for (let i = 0; i < 1_500; i++) {
      try {
        decodeMessage(naming(y(1_000 + i)))
      } catch {
        refused++
      }
    }

    expect(refused).to.be.within(600, 900)
    expect(decodeMessage(naming(good))).to.have.nested.property('nodes[0].id', good)
    expect(() => decodeMessage(naming(bad))).to.throw().with.property('name', 'InvalidMessageError')
  })

  it('that are small-order or not canonical are taken, as by Rust', () => {
    // 0, 1, p - 1, p and p + 1, whose encodings ZIP-215 allows
    for (const id of [y(0), y(1), `ec${'ff'.repeat(30)}7f`, `ed${'ff'.repeat(30)}7f`, `ee${'ff'.repeat(30)}7f`]) {
      expect(decodeMessage(naming(id)), id).to.have.nested.property('nodes[0].id', id)
    }
  })
})
