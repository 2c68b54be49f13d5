import { expect } from 'chai'
import { gossip, goodbye, joinByHand } from '../support/by-hand.ts'
import { delivery, linkedBoth } from '../support/member.ts'
import { nothingFor } from '../support/observation.ts'
import { useStage } from '../support/stage.ts'
import { randomTopic } from '../support/topic.ts'
import type { RawPeer } from '../support/raw-peer.ts'
import type { RustPeer } from '../support/rust-peer.ts'
import type { RustTopic } from '../support/rust-topic.ts'

/** Longer than any timer of the crate's broadcast but the cache's. */
const ABSENCE_MS = 1_000

describe('a Rust peer and its broadcasts', () => {
  const stage = useStage()

  async function inATopic (): Promise<{ rust: RustPeer, topic: string, inRust: RustTopic }> {
    const rust = await stage.rust()
    const topic = randomTopic()

    return { rust, topic, inRust: await rust.join(topic) }
  }

  function grafts (raw: RawPeer, topic: string): Array<{ at: number, round: number, id?: Uint8Array }> {
    return raw.frames(topic).flatMap(({ message, at }) => message.type === 'graft' ? [{ ...message, at }] : [])
  }

  it('sends one Graft for each IHave after 80 ms, the next to the next advertiser after 40 ms, and then never again (rule 25)', async () => {
    const { topic, inRust } = await inATopic()
    const first = await stage.raw()
    const second = await stage.raw()
    const fromFirst = await joinByHand(first, topic, inRust)
    const fromSecond = await joinByHand(second, topic, inRust)
    const { id } = gossip('never sent')
    const announced = performance.now()
    await fromFirst.send(topic, { type: 'iHave', messages: [{ id, round: 3 }] })
    // where it comes after the first Graft, the second is asked later still;
    // the answer to the goodbye shows that the IHave was read before that of the second
    await fromFirst.send(topic, goodbye(first))
    await first.until('it has read the IHave', () => fromFirst.messages(topic, 'shuffleReply').length === 1)
    await fromSecond.send(topic, { type: 'iHave', messages: [{ id, round: 4 }] })
    await second.until('the second is asked', () => grafts(second, topic).length === 1)
    const [[toFirst], [toSecond]] = [grafts(first, topic), grafts(second, topic)]
    expect([toFirst.round, toSecond.round]).to.deep.equal([3, 4])
    expect([...toFirst.id ?? []]).to.deep.equal([...id])
    // a busy machine makes them later, never sooner
    expect(toFirst.at - announced).to.be.at.least(75)
    expect(toSecond.at - announced).to.be.at.least(115)
    await nothingFor(ABSENCE_MS, 'a further Graft', [first.changes, second.changes], () => grafts(first, topic).length + grafts(second, topic).length > 2)
    await fromFirst.send(topic, { type: 'iHave', messages: [{ id, round: 3 }] })
    await first.until('a new IHave is asked for again', () => grafts(first, topic).length === 2)
  })

  it('sends the neighbors scope to eager peers only: after our Prune nothing comes (rule 27)', async () => {
    const { topic, inRust } = await inATopic()
    const raw = await stage.raw()
    const connection = await joinByHand(raw, topic, inRust)
    await inRust.broadcastNeighbors(gossip('to eager ones').content)
    await raw.until('it comes', () => connection.messages(topic, 'gossip').length === 1)
    expect(connection.messages(topic, 'gossip')[0].scope).to.deep.equal({ type: 'neighbors' })
    await connection.send(topic, { type: 'prune' }, goodbye(raw))
    await raw.until('the Prune is read', () => connection.messages(topic, 'shuffleReply').length === 1)
    await inRust.broadcastNeighbors(gossip('to nobody').content)
    await inRust.broadcast(gossip('announced').content)
    await raw.until('the swarm scope is announced', () => connection.messages(topic, 'iHave').length === 1)
    expect(connection.messages(topic, 'gossip')).to.have.lengthOf(1)
    expect(connection.messages(topic, 'iHave')[0].messages.map(({ id }) => [...id])).to.deep.equal([[...gossip('announced').id]])
  })

  it('does not keep the neighbors scope: a Graft for it is not answered (rule 27)', async () => {
    const { topic, inRust } = await inATopic()
    const raw = await stage.raw()
    const connection = await joinByHand(raw, topic, inRust)
    const { id, content } = gossip('kept by nobody')
    await inRust.broadcastNeighbors(content)
    await raw.until('it comes', () => connection.messages(topic, 'gossip').length === 1)
    await connection.send(topic, { type: 'graft', id, round: 0 }, goodbye(raw))
    await raw.until('the Graft is read', () => connection.messages(topic, 'shuffleReply').length === 1)
    expect(connection.messages(topic, 'gossip')).to.have.lengthOf(1)
  })

  it('swallows a content that it has seen, and answers it with Prune (rule 27)', async () => {
    const { topic, inRust } = await inATopic()
    const raw = await stage.raw()
    const connection = await joinByHand(raw, topic, inRust)
    const message = gossip('said twice')
    await connection.send(topic, message, message)
    await Promise.all([
      raw.until('it prunes', () => connection.messages(topic, 'prune').length === 1),
      delivery(inRust, message.content)
    ])
    expect(inRust.received).to.have.lengthOf(1)
    // its own repeat goes out all the same
    await inRust.broadcast(message.content)
    await raw.until('it announces what we brought, for we are lazy now', () => connection.messages(topic, 'iHave').length === 1)
  })

  it('delivers and forwards a stranger\'s Gossip, answers its Graft, and counts it as no neighbor (rule 24)', async () => {
    const { rust, topic, inRust } = await inATopic()
    const next = await stage.rust()
    const inNext = await next.join(topic, { bootstrap: [rust] })
    await linkedBoth(inRust, inNext)
    const stranger = await stage.raw()
    const connection = await stranger.dial(rust)
    const brought = gossip('from a stranger')
    await connection.send(topic, brought)
    await Promise.all([delivery(inRust, brought.content), delivery(inNext, brought.content)])
    await connection.send(topic, { type: 'graft', id: brought.id, round: 0 })
    await stranger.until('it is served', () => connection.messages(topic, 'gossip').length === 1)
    expect(inRust.neighbors()).to.deep.equal([next.endpointId])
    // an eager link of one side: what others say comes here too
    const later = gossip('to a stranger').content
    await inNext.broadcast(later)
    await stranger.until('it is served without asking', () => connection.messages(topic, 'gossip').length === 2)
  })
})
