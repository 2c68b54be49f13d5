import { expect } from 'chai'
import { Traffic, runExperiment } from '../../src/simulator/index.ts'
import { SeedWorkers } from '../../src/simulator/seed-workers.ts'
import type { ExperimentConfig } from '../../src/simulator/index.ts'

const experiment: ExperimentConfig = { nodes: 20, senders: 'new', rounds: 2, seeds: [3, 1, 2], latency: { type: 'uniform', minMs: 10, maxMs: 50 }, warmupMs: 500 }

/** What it rejects with. */
async function rejection (promise: Promise<unknown>): Promise<unknown> {
  return promise.then(() => undefined, (err: unknown) => err)
}

describe('seeds in threads', () => {
  let workers: SeedWorkers

  afterEach(async () => { await workers.stop() })

  for (const jobs of [1, 2, 5]) {
    it(`give what they give one after the other, in their order, ${jobs} at once`, async () => {
      workers = new SeedWorkers({ jobs })

      expect(await workers.run(experiment)).to.deep.equal(runExperiment(experiment))
    })
  }

  it('run several experiments, of all kinds of nodes', async () => {
    workers = new SeedWorkers({ jobs: 2 })
    const others: ExperimentConfig = { ...experiment, rules: 'mixed', kill: 0.5, healMs: 1_000 }
    const results = await Promise.all([workers.run(experiment), workers.run(others)])

    expect(results).to.deep.equal([runExperiment(experiment), runExperiment(others)])
    expect(await workers.run(others)).to.deep.equal(results[1])
  })

  it('count what all of them sent', async () => {
    workers = new SeedWorkers({ jobs: 2 })
    const [alone, together] = [new Traffic({ encode: true }), new Traffic({ encode: true })]
    runExperiment({ ...experiment, traffic: alone })
    await workers.run({ ...experiment, traffic: together })

    expect(together.report()).to.deep.equal(alone.report())
    expect(together.report()).to.have.any.keys('gossip')
  })

  it('tell how far they are until all is done', async () => {
    workers = new SeedWorkers({ jobs: 2 })
    const heard: number[] = []
    await workers.run(experiment, (done) => { heard.push(done) })

    expect(heard).to.deep.equal(heard.slice().sort((a, b) => a - b))
    expect(heard.at(-1)).to.equal(1)
  })

  it('end with what one of them threw', async () => {
    workers = new SeedWorkers({ jobs: 2 })
    // no room for the sequence number
    const err = await rejection(workers.run({ ...experiment, contentBytes: 1 }))

    expect(err).to.be.instanceOf(RangeError)
    expect(await rejection(workers.run(experiment))).to.equal(err)
  })

  it('refuse what cannot be handed to a thread', async () => {
    workers = new SeedWorkers({ jobs: 2 })

    expect(await rejection(workers.run({ ...experiment, rules: () => 'ours' }))).to.have.property('name', 'DataCloneError')
  })

  it('end when they are told to, wherever they are', async () => {
    const controller = new AbortController()
    workers = new SeedWorkers({ jobs: 2, signal: controller.signal })
    const reason = new Error('enough')
    // would take days
    const long = rejection(workers.run({ ...experiment, seeds: [0], warmupMs: 1e12 }))
    const short = rejection(workers.run(experiment, () => { controller.abort(reason) }))

    expect(await short).to.equal(reason)
    expect(await long).to.equal(reason)
  })

  it('do not begin when they are told to end before', async () => {
    workers = new SeedWorkers({ signal: AbortSignal.abort() })

    expect(await rejection(workers.run(experiment))).to.have.property('name', 'AbortError')
  })
})
