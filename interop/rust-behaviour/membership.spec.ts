import { expect } from 'chai'
import { gossip, goodbye, joinByHand } from '../support/by-hand.ts'
import { linked } from '../support/member.ts'
import { nothingFor, untilAmong } from '../support/observation.ts'
import { useStage } from '../support/stage.ts'
import { randomTopic } from '../support/topic.ts'
import type { Message, PeerInfo } from '../../src/wire/index.ts'
import type { Changes } from '../support/changes.ts'
import type { RawConnection } from '../support/raw-connection.ts'
import type { RawPeer } from '../support/raw-peer.ts'
import type { RustPeer } from '../support/rust-peer.ts'
import type { RustTopic } from '../support/rust-topic.ts'

/** Longer than any timer of the crate's membership but the shuffle's. */
const ABSENCE_MS = 1_500

/** What a raw candidate does when the Rust peer asks to be its neighbor. */
interface Answer {
  (asked: { raw: RawPeer, connection: RawConnection, topic: string }): Message[]
}

describe('a Rust peer and its views', () => {
  const stage = useStage()

  async function rawPeers (count: number, answer: Answer = () => [], to: 'join' | 'neighbor' = 'neighbor'): Promise<RawPeer[]> {
    return Promise.all(Array.from({ length: count }, async () => {
      const raw: RawPeer = await stage.raw({
        onMessage: (message, topic, connection) => {
          if (message.type === to) {
            connection.send(topic, ...answer({ raw, connection, topic })).catch(() => {})
          }
        }
      })

      return raw
    }))
  }

  function changesOf (raws: RawPeer[]): Changes[] {
    return raws.map(({ changes }) => changes)
  }

  function infos (raws: RawPeer[]): PeerInfo[] {
    return raws.map(({ endpointId, data }) => ({ id: endpointId, data }))
  }

  /** Makes the peers known to a Rust peer, as a stranger's ShuffleReply does. */
  async function tell (rust: RustPeer, topic: string, raws: RawPeer[]): Promise<void> {
    const stranger = await stage.raw()
    const connection = await stranger.dial(rust)
    await connection.send(topic, { type: 'shuffleReply', nodes: infos(raws) })
  }

  async function inATopic (): Promise<{ rust: RustPeer, topic: string, inRust: RustTopic }> {
    const rust = await stage.rust()
    const topic = randomTopic()

    return { rust, topic, inRust: await rust.join(topic) }
  }

  function asked (raws: RawPeer[], topic: string): number {
    return raws.filter((raw) => raw.frames(topic).some(({ message }) => message.type === 'neighbor')).length
  }

  it('stays at three links after it joined through three contacts, until each sends one more Neighbor (rule 17)', async () => {
    const contacts = await rawPeers(3, ({ raw }) => [{ type: 'neighbor', priority: 'high', data: raw.data }], 'join')
    const candidates = await rawPeers(4, ({ raw }) => [{ type: 'neighbor', priority: 'low', data: raw.data }])
    const rust = await stage.rust()
    const topic = randomTopic()
    const inRust = await rust.join(topic, { bootstrap: contacts })
    await linked(inRust, 3)
    await Promise.all(contacts.map(async (contact) => {
      await contact.until('the Rust peer confirms', () => contact.frames(topic).some(({ message }) => message.type === 'neighbor'))
    }))
    await contacts[0].connections[0].send(topic, { type: 'shuffleReply', nodes: infos(candidates) })
    await nothingFor(ABSENCE_MS, 'a candidate is asked', changesOf(candidates), () => asked(candidates, topic) > 0)

    for (const contact of contacts) {
      await contact.connections[0].send(topic, { type: 'neighbor', priority: 'high', data: contact.data }, { type: 'shuffleReply', nodes: infos(candidates) })
    }

    await linked(inRust, 5)
  })

  it('asks candidates that refuse at once again and again, without a pause (rule 18)', async () => {
    // with its own timer it could ask only three before the test gives up
    const rust = await stage.rust({ config: { membership: { neighbor_request_timeout: { secs: 600, nanos: 0 } } } })
    const topic = randomTopic()
    await rust.join(topic)
    const raws: RawPeer[] = await rawPeers(3, () => [
      { type: 'shuffleReply', nodes: infos(raws) },
      { type: 'disconnect', alive: true, respond: false }
    ])
    await tell(rust, topic, raws)
    const connections = (): number => raws.flatMap((raw) => raw.connections).length
    // each is asked anew by a new connection
    await untilAmong(changesOf(raws), '50 connections', () => connections() >= 50)
  })

  it('asks all candidates when they are silent, and is stuck at the first one that sends a Disconnect (rule 19)', async () => {
    for (const [answer, all] of [[[], true], [[{ type: 'disconnect', alive: true, respond: false }], false]] satisfies Array<[Message[], boolean]>) {
      const { rust, topic } = await inATopic()
      const raws = await rawPeers(3, () => answer)
      await tell(rust, topic, raws)

      if (all) {
        await untilAmong(changesOf(raws), 'all are asked', () => asked(raws, topic) === 3)
      } else {
        await untilAmong(changesOf(raws), 'one is asked', () => asked(raws, topic) > 0)
        await nothingFor(3_000, 'the last is asked', changesOf(raws), () => asked(raws, topic) === 3)
      }
    }
  })

  it('ignores a Disconnect that answers its Join (rule 19)', async () => {
    const [contact, other] = await rawPeers(2, () => [{ type: 'disconnect', alive: false, respond: false }], 'join')
    const rust = await stage.rust()
    const topic = randomTopic()
    await rust.join(topic, { bootstrap: [contact] })
    await contact.until('its Join comes', () => contact.frames(topic).length === 1)
    await rust.meet([other])
    await nothingFor(ABSENCE_MS, 'it does something', [contact.changes], () => contact.frames(topic).length > 1 || contact.connections[0].ended.size > 0)
    expect(contact.connections).to.have.lengthOf(1)
    expect(contact.connections[0].closeReason).to.equal(null)
  })

  it('answers a Disconnect with nothing, and does not finish its stream (rule 20)', async () => {
    const { topic, inRust } = await inATopic()
    const raw = await stage.raw()
    const connection = await joinByHand(raw, topic, inRust)
    const { length } = connection.frames
    await connection.send(topic, { type: 'disconnect', alive: false, respond: true })
    await inRust.until('we are no neighbor', () => inRust.neighbors().length === 0)
    await nothingFor(ABSENCE_MS, 'an answer or an end', [raw.changes], () => connection.frames.length > length || connection.ended.size > 0)
  })

  it('sends ShuffleReply and Disconnect when it leaves, and finishes the stream (rule 20)', async () => {
    const { topic, inRust } = await inATopic()
    const raw = await stage.raw()
    const connection = await joinByHand(raw, topic, inRust)
    await inRust.leave()
    await raw.until('the stream ends', () => connection.ended.size === 1)
    expect(connection.frames.slice(-2).map(({ message }) => message.type)).to.deep.equal(['shuffleReply', 'disconnect'])
    expect(connection.closeReason).to.equal(null)
  })

  it('accepts every Join, drops a neighbor for it when full, and tells the others (rule 16)', async () => {
    const { topic, inRust } = await inATopic()
    const raws = await rawPeers(6)

    for (const raw of raws) {
      await joinByHand(raw, topic, inRust)
    }

    await inRust.until('five are left', () => inRust.neighbors().length === 5)
    const dropped = raws.filter((raw) => !inRust.neighbors().includes(raw.endpointId))
    expect(dropped).to.have.lengthOf(1)
    await dropped[0].until('it is told', () => dropped[0].connections[0].messages(topic, 'disconnect').length === 1)
    const last = raws[5].endpointId
    await Promise.all(raws.slice(0, 5).filter((raw) => raw !== dropped[0]).map(async (raw) => {
      await raw.until('it is told of the newcomer', () => raw.connections[0].messages(topic, 'forwardJoin').some(({ peer }) => peer.id === last))
    }))
  })

  it('refuses a low priority request when full, by ShuffleReply and Disconnect (rules 16 and 18)', async () => {
    const { topic, inRust } = await inATopic()

    for (const raw of await rawPeers(5)) {
      await joinByHand(raw, topic, inRust)
    }

    const raw = await stage.raw()
    const connection = await raw.dial(inRust.member)
    await connection.send(topic, { type: 'neighbor', priority: 'low', data: raw.data })
    await raw.until('it refuses', () => connection.messages(topic, 'disconnect').length === 1)
    expect(connection.frames.map(({ message }) => message.type)).to.deep.equal(['shuffleReply', 'disconnect'])
    expect(inRust.neighbors()).to.have.lengthOf(5)
  })

  it('answers a neighbor\'s Neighbor with the same priority the second time at the latest (rule 17)', async () => {
    const { topic, inRust } = await inATopic()
    const raw = await stage.raw()
    const connection = await joinByHand(raw, topic, inRust)
    const replies = (): string[] => connection.messages(topic, 'neighbor').map(({ priority }) => priority)
    expect(replies()).to.deep.equal(['high'])
    // its own answer to the Join left a pending entry: the first counts as the reply to that
    await connection.send(topic, { type: 'neighbor', priority: 'low', data: raw.data })
    await connection.send(topic, { type: 'neighbor', priority: 'low', data: raw.data })
    await raw.until('it answers', () => replies().length === 2)
    await connection.send(topic, goodbye(raw))
    await raw.until('it has read all', () => connection.messages(topic, 'shuffleReply').length === 1)
    expect(replies()).to.deep.equal(['high', 'low'])
  })

  it('says nothing to a Join, a Neighbor or a Gossip of a topic that it is not in (rule 19)', async () => {
    const rust = await stage.rust()
    const raw = await stage.raw()
    const connection = await raw.dial(rust)
    await connection.send(randomTopic(), { type: 'join', data: raw.data })
    await connection.send(randomTopic(), { type: 'neighbor', priority: 'high', data: raw.data })
    await connection.send(randomTopic(), gossip('to nobody'))
    await nothingFor(ABSENCE_MS, 'an answer or an end', [raw.changes], () => connection.incoming > 0 || connection.closeReason != null)
  })
})
