import { expect } from 'chai'
import { PAPER_FAILURES, runPaperPoint } from '../../src/simulator/index.ts'
import { paperPlots } from '../../src/simulator/papers-cli.ts'

const base = { nodes: 150, rules: 'ours', seed: 0, latency: { type: 'uniform', minMs: 10, maxMs: 50 }, warmupMs: 10_000, rounds: 5 } as const

describe('a point of the papers\' figures', function () {
  this.timeout(300_000)

  it('without failures: a full, mutual overlay, a tree without redundancy', () => {
    const point = runPaperPoint({ ...base, failing: 0 })

    expect(point).to.deep.include({ floodAtOnce: 1, firstMessage: 1, recoveredMs: 0 })
    expect(point.before.symmetric).to.equal(1)
    // HyParView p. 10: nearly all views are full, and mutual links make nearly all in-degrees the same
    expect((point.before.inDegrees[5] ?? 0) / base.nodes).to.be.greaterThan(0.8)
    expect(point.oneSender.rmr).to.be.at.most(0.02)
    expect(point.manySenders.reliability).to.equal(1)
    // each message needs at least as many hops as its sender is away from the farthest node
    expect(point.manySenders.ldh).to.be.at.least(point.before.pathLength)
  })

  it('with failures: what a flood would miss at once, the repair delivers', () => {
    const point = runPaperPoint({ ...base, failing: 0.8 })

    expect(point.after.nodes).to.equal(30)
    // one link in five is left of about five: most parts are small
    expect(point.floodAtOnce).to.be.below(0.6)
    expect(point.firstMessage).to.equal(1)
    expect(point.recoveredMs).to.be.within(1, 5_000)
    expect(point.oneSender.reliability).to.equal(1)
  })

  it('has shares as in both papers', () => {
    expect(PAPER_FAILURES).to.include.members([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
  })

  it('is drawn, with a line for each rule set', () => {
    const points = (['ours', 'upstream'] as const).map((rules) => runPaperPoint({ ...base, nodes: 30, rules, failing: 0.5 }))
    const plots = paperPlots(points)

    expect(Object.keys(plots)).to.include.members(['papers-reliability.svg', 'papers-rmr.svg', 'papers-ldh.svg', 'papers-in-degree.svg'])
    expect(plots['papers-rmr.svg'].match(/<polyline/g)).to.have.lengthOf(2)
  })
})
