import { expect } from 'chai'
import fc from 'fast-check'
import { Rng } from '../../src/proto/index.ts'

function take (rng: Rng, count: number): number[] {
  return Array.from({ length: count }, () => rng.next())
}

describe('Rng', () => {
  it('gives the same numbers for the same seed, and others for another', () => {
    fc.assert(fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
      fc.pre(a !== b)
      expect(take(new Rng(a), 8)).to.deep.equal(take(new Rng(a), 8))
      expect(take(new Rng(a), 8)).to.not.deep.equal(take(new Rng(b), 8))
    }))
  })

  it('stays below the bound and reaches every value', () => {
    fc.assert(fc.property(fc.nat(), fc.integer({ min: 1, max: 20 }), (seed, bound) => {
      const rng = new Rng(seed)
      const seen = new Set<number>()

      for (let i = 0; i < bound * 40; i++) {
        seen.add(rng.below(bound))
      }

      expect([...seen].sort((a, b) => a - b)).to.deep.equal(Array.from({ length: bound }, (_, i) => i))
    }), { seed: 1 })
  })

  it('has no visible bias', () => {
    const rng = new Rng(42)
    let sum = 0

    for (let i = 0; i < 100_000; i++) {
      sum += rng.float()
    }

    // the mean of so many has a deviation of 0.0009
    expect(sum / 100_000).to.be.closeTo(0.5, 0.005)
  })

  it('forks generators that do not depend on each other', () => {
    const parent = new Rng(5)
    const fork = parent.fork()
    const other = new Rng(5)
    const sameFork = other.fork()
    take(parent, 100)

    expect(take(fork, 5)).to.deep.equal(take(sameFork, 5))
    expect(take(new Rng(5).fork(), 5)).to.not.deep.equal(take(other, 5))
  })

  it('shuffles without losing anything, in all orders', () => {
    const rng = new Rng(3)
    const orders = new Set<string>()

    for (let i = 0; i < 300; i++) {
      orders.add(rng.shuffle(['a', 'b', 'c']).join(''))
    }

    expect([...orders].sort()).to.deep.equal(['abc', 'acb', 'bac', 'bca', 'cab', 'cba'])
  })
})
