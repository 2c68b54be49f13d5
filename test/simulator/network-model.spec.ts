import { expect } from 'chai'
import { Simulation, Traffic, parseScenario, runExperiment } from '../../src/simulator/index.ts'
import type { SeedResult } from '../../src/simulator/index.ts'

/** Runs a scenario as from a file, with one seed unless it says otherwise. */
function run (scenario: object): SeedResult {
  const { config, mode } = parseScenario({ seeds: [0], ...scenario })
  const needsSizes = config.bandwidth !== undefined || config.linkBandwidth !== undefined
  const [result] = runExperiment({ ...config, check: true, traffic: needsSizes ? new Traffic({ encode: mode === 'byte' }) : undefined })

  return result
}

/** Two nodes; when each of some broadcasts arrived at the other. */
function delays (scenario: object, rounds = 20): number[] {
  const simulation = new Simulation({ ...parseScenario({ nodes: 2, ...scenario }).config, seed: 0 })
  simulation.bootstrap()

  return Array.from({ length: rounds }, (_, i) => simulation.round([i % 2]).lastDeliveryMs)
}

describe('the network of a simulation', function () {
  this.timeout(300_000)

  it('delays by a fixed time', () => {
    expect(delays({ latency: 20 })).to.deep.equal(Array.from({ length: 20 }, () => 20))
  })

  it('delays by a matrix of regions, each direction its own', () => {
    const ms = delays({ latency: { type: 'matrix', ms: [[1, 30], [70, 1]], spread: 0 } })

    expect(new Set(ms.map(Math.round))).to.deep.equal(new Set([30, 70]))
  })

  it('fills regions by their shares', () => {
    const simulation = new Simulation({ nodes: 100, seed: 0, latency: { type: 'matrix', ms: [[1, 2], [2, 3]], shares: [0.8, 0.2], spread: 0 } })
    simulation.bootstrap()
    const nodes = simulation.network.alive()
    const inside = nodes.filter((node) => simulation.network.latencyBetween(node, node) === 1)

    expect(inside).to.have.lengthOf.within(78, 82)
  })

  it('adds jitter, within its bound', () => {
    const ms = delays({ latency: 10, jitterMs: 25 })

    expect(Math.min(...ms)).to.be.within(10, 20)
    expect(Math.max(...ms)).to.be.within(25, 35)
  })

  it('lets messages queue at a node that sends slowly, one behind the other', () => {
    // a star: the first node has four neighbors, who cannot dial each other
    const ms = (bandwidth: object): number => {
      const { config } = parseScenario({ nodes: 5, unreachable: 1, latency: 10, contentBytes: 1_000, roundTimeoutMs: 30_000, ...bandwidth })
      const simulation = new Simulation({ ...config, seed: 0, traffic: new Traffic({ encode: false }) })
      simulation.bootstrap()

      return simulation.round([0]).lastDeliveryMs
    }

    // 1,000 bytes of content, not 100 bytes of header, at 1,000 bytes a second: a second for each copy
    expect(ms({ bandwidth: 1_000 })).to.be.within(4_010, 4_410)
    expect(ms({ linkBandwidth: 1_000 })).to.be.within(1_010, 1_110)
    expect(ms({})).to.equal(10)
  })

  it('never lets two nodes meet that nobody can dial', () => {
    const result = run({ nodes: 3, unreachable: 1, rounds: 3, dialFailureMs: 100 })

    // both know the first node only
    expect(result.overlay.degrees).to.deep.equal({ 1: 2, 2: 1 })
    expect(result.missed).to.equal(0)
  })

  it('serves everybody where three in ten cannot be dialed', () => {
    // one node in two thousand takes more than ten seconds to find somebody to let it in
    const result = run({ nodes: 80, unreachable: 0.3, rounds: 5, senders: 'new', dialFailureMs: 1_000, release: 'silent', warmupMs: 20_000 })

    expect(result.missed).to.equal(0)
    expect(result.overlay.alone).to.equal(0)
  })
})

describe('a scenario in time', function () {
  this.timeout(300_000)

  const base = { nodes: 60, durationMs: 60_000, warmupMs: 10_000 }

  it('reaches everybody in a calm swarm, and knows how many broadcasts there were', () => {
    const { broadcasts, inTime, reliability, alive, separated } = run({ ...base, broadcastEveryMs: 2_000 })

    // one every 2 s up to 5 s before the end, which each is given to arrive
    expect({ broadcasts, inTime, reliability, alive, separated }).to.deep.equal({ broadcasts: 27, inTime: 1, reliability: 1, alive: 60, separated: 0 })
  })

  for (const how of ['crash', 'leave']) {
    it(`loses a third of the nodes, which ${how}, and no message`, () => {
      const result = run({ ...base, deathNoticeMs: 10_000, dialFailureMs: 1_000, events: [{ do: how, atMs: 20_000, share: 1 / 3 }] })

      expect(result).to.deep.include({ alive: 40, alone: 0, separated: 0, reliability: 1 })
    })
  }

  it('takes nodes by their place', () => {
    expect(run({ ...base, events: [{ do: 'crash', atMs: 1_000, nodes: [3, 4, 59] }] }).alive).to.equal(57)
  })

  it('takes in a crowd of newcomers', () => {
    const result = run({ ...base, events: [{ do: 'join', atMs: 10_000, count: 60 }] })

    expect(result).to.deep.include({ alive: 120, alone: 0, separated: 0, reliability: 1 })
  })

  it('repeats an event', () => {
    const result = run({ ...base, events: [{ do: 'join', atMs: 1_000, everyMs: 1_000, untilMs: 5_000, count: 2 }] })

    expect(result.alive).to.equal(70)
  })

  it('replaces nodes at a rate, and loses nothing between those that stay', () => {
    const result = run({ ...base, churnPerMinute: 0.5 })

    expect(result.reliability).to.equal(1)
    expect(result.alive).to.equal(60)
    expect(result.membershipPerMinute).to.be.greaterThan(run(base).membershipPerMinute ?? Infinity)
  })

  it('delivers all while a twentieth of the links is lost each minute', () => {
    expect(run({ ...base, nodes: 100, durationMs: 120_000, linkLossPerMinute: 0.05 })).to.deep.include({ reliability: 1, inTime: 1, separated: 0 })
  })

  it('delivers within each side of a partition, and heals soon after it', () => {
    const result = run({ ...base, durationMs: 120_000, events: [{ do: 'partition', atMs: 5_000, forMs: 60_000, noticeMs: 2_000 }] })

    expect(result).to.deep.include({ reliability: 1, separated: 0 })
    expect(result.healedMs).to.be.at.most(30_000)
  })

  it('is apart while a partition lasts', () => {
    const { separated = 0 } = run({ ...base, events: [{ do: 'partition', atMs: 5_000, forMs: 100_000, noticeMs: 2_000, shares: [0.7, 0.3] }] })

    // three in ten, drawn for each node
    expect(separated).to.be.within(8, 28)
  })

  it('lets nodes stand still: what they miss arrives when they go on', () => {
    const { inTime, reliability } = run({ ...base, events: [{ do: 'pause', atMs: 10_000, share: 0.2, forMs: 15_000 }] })

    expect(inTime).to.be.below(1)
    expect(reliability).to.equal(1)
  })
})
