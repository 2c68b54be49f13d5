import { expect } from 'chai'
import { Rests } from '../../src/proto/rests.ts'

describe('turns of a regular task', () => {
  /** The turns that are taken, of those with this news. */
  function taken (news: number[], knowsOnlyNeighbors = false): number[] {
    const rests = new Rests()

    return news.flatMap((each, turn) => rests.isDue(each, knowsOnlyNeighbors) ? [turn] : [])
  }

  it('are all taken while something is new', () => {
    expect(taken([0, 1, 2, 3, 4, 5])).to.deep.equal([0, 1, 2, 3, 4, 5])
  })

  it('are taken ever more rarely while nothing is, down to one in eight', () => {
    expect(taken(Array.from({ length: 40 }, () => 7))).to.deep.equal([0, 2, 6, 14, 22, 30, 38])
  })

  it('are taken once in sixty-four at last where nobody is known but neighbors', () => {
    expect(taken(Array.from({ length: 220 }, () => 7), true)).to.deep.equal([3, 19, 83, 147, 211])
  })

  it('are taken at once when something is new again', () => {
    expect(taken([0, 0, 0, 0, 1, 1, 1])).to.deep.equal([0, 2, 4, 6])
  })
})
