import { expect } from 'chai'
import fc from 'fast-check'
import { TimeBoundCache } from '../../src/proto/index.ts'

/** The same, as plainly as possible: a list in the order of setting. */
class Model {
  list: Array<{ key: number, value: number, until: number }> = []
  private readonly retentionMs: number
  private readonly capacity: number

  constructor (retentionMs: number, capacity: number) {
    this.retentionMs = retentionMs
    this.capacity = capacity
  }

  get weight (): number {
    return this.list.reduce((sum, { value }) => sum + value, 0)
  }

  set (key: number, value: number, now: number): void {
    this.list = this.list.filter((entry) => entry.key !== key)

    if (value > this.capacity) {
      return
    }

    this.list.push({ key, value, until: now + this.retentionMs })

    while (this.weight > this.capacity) {
      this.list.shift()
    }
  }
}

describe('TimeBoundCache', () => {
  const key = fc.integer({ min: 0, max: 9 })
  const operation = fc.oneof(
    fc.record({ type: fc.constant('set' as const), key, value: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ type: fc.constant('delete' as const), key, value: fc.constant(0) }),
    fc.record({ type: fc.constant('wait' as const), key, value: fc.integer({ min: 0, max: 60 }) }),
    fc.record({ type: fc.constant('clear' as const), key, value: fc.constant(0) })
  )

  it('holds what a list in the order of setting holds after any operations', () => {
    fc.assert(fc.property(fc.array(operation, { maxLength: 100, size: 'max' }), (ops) => {
      const cache = new TimeBoundCache<number, number>({ retentionMs: 50, capacity: 30, weigh: (value) => value })
      const model = new Model(50, 30)
      let now = 0

      for (const op of ops) {
        switch (op.type) {
          case 'set':
            cache.set(op.key, op.value, now)
            model.set(op.key, op.value, now)
            break
          case 'delete':
            expect(cache.delete(op.key)).to.equal(model.list.some((entry) => entry.key === op.key))
            model.list = model.list.filter((entry) => entry.key !== op.key)
            break
          case 'wait': {
            now += op.value
            const kept = model.list.filter((entry) => entry.until > now)
            expect(cache.expireUntil(now)).to.equal(model.list.length - kept.length)
            model.list = kept
            break
          }
          default:
            cache.clear()
            model.list = []
        }

        expect(cache.toArray()).to.deep.equal(model.list.map((entry) => [entry.key, entry.value]))
        expect([...cache.keys()]).to.deep.equal(model.list.map((entry) => entry.key))
        expect(cache.size).to.equal(model.list.length)
        expect(cache.weight).to.equal(model.weight)
        expect(cache.get(op.key)).to.equal(model.list.find((entry) => entry.key === op.key)?.value)
        expect(cache.has(op.key)).to.equal(model.list.some((entry) => entry.key === op.key))
      }
    }))
  })

  it('counts entries where no weight is given', () => {
    const cache = new TimeBoundCache<string, string>({ retentionMs: 10, capacity: 2 })
    cache.set('a', 'x', 0)
    cache.set('b', 'x', 0)
    cache.set('c', 'x', 0)

    expect([...cache.keys()]).to.deep.equal(['b', 'c'])
  })

  it('evicts from a full cache in constant time', () => {
    const cache = new TimeBoundCache<number, true>({ retentionMs: 1_000, capacity: 50_000 })
    const fill = (from: number): number => {
      const start = process.cpuUsage().user

      for (let i = from; i < from + 50_000; i++) {
        cache.set(i, true, 0)
      }

      return process.cpuUsage().user - start
    }
    const filling = fill(0)
    const evicting = fill(50_000)

    // a new iterator for each eviction would take a thousand times as long
    expect(evicting).to.be.lessThan(50 * filling + 50_000)
    expect(cache.size).to.equal(50_000)
  })
})
