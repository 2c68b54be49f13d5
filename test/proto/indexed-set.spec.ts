import { expect } from 'chai'
import fc from 'fast-check'
import { IndexedSet, Rng } from '../../src/proto/index.ts'

describe('IndexedSet', () => {
  it('holds what a Set holds after any operations', () => {
    const operations = fc.array(fc.record({ add: fc.boolean(), item: fc.integer({ min: 0, max: 12 }) }), { maxLength: 60, size: 'max' })

    fc.assert(fc.property(operations, (ops) => {
      const set = new IndexedSet<number>()
      const model = new Set<number>()

      for (const { add, item } of ops) {
        if (add) {
          expect(set.add(item)).to.equal(!model.has(item))
          model.add(item)
        } else {
          expect(set.delete(item)).to.equal(model.delete(item))
        }

        expect(set.size).to.equal(model.size)
        expect(set.has(item)).to.equal(model.has(item))
        expect(new Set(set)).to.deep.equal(model)
        expect(set.toArray()).to.have.lengthOf(model.size)
      }
    }))
  })

  it('keeps the order of insertion until something is deleted', () => {
    const set = new IndexedSet<string>()
    set.add('c')
    set.add('a')
    set.add('b')

    expect([...set]).to.deep.equal(['c', 'a', 'b'])

    set.delete('c')

    expect([...set]).to.deep.equal(['b', 'a'])
  })

  it('picks each element about equally often, and none that is not accepted', () => {
    const set = new IndexedSet<number>()
    const rng = new Rng(7)
    const counts = [0, 0, 0, 0]

    for (let i = 0; i < 4; i++) {
      set.add(i)
    }

    for (let i = 0; i < 3_000; i++) {
      const picked = set.pick(rng, (item) => item !== 2)
      counts[picked ?? 2]++
    }

    expect(counts[2]).to.equal(0)
    expect(Math.min(counts[0], counts[1], counts[3])).to.be.greaterThan(850)
    expect(set.pick(rng, () => false)).to.equal(undefined)
    expect(new IndexedSet<number>().pick(rng)).to.equal(undefined)
  })

  it('samples distinct elements, at most as many as asked for and accepted', () => {
    fc.assert(fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 30 })), fc.integer({ min: 0, max: 12 }), fc.nat(), (items, count, seed) => {
      const set = new IndexedSet<number>()
      items.forEach((item) => set.add(item))
      const even = items.filter((item) => item % 2 === 0)
      const sample = set.sample(new Rng(seed), count, (item) => item % 2 === 0)

      expect(sample).to.have.lengthOf(Math.min(count, even.length))
      expect(new Set(sample).size).to.equal(sample.length)
      expect(even).to.include.members(sample)
      expect(set.size).to.equal(items.length)
    }))
  })
})
