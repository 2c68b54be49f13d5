import { expect } from 'chai'
import { gossip, gossipOf, goodbye, joinByHand } from '../support/by-hand.ts'
import { delivery, linkedBoth } from '../support/member.ts'
import { isLetIn, isShutOut } from '../support/newcomer.ts'
import { randomTag } from '../support/numbered.ts'
import { nothingFor } from '../support/observation.ts'
import { useStage } from '../support/stage.ts'
import { randomTopic } from '../support/topic.ts'
import type { Gossip, PeerInfo } from '../../src/wire/index.ts'
import type { Host } from '../support/newcomer.ts'
import type { RawConnection } from '../support/raw-connection.ts'
import type { RawPeer } from '../support/raw-peer.ts'
import type { RustTopic } from '../support/rust-topic.ts'

const ABSENCE_MS = 1_000

describe('a Rust peer and sizes', () => {
  const stage = useStage()

  /**
   * A Rust peer with two raw neighbors and room for no more, which has heard of
   * eight peers with address data of so many bytes and is asked for all eight.
   */
  async function askedForEight (dataBytes: number): Promise<Host & { raw: RawPeer, connection: RawConnection }> {
    // a full view asks nobody, so all eight stay in the passive view
    const rust = await stage.rust({ config: { membership: { active_view_capacity: 2 } } })
    const topic = randomTopic()
    const inRust = await rust.join(topic)
    await joinByHand(await stage.raw(), topic, inRust)
    const raw = await stage.raw()
    const connection = await joinByHand(raw, topic, inRust)
    const nodes: PeerInfo[] = await Promise.all(Array.from({ length: 8 }, async () => {
      const { endpointId } = await stage.raw()

      // no relay, no address, then bytes that the crate does not read
      return { id: endpointId, data: new Uint8Array(dataBytes) }
    }))
    await connection.send(topic, { type: 'shuffleReply', nodes: nodes.slice(0, 4) }, { type: 'shuffleReply', nodes: nodes.slice(4) })
    await connection.send(topic, { type: 'shuffle', origin: raw.endpointId, nodes: nodes.map(({ id }) => ({ id })), ttl: 0 })

    return { rust, topic, inRust, raw, connection }
  }

  it('copies 470 bytes of peer data for each of eight peers into one frame (rule 13)', async () => {
    const { raw, connection, ...host } = await askedForEight(470)
    await raw.until('it answers', () => connection.messages(host.topic, 'shuffleReply').length === 1)
    const [reply] = connection.messages(host.topic, 'shuffleReply')
    expect(reply.nodes.map(({ data }) => data?.length)).to.deep.equal(Array(8).fill(470))
    await host.inRust.flood({ tag: randomTag(), first: 0, count: 240, size: 64 })
    await isLetIn(stage, host)
  })

  it('freezes when 520 bytes of peer data for each of eight peers make a frame too large (rule 13)', async () => {
    const { raw, connection, ...host } = await askedForEight(520)
    await nothingFor(ABSENCE_MS, 'it answers', [raw.changes], () => connection.messages(host.topic, 'shuffleReply').length > 0)
    host.inRust.flood({ tag: randomTag(), first: 0, count: 240, size: 64 }).catch(() => {})
    await isShutOut(stage, host)
    expect(connection.closeReason).to.equal(null)
  })

  /** Two Rust peers that are neighbors, and a raw one that is a neighbor of the first alone. */
  async function chain (): Promise<{ topic: string, connection: RawConnection, inFirst: RustTopic, inNext: RustTopic }> {
    const first = await stage.rust()
    const topic = randomTopic()
    const inFirst = await first.join(topic)
    const raw = await stage.raw()
    const connection = await joinByHand(raw, topic, inFirst)
    const next = await stage.rust()
    const inNext = await next.join(topic, { bootstrap: [first] })
    await linkedBoth(inFirst, inNext)
    await connection.send(topic, goodbye(raw))

    return { topic, connection, inFirst, inNext }
  }

  it('forwards a Gossip frame of 4,095 bytes (rule 14)', async () => {
    const { topic, connection, inFirst, inNext } = await chain()
    const message = gossipOf(4_095)
    await connection.send(topic, message)
    await Promise.all([delivery(inFirst, message.content), delivery(inNext, message.content)])
  })

  for (const [what, message] of [
    ['of 4,096 bytes', () => gossipOf(4_096)],
    ['of 4,095 bytes whose round grows by a byte', () => gossipOf(4_095, 127)]
  ] satisfies Array<[string, () => Gossip]>) {
    it(`accepts a Gossip frame ${what}, and never again speaks to the next peer (rule 14)`, async () => {
      const { topic, connection, inFirst, inNext } = await chain()
      const fatal = message()
      await connection.send(topic, fatal)
      await delivery(inFirst, fatal.content)
      const after = gossip('after it')
      await inFirst.broadcast(after.content)
      await nothingFor(ABSENCE_MS, 'the next peer hears something', [inNext.changes], () => inNext.received.length > 0)
      expect(inFirst.neighbors()).to.include(inNext.member.endpointId)
      expect(inNext.neighbors()).to.include(inFirst.member.endpointId)
      // the other direction still works
      await inNext.broadcast(gossip('back').content)
      await delivery(inFirst, gossip('back').content)
    })
  }

  it('stops a stream that names an id which is no curve point (rule 15)', async () => {
    const rust = await stage.rust()
    const topic = randomTopic()
    const inRust = await rust.join(topic)
    const raw = await stage.raw()
    const connection = await joinByHand(raw, topic, inRust)
    const stream = await connection.open(topic)
    // y = 2 has no x on the curve
    const id = '02' + '00'.repeat(31)
    await stream.send({ type: 'shuffleReply', nodes: [{ id }] })
    expect(await stream.stopped(), 'the error code of the stop').to.be.a('number')
  })
})
