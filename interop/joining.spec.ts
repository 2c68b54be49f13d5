import { expect } from 'chai'
import { delivery, linked, linkedBoth } from './support/member.ts'
import { useStage } from './support/stage.ts'
import { everyoneHearsEveryone, whole } from './support/swarm.ts'
import { randomTopic } from './support/topic.ts'
import type { MemberTopic } from './support/member.ts'

/** QUIC notices a killed peer after 15 to 30 s. */
const LOSS_PATIENCE_MS = 60_000

describe('joining a swarm of the other kind', () => {
  const stage = useStage()

  it('a JS peer joins through a Rust peer', async () => {
    const rust = await stage.rust()
    const js = await stage.js()
    const topic = randomTopic()
    const inRust = await rust.join(topic)
    const inJs = await js.join(topic, { bootstrap: [rust] })
    await linkedBoth(inRust, inJs)
    await everyoneHearsEveryone([inRust, inJs])
  })

  it('a Rust peer joins through a JS peer', async () => {
    const rust = await stage.rust()
    const js = await stage.js()
    const topic = randomTopic()
    const inJs = await js.join(topic)
    const inRust = await rust.join(topic, { bootstrap: [js] })
    await linkedBoth(inRust, inJs)
    await everyoneHearsEveryone([inRust, inJs])
  })

  it('both join through each other at the same time', async () => {
    // whose connection comes first is left to chance
    for (let round = 0; round < 12; round++) {
      const rust = await stage.rust()
      const js = await stage.js()
      const topic = randomTopic()
      const [inRust, inJs] = await Promise.all([
        rust.join(topic, { bootstrap: [js] }),
        js.join(topic, { bootstrap: [rust] })
      ])
      await linkedBoth(inRust, inJs)
      await everyoneHearsEveryone([inRust, inJs])
    }
  })

  it('two Rust peers meet through a JS peer, and stay together when it leaves', async () => {
    const js = await stage.js()
    const a = await stage.rust()
    const b = await stage.rust()
    const topic = randomTopic()
    const inJs = await js.join(topic)
    const inA = await a.join(topic, { bootstrap: [js] })
    await linkedBoth(inA, inJs)
    const inB = await b.join(topic, { bootstrap: [js] })
    await linkedBoth(inB, inJs)
    await linkedBoth(inA, inB)
    await inJs.leave()
    await Promise.all([inA, inB].map(async (topic) => {
      await topic.until('the JS peer is gone', () => !topic.neighbors().includes(js.endpointId))
    }))
    await everyoneHearsEveryone([inA, inB])
  })

  it('two JS peers meet through a Rust peer, and stay together when it leaves', async () => {
    const rust = await stage.rust()
    const a = await stage.js()
    const b = await stage.js()
    const topic = randomTopic()
    const inRust = await rust.join(topic)
    const inA = await a.join(topic, { bootstrap: [rust] })
    await linkedBoth(inA, inRust)
    const inB = await b.join(topic, { bootstrap: [rust] })
    await linkedBoth(inB, inRust)
    await linkedBoth(inA, inB)
    await inRust.leave()
    await Promise.all([inA, inB].map(async (topic) => {
      await topic.until('the Rust peer is gone', () => topic.downs.length > 0)
      expect(topic.downs).to.deep.equal([{ peer: rust.endpointId, reason: 'left' }])
    }))
    await everyoneHearsEveryone([inA, inB])
  })

  it('a Rust peer that shuts down is missed', async () => {
    const js = await stage.js()
    const topic = randomTopic()
    const inJs = await js.join(topic)
    const polite = await stage.rust()
    const inPolite = await polite.join(topic, { bootstrap: [js] })
    await linkedBoth(inPolite, inJs)
    await polite.shutdown()
    // the crate closes at once, so its goodbye may be lost, and the close too
    await inJs.until('it is gone', () => inJs.downs.length === 1, LOSS_PATIENCE_MS)
    expect(inJs.downs[0]).to.have.property('peer', polite.endpointId)
    expect(inJs.downs[0].reason).to.be.oneOf(['left', 'connectionClosed'])
  })

  it('a Rust peer that is killed is missed here, and one of ours there, no sooner than 10 s later (rule 11)', async () => {
    const [topic, other] = [randomTopic(), randomTopic()]
    const [js, killedRust] = [await stage.js(), await stage.rust()]
    const inJs = await js.join(topic)
    const [rust, killedJs] = [await stage.rust(), await stage.jsProcess()]
    const inRust = await rust.join(other)
    await linkedBoth(await killedRust.join(topic, { bootstrap: [js] }), inJs)
    await linkedBoth(await killedJs.join(other, { bootstrap: [rust] }), inRust)
    const killedAt = performance.now()
    await Promise.all([killedRust.kill(), killedJs.kill()])

    async function missedAfter (seen: MemberTopic): Promise<number> {
      await seen.until('the killed one is gone', () => seen.neighbors().length === 0, LOSS_PATIENCE_MS)

      return performance.now() - killedAt
    }

    const [here, there] = await Promise.all([missedAfter(inJs), missedAfter(inRust)])
    expect(inJs.downs).to.deep.equal([{ peer: killedRust.endpointId, reason: 'connectionClosed' }])
    // nothing but QUIC tells of it, 15 s or more after the last packet, which came up to 5 s before
    expect(Math.min(here, there)).to.be.at.least(10_000)
  })

  it('several topics share a connection, and leaving one leaves the others alone', async () => {
    const rust = await stage.rust()
    const js = await stage.js()
    const topics = [randomTopic(), randomTopic(), randomTopic()]
    const inRust = await Promise.all(topics.map(async (topic) => rust.join(topic)))
    const inJs = await Promise.all(topics.map(async (topic) => js.join(topic, { bootstrap: [rust] })))
    await Promise.all(topics.map(async (_, i) => linkedBoth(inRust[i], inJs[i])))
    await Promise.all(topics.map(async (_, i) => everyoneHearsEveryone([inRust[i], inJs[i]])))
    await inJs[0].leave()
    await inRust[0].until('the JS peer has left the first topic', () => inRust[0].neighbors().length === 0)
    await everyoneHearsEveryone([inRust[1], inJs[1]])
    await everyoneHearsEveryone([inRust[2], inJs[2]])
    await inRust[1].leave()
    await inJs[1].until('the Rust peer has left the second topic', () => inJs[1].neighbors().length === 0)
    await everyoneHearsEveryone([inRust[2], inJs[2]])
  })

  it('joins further peers on a topic that is joined already', async () => {
    const rust = await stage.rust()
    const js = await stage.js()
    const topic = randomTopic()
    const inRust = await rust.join(topic)
    const inJs = await js.join(topic)
    await inJs.joinPeers([rust])
    await linkedBoth(inRust, inJs)
    const later = await stage.rust()
    const inLater = await later.join(topic)
    await inLater.joinPeers([js])
    await whole([inRust, inJs, inLater])
    await everyoneHearsEveryone([inRust, inJs, inLater])
  })

  it('a message that was broadcast before there was a neighbor reaches the first one', async () => {
    const rust = await stage.rust()
    const js = await stage.js()
    const topic = randomTopic()
    const inJs = await js.join(topic)
    const content = new TextEncoder().encode('said into the void')
    await inJs.broadcast(content)
    const inRust = await rust.join(topic, { bootstrap: [js] })
    await linked(inRust)
    expect((await delivery(inRust, content)).deliveredFrom).to.equal(js.endpointId)
  })
})
