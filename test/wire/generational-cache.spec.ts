import { expect } from 'chai'
import fc from 'fast-check'
import { GenerationalCache } from '../../src/wire/generational-cache.ts'

describe('GenerationalCache', () => {
  it('never holds more than its capacity, and nothing that was not added', () => {
    const operation = fc.record({ add: fc.boolean(), entry: fc.nat(40).map(String) })

    fc.assert(fc.property(fc.integer({ min: 2, max: 16 }), fc.array(operation, { maxLength: 200 }), (capacity, operations) => {
      const cache = new GenerationalCache<string, string>(capacity)
      const added = new Set<string>()

      for (const { add, entry } of operations) {
        if (add) {
          cache.set(entry, entry)
          added.add(entry)
        } else if (cache.get(entry) !== undefined) {
          expect(added).to.include(entry)
          expect(cache.get(entry)).to.equal(entry)
        }

        expect(cache.size).to.be.at.most(capacity)
      }
    }))
  })

  it('keeps the last half of its capacity', () => {
    const cache = new GenerationalCache<string, string>(8)

    for (let i = 0; i < 100; i++) {
      cache.set(String(i), String(i))
    }

    expect([96, 97, 98, 99].every(i => cache.get(String(i)) === String(i))).to.equal(true)
    expect(cache.get('0')).to.equal(undefined)
  })

  it('keeps what is asked for, however much is added', () => {
    const cache = new GenerationalCache<string, string>(8)
    cache.set('friend', 'friend')

    for (let i = 0; i < 1_000; i++) {
      cache.set(String(i), String(i))
      expect(cache.get('friend'), `after ${i}`).to.equal('friend')
    }
  })

  it('counts an entry that is added again once', () => {
    const cache = new GenerationalCache<string, string>(8)

    for (let i = 0; i < 100; i++) {
      cache.set('same', 'same')
    }

    expect(cache.size).to.equal(1)
  })
})
