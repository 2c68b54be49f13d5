import { expect } from 'chai'
import fc from 'fast-check'
import { PostcardReader } from '../../src/wire/postcard-reader.ts'
import { PostcardWriter, varintSize } from '../../src/wire/postcard-writer.ts'
import { fromHex, toHex } from './wire-vectors.ts'

type Type = 'u16' | 'u32' | 'usize'

/** Read off the source of postcard 1.1: so many bytes at most, so large a last one. */
const rules: Record<Type, { accepts: Array<[hex: string, value: number]>, rejects: string[] }> = {
  u16: {
    accepts: [['00', 0], ['7f', 127], ['8001', 128], ['8000', 0], ['808000', 0], ['ff7f', 16_383], ['808001', 16_384], ['ffff03', 65_535]],
    rejects: ['', '80', 'ffff', 'ffff04', 'ffff7f', '808004', '80808000', 'ffff83']
  },
  u32: {
    accepts: [['00', 0], ['8000', 0], ['8080808000', 0], ['8080808008', 2_147_483_648], ['ffffffff0f', 4_294_967_295]],
    rejects: ['', '80808080', 'ffffffff10', 'ffffffff7f', '808080808000', 'ffffffff8f']
  },
  usize: {
    accepts: [['00', 0], ['80808080808080808000', 0], ['ffffffffffffff0f', 9_007_199_254_740_991], ['ffffffffffffffffff01', 2 ** 64]],
    rejects: ['', '808080808080808080', 'ffffffffffffffffff02', '8080808080808080808000']
  }
}

describe('postcard', () => {
  for (const [type, { accepts, rejects }] of Object.entries(rules) as Array<[Type, typeof rules[Type]]>) {
    for (const [hex, value] of accepts) {
      it(`${type} reads ${hex} as ${value}, and no byte more`, () => {
        const reader = new PostcardReader(fromHex(`${hex}aa`))

        expect(reader[type]()).to.equal(value)
        expect(reader.remaining).to.equal(1)
      })
    }

    for (const hex of rejects) {
      it(`${type} refuses ${hex === '' ? 'nothing' : hex}`, () => {
        expect(() => new PostcardReader(fromHex(hex))[type]()).to.throw().with.property('name', 'InvalidMessageError')
      })
    }
  }

  it('writes the shortest varint of every number', () => {
    const shortest: Array<[number, string]> = [[0, '00'], [127, '7f'], [128, '8001'], [16_383, 'ff7f'], [16_384, '808001'], [2 ** 32, '8080808010']]

    for (const [value, hex] of shortest) {
      const bytes = new Uint8Array(hex.length / 2)
      new PostcardWriter(bytes).varint(value)

      expect(toHex(bytes)).to.equal(hex)
      expect(varintSize(value)).to.equal(bytes.length)
    }
  })

  it('reads back every length that it wrote', () => {
    fc.assert(fc.property(fc.maxSafeNat(), value => {
      const bytes = new Uint8Array(varintSize(value))
      new PostcardWriter(bytes).varint(value)

      expect(new PostcardReader(bytes).usize()).to.equal(value)
    }))
  })

  it('reads UTF-8 strictly', () => {
    expect(new PostcardReader(fromHex('03efbbbf')).string()).to.equal('\ufeff')
    expect(new PostcardReader(fromHex('02c3a4')).string()).to.equal('ä')

    // a lone continuation, an overlong slash, a surrogate, beyond the last code point, cut off
    for (const hex of ['0180', '02c0af', '03eda080', '04f4908080', '01c3']) {
      expect(() => new PostcardReader(fromHex(hex)).string()).to.throw()
        .that.includes({ name: 'InvalidMessageError', reason: 'string is not UTF-8', offset: 0 })
    }
  })
})
