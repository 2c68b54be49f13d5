import { Session } from 'node:inspector'
import { defaultLogger } from '@libp2p/logger'
import { expect } from 'chai'
import { Driver } from '../src/driver.ts'
import { loadHash } from '../src/hash.ts'
import { peerIdOf } from '../src/iroh-address.ts'
import { Timers } from '../src/net/timers.ts'
import { resolveConfig } from '../src/proto/config.ts'
import { Simulation, Traffic } from '../src/simulator/index.ts'
import { encodeMessage } from '../src/wire/index.ts'
import type { HeapProfiler } from 'node:inspector'

const NODES = 20
const MESSAGES = 400
const CONTENT_BYTES = 256
const TOPIC = 'aa'.repeat(32)

function keyOf (index: number): string {
  return index.toString(16).padStart(64, '0')
}

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

/** Bytes of heap that were given out below a place of the program. */
function sizeOf (node: HeapProfiler.SamplingHeapProfileNode): number {
  return node.children.reduce((sum, child) => sum + sizeOf(child), node.selfSize)
}

/** Bytes of heap that V8 has given out for one message between the stream and the application, sampled; what was collected again included. */
async function allocatedBytes (): Promise<number> {
  const sent: number[] = []
  const timers = new Timers()
  let delivered = 0
  const driver = new Driver({ send: (_, __, frame) => { sent.push(frame.byteLength) }, release: () => {}, peerId: peerIdOf }, {
    me: keyOf(0),
    config: resolveConfig({}),
    rules: {},
    hash: await loadHash(),
    timers,
    log: defaultLogger().forComponent('hot-path'),
    onMembershipMessage: () => {},
    onValidate: () => {},
    onTopicEvent: (_, event) => { delivered += event.type === 'received' ? 1 : 0 },
    onPeerData: () => {},
    onViolation: (_, reason) => { throw new Error(reason) }
  })
  const [bringer, ...others] = [1, 2, 3, 4, 5].map(keyOf)
  const hash = await loadHash()
  driver.command(TOPIC, { type: 'join', peers: [] })
  ;[bringer, ...others].forEach((peer) => { driver.onFrame(peer, TOPIC, encodeMessage({ type: 'neighbor', priority: 'low' })) })
  others.slice(2).forEach((peer) => { driver.onFrame(peer, TOPIC, encodeMessage({ type: 'prune' })) })

  const play = (from: number, count: number): void => {
    const payloads = Array.from({ length: count }, (_, i) => {
      const content = new Uint8Array(CONTENT_BYTES)
      new DataView(content.buffer).setUint32(0, from + i)

      return encodeMessage({ type: 'gossip', id: hash(content), content, scope: { type: 'swarm', round: 3 } })
    })

    profiler.post('HeapProfiler.startSampling', { samplingInterval: 512, includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true })
    payloads.forEach((payload) => { driver.onFrame(bringer, TOPIC, payload) })
  }

  const profiler = new Session()
  profiler.connect()

  try {
    // compiled by then
    play(0, 10 * MESSAGES)
    profiler.post('HeapProfiler.stopSampling')
    delivered = 0
    sent.length = 0
    play(10 * MESSAGES, MESSAGES)
    let bytes = 0
    profiler.post('HeapProfiler.stopSampling', (_, { profile }) => {
      bytes = sizeOf(profile.head)
    })

    expect(delivered).to.equal(MESSAGES)
    // payloads to two, and announcements in few frames
    expect(sent.length).to.be.within(2 * MESSAGES, 2.2 * MESSAGES)

    return bytes / MESSAGES
  } finally {
    profiler.disconnect()
    timers.clear()
  }
}

describe('the hot path, for each delivery', () => {
  it('of one publisher at 100 messages a second: the payload, and a sixth of a frame beside it', () => {
    const { frames, bytes, payloads } = cost(10, () => 0)

    expect(payloads).to.be.at.most(1.02)
    // ten announcements a second on each of 31 links, for 1,900 deliveries; and for one message in 256, or by chance in 128, one more from both ends
    const scouts = 62 / 19 / 128
    expect(frames).to.be.at.most(1 + 1.1 * 310 / 1900 + scouts)
    // length, tags, id, content, scope and round; and announcements of 33 bytes on 31 of 50 links, from one end
    expect(bytes).to.be.at.most(CONTENT_BYTES + 45 + 1.1 * 31 / 19 * 34 + scouts * 42)
  })

  it('of publishers in turns: the same, since the tree stays as it is', () => {
    const { frames, bytes, payloads } = cost(10, (message) => message % NODES)

    expect(payloads).to.be.at.most(1.05)
    expect(frames).to.be.at.most(1.25)
    expect(bytes).to.be.at.most(CONTENT_BYTES + 45 + 1.2 * 31 / 19 * 34 + 0.05 * CONTENT_BYTES)
  })

  it('of publishers in turns, three times as fast: no more frames', () => {
    const { frames, payloads } = cost(3, (message) => message % NODES)

    expect(payloads).to.be.at.most(1.05)
    expect(frames).to.be.at.most(1.15)
  })

  it('of a frame that comes, goes to the application and to two neighbors, and is announced to two: no more objects than there were', async () => {
    expect(await allocatedBytes()).to.be.within(500, 6_000)
  })
})
