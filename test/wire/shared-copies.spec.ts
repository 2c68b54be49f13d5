import { expect } from 'chai'
import fc from 'fast-check'
import { sharedCopy } from '../../src/wire/shared-copies.ts'

describe('sharedCopy', () => {
  it('gives equal bytes, which do not change with what they were copied from', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 600 })), (all) => {
      for (const bytes of all) {
        const before = Uint8Array.from(bytes)
        const copy = sharedCopy(bytes)
        bytes.fill(7)
        expect(copy).to.deep.equal(before)
      }
    }))
  })

  it('gives the same copy of equal bytes', () => {
    const bytes = new TextEncoder().encode('the addresses of a peer')
    expect(sharedCopy(bytes.slice())).to.equal(sharedCopy(bytes.slice()))
  })

  it('tells bytes of equal hashes apart', () => {
    // FNV-1a of both is the same
    const [one, other] = ['costarring', 'liquid'].map((text) => new TextEncoder().encode(text))
    expect(sharedCopy(one)).to.deep.equal(one)
    expect(sharedCopy(other)).to.deep.equal(other)
    expect(sharedCopy(one)).to.deep.equal(one)
  })
})
