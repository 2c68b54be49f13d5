import { expect } from 'chai'
import { compareResults, differingSettings } from '../../src/simulator/index.ts'

const before = { nodes: 100, senders: 'one', rules: 'upstream', rmr: 0.4, ldh: 10, missed: 0, alone: 0, onlyBefore: 3, perSeed: [] }
const after = { nodes: 100, senders: 'one', rules: 'ours', rmr: 0.2, ldh: 12, missed: 0, alone: 2, perSeed: [] }

describe('a comparison of two runs', () => {
  it('gives the change of each figure that both have', () => {
    expect(compareResults(before, after)).to.deep.equal([
      { figure: 'rmr', before: 0.4, after: 0.2, change: -0.5 },
      { figure: 'ldh', before: 10, after: 12, change: 12 / 10 - 1 },
      { figure: 'missed', before: 0, after: 0, change: 0 },
      { figure: 'alone', before: 0, after: 2, change: Infinity }
    ])
  })

  it('tells which settings differ', () => {
    expect(differingSettings(before, after)).to.deep.equal(['rules: upstream and ours'])
  })

  it('refuses what is no result', () => {
    expect(() => compareResults({ rmr: 1 }, after)).to.throw(RangeError, 'not a result')
  })
})
