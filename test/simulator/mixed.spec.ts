import { expect } from 'chai'
import { Network, Simulation, measureOverlay, runExperiment } from '../../src/simulator/index.ts'
import type { OverlayReport, RuleSet, SeedResult } from '../../src/simulator/index.ts'

/** The real network between real Rust peers: who lets go says nothing, and a death shows after 15 s. */
const REAL = { release: 'silent', deathNotice: 15_000 } as const

/** Virtual milliseconds in which what died must have been replaced. */
const HEAL_MS = 60_000

function seeds (count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1)
}

describe('swarms of both rule sets', function () {
  this.timeout(300_000)

  it('are one though 20 upstream nodes join through one of ours at once', () => {
    const overlays = seeds(100).map((seed): OverlayReport => {
      const simulation = new Simulation({
        ...REAL,
        seed,
        nodes: 21,
        rules: (node) => node === 0 ? 'ours' : 'upstream',
        latency: { type: 'uniform', minMs: 1, maxMs: 100 },
        jitterMs: 100
      })
      simulation.bootstrap()

      return measureOverlay(simulation.network)
    })

    expect(overlays.filter(({ components }) => components.length > 1).map(({ components }) => components)).to.deep.equal([])
    // what they have among themselves when they join through one of them: 4.3
    expect(overlays.reduce((sum, { degree }) => sum + degree, 0) / overlays.length).to.be.above(4.2)
  })

  for (const contact of ['ours', 'upstream'] as const) {
    it(`are one again after a third died at once that joined first, through a node of ${contact === 'ours' ? contact : 'upstream'}`, () => {
      const other: RuleSet = contact === 'ours' ? 'upstream' : 'ours'
      const parted: number[] = []

      for (const seed of seeds(60)) {
        const network = new Network({ ...REAL, seed, latency: { type: 'uniform', minMs: 1, maxMs: 100 }, jitterMs: 100 })
        const isOne = (): boolean => measureOverlay(network, 0).components.length === 1

        for (let node = 0; node < 12; node++) {
          network.join(network.add(node % 2 === 0 ? contact : other), node === 0 ? [] : [0])
          network.run(network.now + 300)
        }

        network.run(network.now + 2_000)
        expect(isOne(), 'one before').to.equal(true)
        ;[0, 1, 2, 3].forEach((node) => { network.crash(node) })
        network.run(network.now + REAL.deathNotice)
        network.run(network.now + HEAL_MS)

        isOne() || parted.push(seed)
      }

      expect(parted, 'seeds with a part that stays away').to.deep.equal([])
    })
  }

  // the Rust crate's simulator, a network where nobody closes, and the connections of the real crate
  for (const network of [{ release: 'closes' }, { release: 'silent' }, { release: 'crate', deathNotice: 15_000, dialFailureMs: 2_000 }] as const) {
    it(`serve nodes with upstream's rules as well as those serve each other (${network.release})`, () => {
      const swarm = {
        ...network,
        nodes: 200,
        senders: 'new',
        rounds: 10,
        latency: { type: 'uniform', minMs: 10, maxMs: 50 },
        check: true
      } as const
      const mixed = runExperiment({ ...swarm, seeds: [0, 1], rules: (node) => node % 2 === 0 ? 'ours' : 'upstream' })
      const alike = runExperiment({ ...swarm, seeds: [0, 1], rules: () => 'upstream' })

      const meanMs = (results: SeedResult[]): number => results.reduce((sum, { upstreamMs = Infinity }) => sum + upstreamMs, 0) / results.length

      expect(meanMs(mixed)).to.be.at.most(meanMs(alike))
      mixed.forEach(({ missed, upstreamMissed, overlay }) => {
        expect(missed).to.equal(0)
        expect(upstreamMissed).to.equal(0)
        expect(overlay.alone).to.equal(0)
        expect(overlay.components).to.deep.equal([200])
      })
    })
  }
})
