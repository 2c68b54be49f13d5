import { expect } from 'chai'
import * as fc from 'fast-check'
import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'
import { announcementHeadSize, decodeAnnouncement, encodeAnnouncement, statementSize } from '../../src/wire/index.ts'
import type { Announcement } from '../../src/wire/index.ts'

const topic = fc.oneof(
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((name) => new TextEncoder().encode(name).length <= 255)
)
const announcement: fc.Arbitrary<Announcement> = fc.record({
  type: fc.constantFrom('start', 'more', 'ask'),
  sequence: fc.nat(),
  isLast: fc.boolean(),
  statements: fc.array(fc.record({ isIn: fc.boolean(), topic }), { maxLength: 20 })
})

describe('announcements', () => {
  it('are as documented', () => {
    const bytes = encodeAnnouncement({
      type: 'more',
      sequence: 300,
      isLast: true,
      statements: [{ isIn: true, topic: 'fruit' }, { isIn: false, topic: new Uint8Array(16).fill(7) }]
    })
    expect(toString(bytes, 'hex')).to.equal(`03${'ac02'}${'0b'}${'6672756974'}${'00'}${'07'.repeat(16)}`)
  })

  it('say what they said, and their sizes are known before', () => {
    fc.assert(fc.property(announcement, (value) => {
      const bytes = encodeAnnouncement(value)
      expect(decodeAnnouncement(bytes)).to.deep.equal(value)
      expect(bytes.length).to.equal(value.statements.reduce((sum, statement) => sum + statementSize(statement), announcementHeadSize(value.sequence)))
    }))
  })

  it('are refused for any other bytes, with an offset', () => {
    for (const [hex, offset] of [['', 0], ['06', 0], ['01', 1], ['00000b66', 3], ['000000aabb', 3], ['0000f104', 2], ['000003ff', 2]] as const) {
      expect(() => decodeAnnouncement(fromString(hex, 'hex')), hex).to.throw().that.includes({ name: 'InvalidMessageError', offset })
    }

    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        decodeAnnouncement(bytes)
      } catch (err) {
        expect(err).to.have.property('name', 'InvalidMessageError')
      }
    }))
  })
})
