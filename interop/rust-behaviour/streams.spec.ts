import { expect } from 'chai'
import { encodeFrame } from '../../src/wire/index.ts'
import { gossip, joinByHand } from '../support/by-hand.ts'
import { Changes } from '../support/changes.ts'
import { delivery } from '../support/member.ts'
import { isLetIn, isShutOut } from '../support/newcomer.ts'
import { randomTag } from '../support/numbered.ts'
import { nothingFor } from '../support/observation.ts'
import { useStage } from '../support/stage.ts'
import { randomTopic } from '../support/topic.ts'
import type { Host } from '../support/newcomer.ts'
import type { RawStream } from '../support/raw-connection.ts'

describe('a Rust peer and its streams', () => {
  const stage = useStage()

  async function host (): Promise<Host> {
    const rust = await stage.rust()
    const topic = randomTopic()

    return { rust, topic, inRust: await rust.join(topic) }
  }

  it('freezes 64 messages after one of them was stopped, until the connection closes (rule 1)', async () => {
    const set = await host()
    const { rust, topic, inRust } = set
    const raw = await stage.raw()
    const connection = await joinByHand(raw, topic, inRust)
    const stopped = connection.stop(0)
    const tag = randomTag()
    const sent: Array<Promise<void>> = []

    // the binding stops a stream between two reads of it, so messages must go on
    while ((await rust.connections()).open[0].frames.stopSendingReceived === 0) {
      sent.push(inRust.flood({ tag, first: sent.length, count: 1, size: 64 }))
    }

    await stopped
    sent.push(inRust.flood({ tag, first: sent.length, count: 240, size: 64 }))
    const { letIn } = await isShutOut(stage, set)
    connection.close()
    await Promise.all([letIn, ...sent])
  })

  it('does not freeze on 240 messages to a peer that reads them', async () => {
    const set = await host()
    await joinByHand(await stage.raw(), set.topic, set.inRust)
    await set.inRust.flood({ tag: randomTag(), first: 0, count: 240, size: 64 })
    await isLetIn(stage, set)
  })

  it('freezes when a stream is not read for more than 1.25 MB, until it is read (rule 2)', async () => {
    const set = await host()
    const { rust, topic, inRust } = set
    const raw = await stage.raw({ read: false })
    const connection = await raw.dial(rust)
    await connection.send(topic, { type: 'join', data: raw.data })
    await inRust.until('the raw peer is a neighbor', () => inRust.neighbors().includes(raw.endpointId))
    // 1 MB waits unread, and harms nobody
    await inRust.flood({ tag: randomTag(), first: 0, count: 250, size: 4_000 })
    await isLetIn(stage, set)
    const flood = inRust.flood({ tag: randomTag(), first: 0, count: 350, size: 4_000 })
    const { letIn } = await isShutOut(stage, set)
    connection.readOn()
    await Promise.all([letIn, flood])
  })

  for (const end of ['reset', 'finish'] as const) {
    it(`hears nothing more on a connection after a ${end} before a header, while it goes on speaking there (rule 3)`, async () => {
      const { rust, topic, inRust } = await host()
      const raw = await stage.raw()
      const connection = await joinByHand(raw, topic, inRust)
      const there = await connection.open(topic)
      const heard = gossip('before')
      await there.send(heard)
      await delivery(inRust, heard.content)
      const bare = await connection.openBare()
      // two bytes of a length: otherwise the stream may never be seen
      await bare.write(Uint8Array.of(0, 0))
      await bare[end]()
      // its receive loop takes the streams that were there with it, which says when it has ended
      expect(await there.stopped(), 'the error code of the stop').to.be.a('number')
      await Promise.allSettled([
        there.send(gossip('on the stream that was there')),
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
    const { rust, topic, inRust } = await host()
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
    const { topic, inRust } = await host()
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
    const { topic, inRust } = await host()
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
    const { topic, inRust } = await host()
    const raw = await stage.raw()
    const connection = await joinByHand(raw, topic, inRust)
    const stream = await connection.open(topic)
    await stream.finish()
    expect(await stream.stopped(), 'all is read, nothing stopped').to.equal(null)
    await inRust.broadcast(gossip('to a neighbor').content)
    await raw.until('it still counts us as neighbor', () => connection.messages(topic, 'gossip').length === 1)
  })

  it('allows 100 streams at a time, and further ones when those have ended (rule 12)', async () => {
    const { topic, inRust } = await host()
    const raw = await stage.raw()
    const connection = await raw.dial(inRust.member)
    const streams = await Promise.all(Array.from({ length: 100 }, async () => connection.open(topic)))
    const messages = streams.map((_, i) => gossip(`stream ${i} speaks`))
    await Promise.all(streams.map(async (stream, i) => stream.send(messages[i])))
    await Promise.all(messages.map(async ({ content }) => delivery(inRust, content)))
    const waiting = new Changes()
    let another: RawStream | undefined
    const opening = connection.open(topic).then((stream) => {
      another = stream
      waiting.notify()
    })
    await nothingFor(1_000, 'another is opened', [waiting], () => another != null)
    // it tells of room for several together
    await Promise.all(streams.slice(50).map(async (stream) => stream.finish()))
    await opening
    const last = gossip('stream 100 speaks')
    await another?.send(last)
    await delivery(inRust, last.content)
  })
})
