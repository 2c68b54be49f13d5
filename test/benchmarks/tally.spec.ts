import { expect } from 'chai'
import { Tally, content, percentile } from '../../benchmarks/support/tally.ts'

const LOAD = 3
const PUBLISHERS = [0]
const RECEIVERS = [0, 1, 2]

describe('the count of deliveries', () => {
  it('has each message once for each node, and what came again apart', () => {
    const tally = new Tally(LOAD, 2, PUBLISHERS, RECEIVERS)
    tally.onMessage(1, content(LOAD, 0, 64))
    tally.onMessage(1, content(LOAD, 1, 64))
    tally.onMessage(1, content(LOAD, 1, 64))
    tally.onMessage(2, content(LOAD, 1, 64))

    expect(tally.report()).to.include({ delivered: 3, duplicates: 1, foreign: 0 })
    expect(tally.report().latencies).to.have.lengthOf(3)
  })

  it('leaves out what a publisher hears of its own', () => {
    const tally = new Tally(LOAD, 2, PUBLISHERS, RECEIVERS)
    tally.onMessage(0, content(LOAD, 0, 64))

    expect(tally.report()).to.include({ delivered: 0, duplicates: 0, foreign: 0 })
  })

  it('leaves out nodes that were not there all the time', () => {
    const tally = new Tally(LOAD, 2, PUBLISHERS, RECEIVERS)
    tally.onMessage(7, content(LOAD, 0, 64))

    expect(tally.report()).to.include({ delivered: 0, duplicates: 0, foreign: 0 })
  })

  it('says when there are so many, or how many there are after a while', async () => {
    const tally = new Tally(LOAD, 3, PUBLISHERS, RECEIVERS)
    const reached = tally.reached(2, 60_000)
    tally.onMessage(1, content(LOAD, 0, 64))
    tally.onMessage(2, content(LOAD, 0, 64))

    expect(await reached).to.equal(2)
    expect(await tally.reached(1, 60_000)).to.equal(2)
    expect(await tally.reached(3, 1)).to.equal(2)
  })

  it('has messages of an earlier load apart', () => {
    const tally = new Tally(LOAD, 2, PUBLISHERS, RECEIVERS)
    tally.onMessage(1, content(LOAD - 1, 0, 64))

    expect(tally.report()).to.include({ delivered: 0, duplicates: 0, foreign: 1 })
  })

  it('makes contents of the wanted size, but for those too small to be told apart', () => {
    expect(content(LOAD, 0, 300)).to.have.lengthOf(300)
    expect(content(LOAD, 0, 1)).to.have.lengthOf(12)
    expect(content(LOAD, 0, 12)).to.not.deep.equal(content(LOAD, 1, 12))
  })

  it('finds the latency that a share does not exceed', () => {
    const sorted = Float64Array.from({ length: 200 }, (_, i) => i + 1)

    expect([0.5, 0.99, 1].map((share) => percentile(sorted, share))).to.deep.equal([100, 198, 200])
    expect(percentile(new Float64Array(0), 0.5)).to.equal(0)
  })
})
