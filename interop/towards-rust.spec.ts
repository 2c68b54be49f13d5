import { expect } from 'chai'
import { gossipOf, infoOf, joinByHand } from './support/by-hand.ts'
import { delivery, linked, linkedBoth } from './support/member.ts'
import { isLetIn } from './support/newcomer.ts'
import { randomTag } from './support/numbered.ts'
import { isDoneWithin } from './support/observation.ts'
import { useStage } from './support/stage.ts'
import { everyoneHearsEveryone } from './support/swarm.ts'
import { randomTopic } from './support/topic.ts'
import type { JsTopic } from './support/js-topic.ts'
import type { MemberTopic } from './support/member.ts'
import type { RustPeer } from './support/rust-peer.ts'
import type { RustTopic } from './support/rust-topic.ts'

/** Milliseconds between two attempts to be heard. */
const SAY_AGAIN_MS = 200

describe('what harms a Rust peer, and does not come from us', () => {
  const stage = useStage()

  async function pair (): Promise<{ rust: RustPeer, topic: string, inRust: RustTopic, inJs: JsTopic }> {
    const rust = await stage.rust()
    const js = await stage.js()
    const topic = randomTopic()
    const inRust = await rust.join(topic)
    const inJs = await js.join(topic, { bootstrap: [rust] })
    await linkedBoth(inRust, inJs)

    return { rust, topic, inRust, inJs }
  }

  /** Speaks until the other hears it: what was said meanwhile may be lost. */
  async function isHeard (from: MemberTopic, to: MemberTopic): Promise<void> {
    const said = new Set<string>()
    const isOver = (): boolean => to.received.some(({ content }) => said.has(Buffer.from(content).toString('hex')))

    do {
      const content = crypto.getRandomValues(new Uint8Array(16))
      said.add(Buffer.from(content).toString('hex'))
      await from.broadcast(content)
    } while (!await isDoneWithin(SAY_AGAIN_MS, to.until('it is heard', isOver, SAY_AGAIN_MS)))
  }

  it('no connection is refused when twelve call in one second, with the rate of libp2p (rule 7)', async () => {
    const js = await stage.js({ inboundConnectionThreshold: 5, gossip: { membership: { activeViewCapacity: 12 } } })
    const rusts = await Promise.all(Array.from({ length: 12 }, async () => stage.rust()))
    const topic = randomTopic()
    const inJs = await js.join(topic)
    const inRusts = await Promise.all(rusts.map(async (rust) => rust.join(topic, { bootstrap: [js] })))
    await Promise.all(inRusts.map(async (inRust) => linkedBoth(inRust, inJs)))
  })

  for (const which of ['older', 'newer']) {
    it(`no link stays one-sided when the ${which} of two connections is lost (rule 8)`, async () => {
      const { rust, topic, inRust, inJs } = await pair()
      const { libp2p } = inJs.member
      const left = randomTopic()
      const leaving = await inJs.member.join(left, { bootstrap: [rust] })
      await linkedBoth(await rust.join(left), leaving)
      // it lets go of its connection, and calls for what it has to say in the other topic
      await leaving.leave()

      while (libp2p.getConnections().length < 2) {
        await isHeard(inRust, inJs)
      }

      const connections = libp2p.getConnections().toSorted((a, b) => a.timeline.open - b.timeline.open)
      await isHeard(inRust, inJs)
      connections[which === 'older' ? 0 : 1].abort(new Error('lost'))
      await isHeard(inRust, inJs)
      await isHeard(inJs, inRust)
      await linkedBoth(inRust, inJs)
      await isLetIn(stage, { rust, topic, inRust })
    })
  }

  it('nothing that was said before we stop is lost by the close (rule 12)', async () => {
    for (let round = 0; round < 10; round++) {
      const { inRust, inJs } = await pair()
      const last = crypto.getRandomValues(new Uint8Array(16))
      await inJs.broadcast(last)
      await inJs.member.stop()
      await delivery(inRust, last)
    }
  })

  it('no more streams than it allows: it shares 120 topics with us (rule 12)', async () => {
    const rust = await stage.rust()
    const js = await stage.js()
    const pairs = await Promise.all(Array.from({ length: 120 }, async () => {
      const topic = randomTopic()
      const inRust = await rust.join(topic)
      const inJs = await js.join(topic, { bootstrap: [rust] })
      await linkedBoth(inRust, inJs)

      return [inRust, inJs]
    }))
    await Promise.all(pairs.map(async (both) => everyoneHearsEveryone(both)))
    expect(js.libp2p.getConnections()).to.have.lengthOf(1)
  })

  it('no peer data that fills its frames: what others told us is not passed on (rule 13)', async () => {
    const js = await stage.js({ gossip: { membership: { activeViewCapacity: 12 } } })
    const topic = randomTopic()
    const inJs = await js.join(topic)
    const others = await Promise.all(Array.from({ length: 8 }, async () => {
      const raw = await stage.raw()
      const data = new Uint8Array(520)
      data.set(raw.data)
      await joinByHand(raw, topic, inJs, data)

      return raw
    }))
    const rust = await stage.rust()
    const inRust = await rust.join(topic, { bootstrap: [js] })
    await linkedBoth(inRust, inJs)
    // with a goodbye that names others
    await inJs.leave()
    await inRust.until('we are gone', () => !inRust.neighbors().includes(js.endpointId))
    const raw = await stage.raw()
    const connection = await joinByHand(raw, topic, inRust)
    await connection.send(topic, { type: 'shuffle', origin: raw.endpointId, nodes: others.map(({ endpointId }) => ({ id: endpointId })), ttl: 0 })
    await raw.until('it can still write', () => connection.messages(topic, 'shuffleReply').length === 1)
    await inRust.flood({ tag: randomTag(), first: 0, count: 240, size: 64 })
    await isLetIn(stage, { rust, topic, inRust })
  })

  it('no message that its next hop could not write (rule 14)', async () => {
    const { rust, topic, inRust, inJs } = await pair()
    const raw = await stage.raw()
    const connection = await joinByHand(raw, topic, inJs)
    const fatal = gossipOf(4_095, 127)
    await connection.send(topic, fatal)
    await delivery(inJs, fatal.content)
    const next = await isLetIn(stage, { rust, topic, inRust })
    const after = crypto.getRandomValues(new Uint8Array(16))
    await inJs.broadcast(after)
    await Promise.all([delivery(inRust, after), delivery(next, after)])
    expect([...inRust.received, ...next.received].map(({ content }) => content.length)).to.not.include(fatal.content.length)
  })

  it('no slot that stays taken: it joins through three of us and has room for others (rule 17)', async () => {
    const contacts = await Promise.all(Array.from({ length: 3 }, async () => stage.js()))
    const topic = randomTopic()
    const inContacts = await Promise.all(contacts.map(async (contact) => contact.join(topic)))
    const rust = await stage.rust()
    const inRust = await rust.join(topic, { bootstrap: contacts })
    await Promise.all(inContacts.map(async (inContact) => linkedBoth(inRust, inContact)))
    const candidates = await Promise.all(Array.from({ length: 4 }, async () => stage.raw({
      onMessage: (message, name, connection) => {
        if (message.type === 'neighbor') {
          connection.send(name, { type: 'neighbor', priority: 'low' }).catch(() => {})
        }
      }
    })))
    const stranger = await stage.raw()
    const connection = await stranger.dial(rust)

    // it asks one for each reply
    for (const links of [4, 5]) {
      await connection.send(topic, { type: 'shuffleReply', nodes: candidates.map(infoOf) })
      await linked(inRust, links)
    }
  })

  it('no answer that ends its search: of the candidates one is in the topic (rule 19)', async () => {
    const topic = randomTopic()
    const others = await Promise.all(Array.from({ length: 4 }, async () => stage.js()))
    const member = await stage.rust()
    const inMember = await member.join(topic)
    const rust = await stage.rust()
    const inRust = await rust.join(topic)
    const stranger = await stage.raw()
    const connection = await stranger.dial(rust)
    await connection.send(topic, { type: 'shuffleReply', nodes: [...others, member].map(infoOf) })
    await linkedBoth(inRust, inMember)
  })

  it('no silence for who pruned us: neighbors messages come all the same (rule 27)', async () => {
    const js = await stage.js()
    const topic = randomTopic()
    const inJs = await js.join(topic)
    const raw = await stage.raw()
    const connection = await joinByHand(raw, topic, inJs)
    await connection.send(topic, { type: 'prune' })
    // announced, not sent: the Prune was read
    while (connection.messages(topic, 'iHave').length === 0) {
      const count = raw.frames(topic).length
      await inJs.broadcast(crypto.getRandomValues(new Uint8Array(16)))
      await raw.until('it comes in some form', () => raw.frames(topic).length > count)
    }

    const content = crypto.getRandomValues(new Uint8Array(16))
    await inJs.broadcastNeighbors(content)
    await raw.until('it comes', () => connection.messages(topic, 'gossip').some((message) => message.scope.type === 'neighbors' && Buffer.compare(message.content, content) === 0))
  })
})
