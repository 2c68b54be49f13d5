import { expect } from 'chai'
import { Traffic, measureOverlay, runExperiment, Simulation } from '../../src/simulator/index.ts'
import type { ExperimentConfig } from '../../src/simulator/index.ts'

const latency = { type: 'uniform', minMs: 10, maxMs: 50 } as const

function experiment (init: Partial<ExperimentConfig>): ReturnType<typeof runExperiment> {
  return runExperiment({ nodes: 100, latency, senders: 'one', rounds: 5, seeds: [0, 1], check: true, ...init })
}

describe('a simulation', function () {
  this.timeout(300_000)

  it('gives the same result for the same seed, and another for another', () => {
    const [a, b] = experiment({})

    expect(experiment({})).to.deep.equal([a, b])
    expect(a.lastDeliveryMs).to.not.equal(b.lastDeliveryMs)
  })

  it('does not depend on whether messages go as objects or as bytes', () => {
    const fast = experiment({ nodes: 30 })
    const traffic = new Traffic({ encode: true })

    expect(experiment({ nodes: 30, traffic })).to.deep.equal(fast)
    expect(traffic.report().gossip.messages).to.be.greaterThan(2 * 5 * 29)
  })

  it('reaches everybody, and floods no more after the first broadcasts', () => {
    for (const { missed, rmrFirst, rmrThird, overlay } of experiment({ nodes: 300, rounds: 10 })) {
      expect(missed).to.equal(0)
      expect(rmrFirst).to.be.within(1.5, overlay.degree - 2)
      expect(rmrThird).to.be.at.most(0.01)
      expect(overlay.components).to.deep.equal([300])
    }
  })

  it('meets the figures of the Rust crate\'s own simulator with its rules', () => {
    // iroh-gossip 0.101, GossipSingle and GossipMulti with 100 nodes, seeds of its scenario file: true means
    const [one, all] = (['one', 'new'] as const).map((senders) =>
      experiment({ rules: 'upstream', warmupMs: 1_000, rounds: 30, senders, seeds: [0, 1, 2, 3, 4, 5, 6, 7] }))
    const mean = (results: typeof one, key: 'rmrRust' | 'ldh' | 'lastDeliveryMs'): number =>
      results.reduce((sum, result) => sum + (result[key] ?? NaN), 0) / results.length

    expect(mean(one, 'rmrRust')).to.be.closeTo(0.09, 0.03)
    expect(mean(one, 'ldh')).to.be.closeTo(6, 1)
    expect(mean(one, 'lastDeliveryMs')).to.be.closeTo(172, 25)
    expect(mean(all, 'rmrRust')).to.be.closeTo(0.48, 0.06)
    expect(mean(all, 'ldh')).to.be.closeTo(10.4, 1.5)
    expect(mean(all, 'lastDeliveryMs')).to.be.closeTo(313, 35)
  })

  it('keeps regions together, and is faster there than with the Rust crate\'s rules', () => {
    const regions = { type: 'regions', regions: 5, insideMs: [5, 15], betweenMs: [80, 250] } as const
    const ours = experiment({ nodes: 300, latency: regions })
    const upstream = experiment({ nodes: 300, latency: regions, rules: 'upstream' })

    for (let i = 0; i < ours.length; i++) {
      expect(ours[i].overlay.components).to.deep.equal([300])
      expect(ours[i].lastDeliveryMs).to.be.below(0.7 * (upstream[i].lastDeliveryMs ?? 0))
    }
  })

  // the Rust crate's simulator, a network where nobody closes, and the connections of the real crate
  for (const network of [{ release: 'closes' }, { release: 'silent' }, { release: 'crate', deathNotice: 15_000, dialFailureMs: 2_000 }] as const) {
    it(`serves nodes with the Rust crate's rules as well as they serve each other (${network.release})`, () => {
      const swarm = { ...network, nodes: 200, senders: 'new', rounds: 10 } as const
      const mixed = experiment({ ...swarm, rules: (node) => node % 2 === 0 ? 'ours' : 'upstream' })
      const alike = experiment({ ...swarm, rules: () => 'upstream' })

      mixed.forEach(({ missed, upstreamMissed, upstreamMs = Infinity, overlay }, i) => {
        expect(missed).to.equal(0)
        expect(upstreamMissed).to.equal(0)
        expect(upstreamMs).to.be.at.most(alike[i].upstreamMs ?? 0)
        expect(overlay.alone).to.equal(0)
        expect(overlay.components).to.deep.equal([200])
      })
    })
  }

  it('recovers from the death of nine and of nineteen in twenty, and loses no message', () => {
    for (const [nodes, kill] of [[500, 0.9], [600, 0.95]]) {
      for (const result of experiment({ nodes, kill, healMs: 30_000, seeds: [0] })) {
        expect(result.firstMessage).to.equal(1)
        expect(result.secondMessage).to.equal(1)
        expect(result.afterHeal).to.equal(1)
        expect(result.alone).to.equal(0)
        expect(result.healedMs).to.be.at.most(10_000)
      }
    }
  })
})

describe('a partition', () => {
  it('of ten minutes is one overlay again within 30 s, without a word of the application', () => {
    const simulation = new Simulation({ nodes: 60, seed: 5, latency, check: true })
    const { network } = simulation
    simulation.bootstrap()
    network.partition((node) => node % 2)
    network.run(network.now + 600_000)
    expect(measureOverlay(network).components).to.deep.equal([30, 30])

    network.partition(undefined)
    network.run(network.now + 30_000)
    expect(measureOverlay(network).components).to.deep.equal([60])
    expect(simulation.round([0]).missed).to.equal(0)
  })
})
