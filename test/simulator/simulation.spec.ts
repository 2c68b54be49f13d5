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

  it('leaves nobody alone of those that join through one contact at once', () => {
    for (const nodes of [2, 20, 100]) {
      for (const { overlay } of experiment({ nodes, rounds: 1, warmupMs: 5_000, seeds: Array.from({ length: nodes === 100 ? 3 : 20 }, (_, i) => i) })) {
        expect(overlay.components).to.deep.equal([nodes])
        expect(overlay.alone).to.equal(0)
      }
    }
  })

  it('reaches everybody, and floods no more after the first broadcasts', () => {
    for (const { missed, rmrFirst, rmrThird, overlay } of experiment({ nodes: 300, rounds: 10 })) {
      expect(missed).to.equal(0)
      expect(rmrFirst).to.be.within(1.5, overlay.degree - 2)
      expect(rmrThird).to.be.at.most(0.01)
      expect(overlay.components).to.deep.equal([300])
    }
  })

  // The simulator of iroh-gossip 0.101 (interop/rust-sim), seeds 0 to 39, 30 rounds, warm-up of 1 s: mean and standard deviation
  for (const { senders, nodes, rust } of [
    { senders: 'one', nodes: 100, rust: { rmrRust: [0.089, 0.007], ldh: [5.89, 0.824], lastDeliveryMs: [170.5, 19.7] } },
    { senders: 'new', nodes: 100, rust: { rmrRust: [0.478, 0.081], ldh: [10.43, 0.546], lastDeliveryMs: [313.3, 20.9] } },
    { senders: 'new', nodes: 20, rust: { rmrRust: [0.412, 0.136], ldh: [4.88, 0.39], lastDeliveryMs: [163.5, 25.9] } }
  ] as const) {
    it(`gives the figures of the Rust crate's simulator with its rules, within the spread of the seeds (${senders}, ${nodes})`, () => {
      const seeds = Array.from({ length: 16 }, (_, i) => i)
      const results = experiment({ rules: 'upstream', warmupMs: 1_000, rounds: 30, senders, nodes, seeds })

      for (const key of ['rmrRust', 'ldh', 'lastDeliveryMs'] as const) {
        const [theirs, deviation] = rust[key]
        const ours = results.reduce((sum, result) => sum + (result[key] ?? NaN), 0) / seeds.length

        // three standard errors of the difference of both means
        expect(ours, key).to.be.closeTo(theirs, 3 * deviation * Math.sqrt(1 / 40 + 1 / seeds.length))
      }
    })
  }

  for (const [nodes, rounds, warmupMs, ...seeds] of [[20, 10, 10_000, 0, 1], [100, 5, 10_000, 0, 1], [100, 5, 1_000, 0], [200, 1, 10_000, 0]]) {
    it(`costs less and takes less time than with the Rust crate's rules where all send at once (${nodes} nodes, ${warmupMs / 1_000} s after they joined)`, () => {
      const swarm = { nodes, rounds, warmupMs, seeds, senders: 'all', check: false } as const
      const ours = experiment(swarm)
      const upstream = experiment({ ...swarm, rules: 'upstream' })

      for (let i = 0; i < ours.length; i++) {
        expect(ours[i].missed).to.equal(0)
        expect(ours[i].rmr).to.be.below(upstream[i].rmr ?? 0)
        expect(ours[i].lastDeliveryMs).to.be.below(upstream[i].lastDeliveryMs ?? 0)
      }
    })
  }

  it('keeps regions together, and is faster there than with the Rust crate\'s rules', () => {
    const regions = { type: 'regions', regions: 5, insideMs: [5, 15], betweenMs: [80, 250] } as const
    const ours = experiment({ nodes: 300, latency: regions })
    const upstream = experiment({ nodes: 300, latency: regions, rules: 'upstream' })

    for (let i = 0; i < ours.length; i++) {
      expect(ours[i].overlay.components).to.deep.equal([300])
      expect(ours[i].lastDeliveryMs).to.be.below(0.7 * (upstream[i].lastDeliveryMs ?? 0))
    }
  })

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

describe('a young swarm whose nodes are all near each other', () => {
  it('costs each fewer than 60 membership messages in its first 20 s: nobody looks for nearer peers, nor for more than it knows', () => {
    for (const seed of [1, 2, 3]) {
      const simulation = new Simulation({ nodes: 20, seed, latency: { type: 'uniform', minMs: 0.8, maxMs: 1 }, warmupMs: 0 })
      simulation.bootstrap()
      simulation.pass(20_000)
      expect(measureOverlay(simulation.network).components).to.deep.equal([20])
      expect(simulation.received.membership / 20).to.be.within(10, 60)
    }
  })
})

describe('a topic in which nothing happens', () => {
  it('costs a node of a small swarm less than five messages a minute, once everybody knows everybody', () => {
    for (const nodes of [6, 20]) {
      const simulation = new Simulation({ nodes, seed: 1, latency: { type: 'uniform', minMs: 10, maxMs: 50 }, warmupMs: 10 * 60_000 })
      simulation.bootstrap()
      const before = simulation.received.membership
      simulation.pass(16 * 60_000)
      expect((simulation.received.membership - before) / nodes / 16, `messages a minute, ${nodes} nodes`).to.be.within(0.1, 5)
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
