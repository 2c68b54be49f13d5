import { expect } from 'chai'
import { TopicId } from '../src/index.ts'

describe('TopicId', () => {
  it('takes the blake3 hash of a name', () => {
    // the first test vector of the BLAKE3 specification: the empty input
    expect(TopicId.fromName('').toString()).to.equal('af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262')
  })

  it('reads hex and base32 in either case', () => {
    const hex = '00'.repeat(31) + 'ff'
    const base32 = 'a'.repeat(49) + 'd7q'

    expect(TopicId.parse(hex).toString()).to.equal(hex)
    expect(TopicId.parse(hex.toUpperCase()).toString()).to.equal(hex)
    expect(TopicId.parse('A'.repeat(52)).toString()).to.equal('00'.repeat(32))
    expect(TopicId.parse(base32).toString()).to.equal(hex)
  })

  for (const text of ['', 'ab', 'g'.repeat(64), '1'.repeat(52), `${'a'.repeat(51)}b`]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => TopicId.parse(text)).to.throw().with.property('name', 'InvalidParametersError')
    })
  }

  it('copies the bytes that it is made of', () => {
    const bytes = new Uint8Array(32).fill(7)
    const id = TopicId.fromBytes(bytes)
    bytes[0] = 0

    expect(id.bytes[0]).to.equal(7)
    expect(() => TopicId.fromBytes(new Uint8Array(31))).to.throw('32 bytes, got 31')
  })

  it('compares by value', () => {
    const id = TopicId.random()

    expect(id.equals(TopicId.parse(id.toString()))).to.equal(true)
    expect(id.equals(TopicId.random())).to.equal(false)
  })
})
