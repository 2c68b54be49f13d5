import { expect } from 'chai'
import { runBenchmark } from './support/benchmark.ts'
import { needsRust } from './support/needs-rust.ts'

/** Each program with the least to do. What it finds is not judged, but for messages that were lost or came twice. */
const programs: Array<{ name: string, args: string[], plots: string[] }> = [
  { name: 'codec', args: ['--short'], plots: ['frames.svg'] },
  { name: 'one-hop', args: ['--messages=200', '--rounds=1'], plots: ['rates.svg'] },
  { name: 'vs-gossipsub', args: ['--short', '--group=memory', '--group=idle', '--nodes=3', '--rounds=1', '--settle=200', '--idle=200'], plots: ['memory-cpuMicros.svg', 'memory-p99.svg', 'idle-heapPerTopic.svg'] },
  { name: 'idle-topics', args: ['--topics=5', '--peers=5', '--idle=0.2', '--settle=1', '--rest=0', '--messages=20'], plots: [] },
  { name: 'scale', args: ['--short', '--axis=peers', '--places=3,4', '--settle=200'], plots: ['peers-cpu.svg', 'peers-latency.svg'] },
  { name: 'soak', args: ['--minutes=0.05', '--rate=50', '--nodes=3', '--settle=200', '--forgetful'], plots: ['heap.svg'] }
]

describe('the benchmarks', function () {
  this.timeout(300_000)

  for (const { name, args, plots } of programs) {
    it(`${name} ends, and writes its figures and plots`, async () => {
      const run = await runBenchmark(name, args)

      expect(run.code, run.said).to.equal(0)
      expect(run.results.environment).to.include.keys('node', 'cpu', 'libp2p')
      expect(run.results.targets.filter(({ what, met }) => what.includes('nothing twice') && !met)).to.deep.equal([])
      expect(run.plots).to.include.members(plots)
    })
  }

  describe('beside Rust', () => {
    needsRust()

    it('vs-rust ends, and writes its figures and plots', async () => {
      const run = await runBenchmark('vs-rust', ['--members=3', '--messages=20', '--rounds=1'])

      expect(run.code, run.said).to.equal(0)
      expect(run.results.loads).to.have.lengthOf(3)
      expect(run.plots).to.include.members(['cpuMicros.svg', 'bytes.svg'])
    })

    it('handle ends, and writes its figures and plots', async () => {
      const run = await runBenchmark('handle', ['--messages=100', '--rounds=1'])

      expect(run.code, run.said).to.equal(0)
      expect(run.results.targets).to.have.length.above(0)
      expect(run.plots).to.include.members(['ratios.svg'])
    })
  })
})
