import { expect } from 'chai'
import { delivery, linkedBoth } from './support/member.ts'
import { needsRust } from './support/needs-rust.ts'
import { randomTag } from './support/numbered.ts'
import { RustPeer } from './support/rust-peer.ts'
import { randomTopic } from './support/topic.ts'

describe('the Rust peer among its like', () => {
  needsRust()
  const peers: RustPeer[] = []

  afterEach(async () => {
    await Promise.all(peers.splice(0).map(async (peer) => peer.kill()))
  })

  it('joins, broadcasts, counts, leaves and shuts down when told so', async () => {
    const a = await RustPeer.spawn()
    const b = await RustPeer.spawn()
    peers.push(a, b)
    const topic = randomTopic()
    const inA = await a.join(topic)
    const inB = await b.join(topic, { bootstrap: [a], count: true })
    await linkedBoth(inA, inB)
    const content = new TextEncoder().encode('hello')
    await inB.broadcast(content)
    const received = await delivery(inA, content)
    expect(received.deliveredFrom).to.equal(b.endpointId)
    expect(received.scope).to.deep.equal({ type: 'swarm', round: 0 })
    const tag = randomTag()
    await inA.flood({ tag, first: 0, count: 100, size: 256 })
    await inB.counted(tag, 100)
    expect(await inB.counts(tag)).to.deep.equal({ received: 100, distinct: 100, lagged: 0 })
    const { open } = await a.connections()
    expect(open.map(({ peer, dialed }) => ({ peer, dialed }))).to.deep.equal([{ peer: b.endpointId, dialed: false }])
    expect((await a.metrics()).msgs_data_sent).to.equal(100)
    await inB.leave()
    await inA.until('b is gone', () => inA.neighbors().length === 0)
    await b.shutdown()
  })

  it('keeps its id by its key', async () => {
    const secretKey = '07'.repeat(32)
    const first = await RustPeer.spawn({ secretKey })
    peers.push(first)
    await first.kill()
    const second = await RustPeer.spawn({ secretKey })
    peers.push(second)
    expect(second.endpointId).to.equal(first.endpointId)
  })
})
