import { expect } from 'chai'
import { Simulation, Traffic } from '../src/simulator/index.ts'

const NODES = 20
const MESSAGES = 400
const CONTENT_BYTES = 256

interface Cost {
  /** For each delivery. */
  frames: number
  bytes: number
  payloads: number
}

/** What each delivery costs in a swarm that has had as many messages before. */
function cost (intervalMs: number, senderOf: (message: number) => number): Cost {
  const traffic = new Traffic({ encode: true })
  const simulation = new Simulation({ nodes: NODES, seed: 3, latency: { type: 'uniform', minMs: 1, maxMs: 5 }, traffic, contentBytes: CONTENT_BYTES })
  simulation.bootstrap()
  const play = (): number => {
    const broadcasts = Array.from({ length: MESSAGES }, (_, i) => {
      const broadcast = simulation.broadcast(senderOf(i))
      simulation.network.run(simulation.network.now + intervalMs)

      return broadcast
    })
    simulation.network.run(simulation.network.now + 500)

    return broadcasts.reduce((sum, { delivered }) => sum + delivered.size - 1, 0)
  }
  const counted = (): Cost => {
    const { gossip, iHave, graft, prune } = traffic.report()
    const all = [gossip, iHave, graft, prune].filter((type) => type != null)

    return { frames: all.reduce((sum, { messages }) => sum + messages, 0), bytes: all.reduce((sum, { bytes }) => sum + bytes, 0), payloads: gossip.messages }
  }

  play()
  const before = counted()
  const deliveries = play()
  const after = counted()

  expect(deliveries).to.equal(MESSAGES * (NODES - 1))
  expect(simulation.duplicates).to.equal(0)

  return { frames: (after.frames - before.frames) / deliveries, bytes: (after.bytes - before.bytes) / deliveries, payloads: (after.payloads - before.payloads) / deliveries }
}

describe('the hot path, for each delivery', () => {
  it('of one publisher at 100 messages a second: the payload, and a third of a frame beside it', () => {
    const { frames, bytes, payloads } = cost(10, () => 0)

    expect(payloads).to.be.at.most(1.02)
    expect(frames).to.be.at.most(1.35)
    // length, tags, id, content, scope and round; and announcements of 33 bytes on 31 of 50 links, at most from both ends
    expect(bytes).to.be.at.most(CONTENT_BYTES + 45 + 2 * 31 / 19 * 34)
  })

  it('of publishers in turns: less than half a payload beside it, and the Grafts and Prunes of a tree that changes', () => {
    const { frames, payloads } = cost(10, (message) => message % NODES)

    expect(payloads).to.be.at.most(1.45)
    expect(frames).to.be.at.most(3.1)
  })
})
