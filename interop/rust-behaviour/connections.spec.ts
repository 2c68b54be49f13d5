import { expect } from 'chai'
import pWaitFor from 'p-wait-for'
import { gossip, goodbye, joinByHand } from '../support/by-hand.ts'
import { PATIENCE_MS } from '../support/changes.ts'
import { delivery } from '../support/member.ts'
import { nothingFor } from '../support/observation.ts'
import { useStage } from '../support/stage.ts'
import { randomTopic } from '../support/topic.ts'
import type { RawConnection } from '../support/raw-connection.ts'
import type { RawPeer } from '../support/raw-peer.ts'
import type { RustPeer } from '../support/rust-peer.ts'
import type { RustTopic } from '../support/rust-topic.ts'

/** For how long something that happens at once in other tests is expected not to happen. */
const ABSENCE_MS = 1_500

describe('a Rust peer and its connections', () => {
  const stage = useStage()

  async function inTopics (count: number): Promise<{ rust: RustPeer, topics: string[], inRust: RustTopic[] }> {
    const rust = await stage.rust()
    const topics = Array.from({ length: count }, randomTopic)

    return { rust, topics, inRust: await Promise.all(topics.map(async (topic) => rust.join(topic))) }
  }

  /** Resolves when the Rust peer has noticed that all but so many of its connections are closed. */
  async function hasOpen (rust: RustPeer, count: number): Promise<void> {
    await pWaitFor(async () => (await rust.connections()).open.length === count, { interval: 10, timeout: PATIENCE_MS })
  }

  /** Has it broadcast until it speaks on this connection: it may know of it later than we do. */
  async function untilPicked (inRust: RustTopic, connection: RawConnection, topic: string, raw: RawPeer): Promise<void> {
    for (let count = raw.frames(topic).length; connection.messages(topic, 'gossip').length === 0; count++) {
      await inRust.broadcast(crypto.getRandomValues(new Uint8Array(8)))
      await raw.until('the broadcast comes', () => raw.frames(topic).length > count)
    }
  }

  it('lets go silently after a Disconnect in one topic: it dials for its next message in another (rule 6)', async () => {
    const { topics: [left, kept], inRust: [, inKept] } = await inTopics(2)
    const raw = await stage.raw()
    const connection = await raw.dial(inKept.member)
    await connection.send(left, { type: 'join', data: raw.data })
    await connection.send(kept, { type: 'join', data: raw.data })
    await raw.until('both Joins are answered', () => connection.messages(left, 'neighbor').length + connection.messages(kept, 'neighbor').length === 2)
    await connection.send(left, { type: 'disconnect', alive: true, respond: false })
    // no order holds between streams: the Disconnect was read when its effect shows
    while (raw.inbound().length === 0) {
      await inKept.broadcast(crypto.getRandomValues(new Uint8Array(8)))
    }

    const content = gossip('by the new connection').content
    await inKept.broadcast(content)
    const [fresh] = raw.inbound()
    await raw.until('it speaks on the new connection', () => fresh.messages(kept, 'gossip').some((message) => Buffer.compare(message.content, content) === 0))
    await nothingFor(ABSENCE_MS, 'the old connection or a stream on it ends', [raw.changes], () => connection.closeReason != null || connection.ended.size > 0)
    const heard = gossip('by the old connection')
    await connection.send(kept, heard)
    await delivery(inKept, heard.content)
  })

  it('lets go silently after a message of a non-neighbor: it dials for its next message (rule 6)', async () => {
    const { rust, topics: [topic], inRust: [inRust] } = await inTopics(1)
    const raw = await stage.raw()
    const connection = await raw.dial(rust)
    await connection.send(topic, goodbye(raw))
    await raw.until('the goodbye is answered where it came', () => connection.messages(topic, 'shuffleReply').length === 1)
    expect(connection.messages(topic, 'shuffleReply')[0].nodes).to.deep.equal([])
    await inRust.joinPeers([raw])
    await raw.until('its Join comes by a new connection', () => raw.inbound()[0]?.messages(topic, 'join').length === 1)
    expect(connection.messages(topic, 'join')).to.deep.equal([])
    expect(connection.closeReason).to.equal(null)
    expect([...connection.ended]).to.deep.equal([])
  })

  it('loses its answer to a second goodbye: it dials for it, and lets go of it before the connection is there (rule 6)', async () => {
    const { rust, topics: [topic] } = await inTopics(1)
    const raw = await stage.raw()
    await rust.meet([raw])
    const connection = await raw.dial(rust)
    await connection.send(topic, goodbye(raw))
    await raw.until('the first goodbye is answered', () => connection.messages(topic, 'shuffleReply').length === 1)
    await connection.send(topic, goodbye(raw))
    await raw.until('it dials', () => raw.inbound().length === 1)
    await hasOpen(rust, 2)
    await nothingFor(ABSENCE_MS, 'an answer comes', [raw.changes], () => raw.frames(topic).length > 1)
    await connection.send(topic, goodbye(raw))
    await raw.until('the third is answered by the connection that was dialed for the second', () => raw.inbound()[0].messages(topic, 'shuffleReply').length === 1)
  })

  it('does not forget a peer whose connection ended: what it wants to say is lost until that peer dials (rule 6)', async () => {
    const { rust, topics: [topic], inRust: [inRust] } = await inTopics(1)
    const neighbor = await stage.raw()
    const origin = await stage.raw()
    await rust.meet([origin])
    const walk = await joinByHand(neighbor, topic, inRust)
    await walk.send(topic, goodbye(origin))
    await origin.until('it dials the origin of the Shuffle', () => origin.frames(topic).length === 1)
    expect(origin.frames(topic)[0].message.type).to.equal('shuffleReply')
    origin.connections[0].close()
    await hasOpen(rust, 1)
    await inRust.joinPeers([origin])
    await nothingFor(ABSENCE_MS, 'its Join comes', [origin.changes], () => origin.connections.length > 1)
    const dialed = await origin.dial(rust)

    // it may know of the connection later than we do: what it says before is lost as well
    while (dialed.messages(topic, 'join').length === 0) {
      await inRust.joinPeers([origin])
    }
  })

  for (const welcome of ['refuse', 'close'] as const) {
    it(`never dials again when its connection is met by ${welcome} (rules 7 and 10)`, async () => {
      const raw = await stage.raw({ welcome })
      const rust = await stage.rust()
      const inRust = await rust.join(randomTopic(), { bootstrap: [raw] })
      await raw.until('it dials', () => raw.turnedAway === 1)
      await hasOpen(rust, 0)
      // a task of the crate still has to notice what the endpoint knows
      await nothingFor(ABSENCE_MS, 'it dials again', [raw.changes], () => raw.turnedAway > 1)
      await inRust.joinPeers([raw])
      await nothingFor(ABSENCE_MS, 'it dials again', [raw.changes], () => raw.turnedAway > 1)
    })
  }

  it('forgets a peer in all topics with the connection that it picked, although another lives (rule 8)', async () => {
    const { rust, topics, inRust } = await inTopics(2)
    const raw = await stage.raw()
    const older = await raw.dial(rust)

    for (const topic of topics) {
      await older.send(topic, { type: 'join', data: raw.data })
    }

    await Promise.all(inRust.map(async (topic) => topic.until('we are neighbors', () => topic.neighbors().length === 1)))
    const newer = await raw.dial(rust)
    await untilPicked(inRust[0], newer, topics[0], raw)
    newer.close()
    await Promise.all(inRust.map(async (topic) => topic.until('it counts us no more', () => topic.neighbors().length === 0)))
    expect(older.closeReason).to.equal(null)
    const heard = gossip('still read')
    await older.send(topics[0], heard)
    await delivery(inRust[0], heard.content)
  })

  it('does not mind losing an older connection (rule 8)', async () => {
    const { rust, topics: [topic], inRust: [inRust] } = await inTopics(1)
    const raw = await stage.raw()
    const older = await joinByHand(raw, topic, inRust)
    const newer = await raw.dial(rust)
    await untilPicked(inRust, newer, topic, raw)
    older.close()
    await hasOpen(rust, 1)
    await nothingFor(ABSENCE_MS, 'it counts us no more', [inRust.changes], () => inRust.neighbors().length === 0)
    const { length } = newer.messages(topic, 'gossip')
    await inRust.broadcast(gossip('by the newer connection').content)
    await raw.until('it comes', () => newer.messages(topic, 'gossip').length > length)
  })

  it('may not hear a Join whose connection is closed right after it, and always does after a goodbye (rule 12)', async () => {
    const { rust, topics: [topic], inRust: [inRust] } = await inTopics(1)
    const joined = new Set<string>()
    inRust.changes.subscribe(() => { inRust.neighbors().forEach((id) => joined.add(id)) })

    async function joinAndClose (raw: RawPeer, polite: boolean): Promise<boolean> {
      const connection = await raw.dial(rust)
      await connection.send(topic, { type: 'join', data: raw.data })

      if (polite) {
        await connection.send(topic, goodbye(raw))
        await raw.until('the goodbye is answered', () => connection.messages(topic, 'shuffleReply').length === 1)
        await inRust.until('the Join before it was heard', () => inRust.neighbors().includes(raw.endpointId))
      }

      connection.close()
      await hasOpen(rust, 0)
      await inRust.until('it has let go', () => inRust.neighbors().length === 0)
      // whatever it read is handled before an answer to a connection that comes later
      const probe = await stage.raw()
      const asks = await probe.dial(rust)
      await asks.send(topic, goodbye(probe))
      await probe.until('the probe is answered', () => asks.messages(topic, 'shuffleReply').length === 1)
      await probe.close()
      await hasOpen(rust, 0)

      return joined.has(raw.endpointId)
    }

    for (let round = 0; round < 5; round++) {
      await joinAndClose(await stage.raw(), true)
    }

    let lost = 0

    for (let round = 0; round < 40 && lost === 0; round++) {
      if (!await joinAndClose(await stage.raw(), false)) {
        lost++
      }
    }

    expect(lost, 'Joins that were lost').to.equal(1)
  })
})
