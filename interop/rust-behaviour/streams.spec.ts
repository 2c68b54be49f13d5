import { expect } from 'chai'
import { encodeFrame } from '../../src/wire/index.ts'
import { JOIN_PATIENCE_MS, gossip, joinByHand } from '../support/by-hand.ts'
import { delivery, linkedBoth } from '../support/member.ts'
import { randomTag } from '../support/numbered.ts'
import { isDoneWithin, nothingFor } from '../support/observation.ts'
import { useStage } from '../support/stage.ts'
import { randomTopic } from '../support/topic.ts'
import type { RustPeer } from '../support/rust-peer.ts'
import type { RustTopic } from '../support/rust-topic.ts'

describe('a Rust peer and its streams', () => {
  const stage = useStage()

  async function inATopic (): Promise<{ rust: RustPeer, topic: string, inRust: RustTopic }> {
    const rust = await stage.rust()
    const topic = randomTopic()

    return { rust, topic, inRust: await rust.join(topic) }
  }

  /** A third peer that joins; resolves to whether it is let in, and later when. */
  async function newcomer (rust: RustPeer, topic: string, inRust: RustTopic): Promise<{ inTime: boolean, linked: Promise<void> }> {
    const third = await stage.rust()
    const inThird = await third.join(topic, { bootstrap: [rust] })
    const linked = linkedBoth(inThird, inRust)

    return { inTime: await isDoneWithin(JOIN_PATIENCE_MS, linked), linked }
  }

  it('freezes 64 messages after one of them was stopped, until the connection closes (rule 1)', async () => {
    const { rust, topic, inRust } = await inATopic()
    const raw = await stage.raw()
    const connection = await joinByHand(raw, topic, inRust)
    // the binding stops a stream between two reads of it, so the flood must go on
    const stopped = connection.stop(0)
    const flood = inRust.flood({ tag: randomTag(), first: 0, count: 240, size: 64 })
    await stopped
    // the first may have been through before the stop arrived
    const another = inRust.flood({ tag: randomTag(), first: 0, count: 240, size: 64 })
    const { inTime, linked } = await newcomer(rust, topic, inRust)
    expect(inTime, 'a third peer is let in').to.equal(false)
    connection.close()
    await Promise.all([linked, flood, another])
  })

  it('does not freeze on 240 messages to a peer that reads them', async () => {
    const { rust, topic, inRust } = await inATopic()
    const raw = await stage.raw()
    await joinByHand(raw, topic, inRust)
    await inRust.flood({ tag: randomTag(), first: 0, count: 240, size: 64 })
    expect((await newcomer(rust, topic, inRust)).inTime, 'a third peer is let in').to.equal(true)
  })

  it('freezes when a stream is not read for more than 1.25 MB, until it is read (rule 2)', async () => {
    const { rust, topic, inRust } = await inATopic()
    const raw = await stage.raw({ read: false })
    const connection = await raw.dial(rust)
    await connection.send(topic, { type: 'join', data: raw.data })
    await inRust.until('the raw peer is a neighbor', () => inRust.neighbors().includes(raw.endpointId))
    // 1 MB waits unread, and harms nobody
    await inRust.flood({ tag: randomTag(), first: 0, count: 250, size: 4_000 })
    expect((await newcomer(rust, topic, inRust)).inTime, 'a third peer is let in').to.equal(true)
    const flood = inRust.flood({ tag: randomTag(), first: 0, count: 350, size: 4_000 })
    const { inTime, linked } = await newcomer(rust, topic, inRust)
    expect(inTime, 'a fourth peer is let in').to.equal(false)
    connection.readOn()
    await Promise.all([linked, flood])
  })

  for (const end of ['reset', 'finish'] as const) {
    it(`hears nothing more on a connection after a ${end} before a header, while it goes on speaking there (rule 3)`, async () => {
      const { rust, topic, inRust } = await inATopic()
      const raw = await stage.raw()
      const connection = await joinByHand(raw, topic, inRust)
      const heard = gossip('before')
      await connection.send(topic, heard)
      await delivery(inRust, heard.content)
      const stream = await connection.openBare()
      // two bytes of a length: otherwise the stream may never be seen
      await stream.write(Uint8Array.of(0, 0))
      await stream[end]()
      // it may refuse to read either, or never look at it
      await Promise.allSettled([
        connection.send(topic, gossip('on the stream that was there')),
        connection.open(topic).then(async (fresh) => fresh.send(gossip('on a new stream')))
      ])
      await nothingFor(1_000, 'a message is delivered', [inRust.changes], () => inRust.received.length > 1)
      await inRust.broadcast(gossip('still speaking').content)
      await raw.until('it goes on speaking', () => connection.messages(topic, 'gossip').length === 1)
      expect(connection.closeReason).to.equal(null)
      expect((await rust.connections()).open).to.have.lengthOf(1)
    })
  }

  it('reads several streams of a topic side by side, on one connection and on several (rule 4)', async () => {
    const { rust, topic, inRust } = await inATopic()
    const raw = await stage.raw()
    const first = await joinByHand(raw, topic, inRust)
    const second = await raw.dial(rust)
    const streams = [await first.open(topic), await first.open(topic), await second.open(topic), await second.open(topic)]
    const messages = streams.map((_, i) => gossip(`stream ${i} speaks`))

    // each has begun a frame and does not go on with it before all others were heard
    await Promise.all(streams.map(async (stream, i) => stream.write(encodeFrame(messages[i]).subarray(0, 9))))

    for (let i = streams.length - 1; i >= 0; i--) {
      await streams[i].write(encodeFrame(messages[i]).subarray(9))
      await delivery(inRust, messages[i].content)
    }
  })

  it('stops the one stream on which a frame cannot be decoded, and reads a new one on the same connection (rule 5)', async () => {
    const { topic, inRust } = await inATopic()
    const raw = await stage.raw()
    const connection = await joinByHand(raw, topic, inRust)
    const bad = await connection.open(topic)
    await bad.write(Uint8Array.of(0, 0, 0, 2, 9, 9))
    expect(await bad.stopped(), 'the error code of the stop').to.be.a('number')
    const onOther = gossip('on the stream that was there')
    await connection.send(topic, onOther)
    await delivery(inRust, onOther.content)
    const onNew = gossip('on a new stream')
    await (await connection.open(topic)).send(onNew)
    await delivery(inRust, onNew.content)
  })

  it('stops the one stream with a frame above its limit, and reads a new one on the same connection (rule 5)', async () => {
    const { topic, inRust } = await inATopic()
    const raw = await stage.raw()
    const connection = await joinByHand(raw, topic, inRust)
    const bad = await connection.open(topic)
    await bad.write(Uint8Array.of(0, 0, 0x10, 0x01, 0))
    expect(await bad.stopped(), 'the error code of the stop').to.be.a('number')
    const onNew = gossip('on a new stream')
    await (await connection.open(topic)).send(onNew)
    await delivery(inRust, onNew.content)
  })

  it('does not care when a stream of ours is finished without a Disconnect (rule 5)', async () => {
    const { topic, inRust } = await inATopic()
    const raw = await stage.raw()
    const connection = await joinByHand(raw, topic, inRust)
    const stream = await connection.open(topic)
    await stream.finish()
    expect(await stream.stopped(), 'all is read, nothing stopped').to.equal(null)
    await inRust.broadcast(gossip('to a neighbor').content)
    await raw.until('it still counts us as neighbor', () => connection.messages(topic, 'gossip').length === 1)
  })
})
