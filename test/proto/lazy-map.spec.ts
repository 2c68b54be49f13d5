import { expect } from 'chai'
import fc from 'fast-check'
import { LazyMap } from '../../src/proto/index.ts'

describe('LazyMap', () => {
  it('holds what a Map holds after any operations, in the same order', () => {
    const operations = fc.array(fc.record({ type: fc.constantFrom('set', 'delete', 'clear'), key: fc.integer({ min: 0, max: 5 }) }), { maxLength: 60, size: 'max' })

    fc.assert(fc.property(operations, (ops) => {
      const map = new LazyMap<number, number>()
      const model = new Map<number, number>()

      ops.forEach(({ type, key }, i) => {
        if (type === 'set') {
          map.set(key, i)
          model.set(key, i)
        } else if (type === 'delete') {
          expect(map.delete(key)).to.equal(model.delete(key))
        } else {
          map.clear()
          model.clear()
        }

        expect(map.size).to.equal(model.size)
        expect(map.has(key)).to.equal(model.has(key))
        expect(map.get(key)).to.equal(model.get(key))
        expect([...map.keys()]).to.deep.equal([...model.keys()])
        expect([...map.values()]).to.deep.equal([...model.values()])
        expect([...map.entries()]).to.deep.equal([...model.entries()])
      })
    }))
  })
})
