import { expect } from 'chai'
import fc from 'fast-check'
import { TimerQueue } from '../../src/proto/index.ts'

describe('TimerQueue', () => {
  it('gives what a stable sort by time gives', () => {
    const operations = fc.array(fc.oneof(
      fc.record({ push: fc.constant(true), at: fc.integer({ min: 0, max: 20 }) }),
      fc.record({ push: fc.constant(false), at: fc.integer({ min: 0, max: 20 }) })
    ), { maxLength: 100, size: 'max' })

    fc.assert(fc.property(operations, (ops) => {
      const queue = new TimerQueue<number>()
      let model: Array<{ at: number, item: number }> = []

      ops.forEach(({ push, at }, item) => {
        if (push) {
          queue.push(at, item)
          model.push({ at, item })
          model.sort((a, b) => a.at === b.at ? a.item - b.item : a.at - b.at)
        } else {
          const expected = model.length > 0 && model[0].at <= at ? model[0] : undefined
          const popped = queue.popBefore(at)

          expect(popped === undefined ? undefined : { at: popped.at, item: popped.item }).to.deep.equal(expected)
          model = expected === undefined ? model : model.slice(1)
        }

        expect(queue.size).to.equal(model.length)
        expect(queue.peek()).to.equal(model[0]?.at)
      })
    }))
  })

  it('pops what is due exactly at the limit', () => {
    const queue = new TimerQueue<string>()
    queue.push(10, 'x')

    expect(queue.popBefore(9.999)).to.equal(undefined)
    expect(queue.popBefore(10)).to.include({ at: 10, item: 'x' })
    expect(queue.popBefore(Infinity)).to.equal(undefined)
  })

  it('is empty after clear', () => {
    const queue = new TimerQueue<string>()
    queue.push(1, 'x')
    queue.clear()

    expect(queue.size).to.equal(0)
    expect(queue.peek()).to.equal(undefined)
  })
})
