import { expect } from 'chai'
import { delivery, linkedBoth } from './support/member.ts'
import { useStage } from './support/stage.ts'
import { everyoneHearsEveryone, pour, whole } from './support/swarm.ts'
import { randomTopic } from './support/topic.ts'
import type { JsTopic } from './support/js-topic.ts'
import type { RustTopic } from './support/rust-topic.ts'

/** The largest content that fits a frame of 4,096 bytes at any round. */
const LARGEST = 4055

/** The largest content that a Rust peer can write at a round below 128. */
const LARGEST_OF_RUST = 4057

describe('broadcasting between the two kinds', () => {
  const stage = useStage()

  async function pair (options: { count: boolean }): Promise<{ inRust: RustTopic, inJs: JsTopic }> {
    const rust = await stage.rust()
    const js = await stage.js()
    const topic = randomTopic()
    const inRust = await rust.join(topic, options)
    const inJs = await js.join(topic, { bootstrap: [rust], ...options })
    await linkedBoth(inRust, inJs)

    return { inRust, inJs }
  }

  describe('scopes', () => {
    it('the swarm scope arrives with its round, both ways', async () => {
      const { inRust, inJs } = await pair({ count: false })

      for (const [from, to] of [[inRust, inJs], [inJs, inRust]]) {
        const content = new TextEncoder().encode(`from ${from.member.name}`)
        await from.broadcast(content)
        const received = await delivery(to, content)
        expect(received.scope).to.deep.equal({ type: 'swarm', round: 0 })
        expect(received.deliveredFrom).to.equal(from.member.endpointId)
      }
    })

    it('the neighbors scope arrives as such, both ways', async () => {
      const { inRust, inJs } = await pair({ count: false })

      for (const [from, to] of [[inRust, inJs], [inJs, inRust]]) {
        const content = new TextEncoder().encode(`to neighbors, from ${from.member.name}`)
        await from.broadcastNeighbors(content)
        const received = await delivery(to, content)
        expect(received.scope).to.deep.equal({ type: 'neighbors' })
        expect(received.deliveredFrom).to.equal(from.member.endpointId)
      }
    })

    it('the neighbors scope ends at the neighbor, the swarm scope goes on', async () => {
      const rust = await stage.rust()
      const bridge = await stage.js({ transports: ['iroh', 'tcp'] })
      const end = await stage.js({ transports: ['tcp'] })
      const topic = randomTopic()
      const inBridge = await bridge.join(topic)
      const inRust = await rust.join(topic, { bootstrap: [bridge] })
      const inEnd = await end.join(topic, { bootstrap: [bridge] })
      await linkedBoth(inRust, inBridge)
      await linkedBoth(inEnd, inBridge)

      for (const [from, to] of [[inRust, inEnd], [inEnd, inRust]]) {
        const near = new TextEncoder().encode(`near, from ${from.member.name}`)
        const far = new TextEncoder().encode(`far, from ${from.member.name}`)
        await from.broadcastNeighbors(near)
        await from.broadcast(far)
        await delivery(inBridge, near)
        // one stream after the other keeps the order: what comes first was sent first
        expect((await delivery(to, far)).scope).to.deep.equal({ type: 'swarm', round: 1 })
        expect(to.received.map(({ content }) => new TextDecoder().decode(content))).to.deep.equal([new TextDecoder().decode(far)])
      }
    })
  })

  describe('10,000 messages of 256 bytes', () => {
    const series = { count: 10_000, size: 256 }
    const once = { received: 10_000, distinct: 10_000, lagged: 0 }

    it('from Rust to JS are delivered once each', async () => {
      const { inRust, inJs } = await pair({ count: true })
      const { tag } = await pour(inRust, inJs, series)
      expect(await inJs.counts(tag)).to.deep.equal(once)
    })

    it('from JS to Rust are delivered once each', async () => {
      const { inRust, inJs } = await pair({ count: true })
      const { tag } = await pour(inJs, inRust, series)
      expect(await inRust.counts(tag)).to.deep.equal(once)
    })

    it('in both directions at the same time are delivered once each', async () => {
      const { inRust, inJs } = await pair({ count: true })
      const [toJs, toRust] = await Promise.all([pour(inRust, inJs, series), pour(inJs, inRust, series)])
      expect(await inJs.counts(toJs.tag)).to.deep.equal(once)
      expect(await inRust.counts(toRust.tag)).to.deep.equal(once)
    })
  })

  describe('the largest message', () => {
    it('that survives any number of hops is delivered, both ways', async () => {
      const { inRust, inJs } = await pair({ count: false })

      for (const [from, to] of [[inRust, inJs], [inJs, inRust]]) {
        const content = crypto.getRandomValues(new Uint8Array(LARGEST))
        await from.broadcast(content)
        await delivery(to, content)
      }
    })

    it('is refused by us with an error from one byte more on, which harms nothing', async () => {
      const { inRust, inJs } = await pair({ count: false })

      for (const broadcast of ['broadcast', 'broadcastNeighbors'] as const) {
        const error = await inJs[broadcast](new Uint8Array(LARGEST + 1)).then(() => undefined, (err: Error) => err)
        expect(error).to.include({ name: 'MessageTooLargeError', size: LARGEST + 1, max: LARGEST })
      }

      await everyoneHearsEveryone([inRust, inJs])
      expect(inRust.received).to.have.lengthOf(1)
    })

    it('that Rust can write is delivered here', async () => {
      const { inRust, inJs } = await pair({ count: false })
      const content = crypto.getRandomValues(new Uint8Array(LARGEST_OF_RUST))
      await inRust.broadcast(content)
      await delivery(inJs, content)
    })

    it('of a Rust peer passes through us to the next', async () => {
      const a = await stage.rust()
      const bridge = await stage.js({ transports: ['iroh', 'tcp'] })
      const end = await stage.js({ transports: ['tcp'] })
      const topic = randomTopic()
      const inBridge = await bridge.join(topic)
      const inA = await a.join(topic, { bootstrap: [bridge] })
      const inEnd = await end.join(topic, { bootstrap: [bridge] })
      await whole([inBridge, inA, inEnd])
      const content = crypto.getRandomValues(new Uint8Array(LARGEST))
      await inA.broadcast(content)
      expect((await delivery(inEnd, content)).scope).to.deep.equal({ type: 'swarm', round: 1 })
    })

    it('exceeded by a Rust peer goes nowhere, and we go on serving it and others', async () => {
      const rust = await stage.rust()
      const js = await stage.js()
      const topic = randomTopic()
      const inJs = await js.join(topic)
      const inRust = await rust.join(topic, { bootstrap: [js] })
      await linkedBoth(inRust, inJs)
      // the crate says yes; then its sender ends on the frame that it cannot write
      await inRust.broadcast(new Uint8Array(LARGEST_OF_RUST + 1))
      const third = await stage.rust()
      const inThird = await third.join(topic, { bootstrap: [js] })
      await linkedBoth(inThird, inJs)
      const content = new TextEncoder().encode('still here')
      await inJs.broadcast(content)
      await Promise.all([delivery(inRust, content), delivery(inThird, content)])
      expect(inJs.received).to.deep.equal([])
    })
  })
})
