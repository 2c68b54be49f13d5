import { expect } from 'chai'
import { TopicId } from '../src/index.ts'
import { linked, linkedBoth } from './support/member.ts'
import { isServed } from './support/newcomer.ts'
import { randomTag } from './support/numbered.ts'
import { useStage } from './support/stage.ts'
import { everyoneHearsEveryone, everyoneHearsEveryoneInTheEnd, whole } from './support/swarm.ts'
import { randomTopic } from './support/topic.ts'
import type { JsNode } from './support/js-node.ts'
import type { JsProcess } from './support/js-process.ts'
import type { Member } from './support/member.ts'
import type { Host } from './support/newcomer.ts'

/** More than a Rust peer queues for anybody: who blocks it shows by then. */
const BURST = { first: 0, count: 240, size: 64 }

describe('whatever we do, a third Rust peer can join a Rust peer and is served', () => {
  const stage = useStage()

  async function scene (): Promise<Host> {
    const rust = await stage.rust()
    const topic = randomTopic()

    return { rust, topic, inRust: await rust.join(topic) }
  }

  /** The Rust peer says more than it can queue, and lets a third one in; none of its streams was stopped. */
  async function isAlive (host: Host): Promise<void> {
    await host.inRust.flood({ tag: randomTag(), ...BURST })
    await isServed(stage, host)
    const { open, closedFrames } = await host.rust.connections()
    const all = [...open.map(({ frames }) => frames), closedFrames]
    expect(all.reduce((sum, frames) => sum + frames.stopSendingReceived, 0), 'streams that we stopped').to.equal(0)
    expect(all.reduce((sum, frames) => sum + frames.resetStreamReceived, 0), 'streams that we reset').to.equal(0)
  }

  describe('we leave', () => {
    it('a topic', async () => {
      const set = await scene()
      const js = await stage.js()
      const inJs = await js.join(set.topic, { bootstrap: [set.rust] })
      await linkedBoth(inJs, set.inRust)
      await inJs.leave()
      await isAlive(set)
    })

    it('a topic before anybody answered', async () => {
      const set = await scene()
      const js = await stage.js()

      for (let round = 0; round < 10; round++) {
        const inJs = await js.join(set.topic, { bootstrap: [set.rust] })
        await inJs.leave()
      }

      await isAlive(set)
    })

    it('a topic again and again', async () => {
      const set = await scene()
      const js = await stage.js()

      for (let round = 0; round < 10; round++) {
        const inJs = await js.join(set.topic, { bootstrap: [set.rust] })
        await linked(inJs)
        await inJs.leave()
      }

      await isAlive(set)
    })

    it('one of three topics, and the others go on', async () => {
      const set = await scene()
      const js = await stage.js()
      const topics = [set.topic, randomTopic(), randomTopic()]
      const inRust = [set.inRust, await set.rust.join(topics[1]), await set.rust.join(topics[2])]
      const inJs = await Promise.all(topics.map(async (topic) => js.join(topic, { bootstrap: [set.rust] })))
      await Promise.all(topics.map(async (_, i) => linkedBoth(inJs[i], inRust[i])))
      await inJs[0].leave()
      await isAlive(set)

      for (const i of [1, 2]) {
        await everyoneHearsEveryone([inJs[i], inRust[i]])
        await isServed(stage, { rust: set.rust, topic: topics[i], inRust: inRust[i] })
      }
    })
  })

  describe('we close', () => {
    it('the node', async () => {
      const set = await scene()
      const js = await stage.js()
      await linkedBoth(await js.join(set.topic, { bootstrap: [set.rust] }), set.inRust)
      await js.stop()
      await isAlive(set)
    })

    it('the connection, from outside of the service', async () => {
      const set = await scene()
      const js = await stage.js()
      const inJs = await js.join(set.topic, { bootstrap: [set.rust] })
      await linkedBoth(inJs, set.inRust)
      await js.libp2p.hangUp(js.libp2p.getConnections()[0].remotePeer)
      await isAlive(set)
    })

    it('the connection by abort', async () => {
      const set = await scene()
      const js = await stage.js()
      const inJs = await js.join(set.topic, { bootstrap: [set.rust] })
      await linkedBoth(inJs, set.inRust)
      js.libp2p.getConnections()[0].abort(new Error('on purpose'))
      await isAlive(set)
    })
  })

  describe('we are killed', () => {
    async function killed (): Promise<Host & { js: JsProcess }> {
      const set = await scene()
      const js = await stage.jsProcess()
      await linkedBoth(await js.join(set.topic, { bootstrap: [set.rust] }), set.inRust)

      return { ...set, js }
    }

    it('while nothing is said', async () => {
      const { js, ...set } = await killed()
      await js.kill()
      await isServed(stage, set)
    })

    it('and come back with the same key', async () => {
      const set = await scene()
      const secretKey = '2a'.repeat(32)
      const first = await stage.jsProcess({ secretKey })
      await linkedBoth(await first.join(set.topic, { bootstrap: [set.rust] }), set.inRust)
      await first.kill()
      const second = await stage.jsProcess({ secretKey })
      expect(second.endpointId).to.equal(first.endpointId)
      const inSecond = await second.join(set.topic, { bootstrap: [set.rust] })
      await linkedBoth(inSecond, set.inRust)
      await everyoneHearsEveryone([inSecond, set.inRust])
      await isServed(stage, set)
    })
  })

  describe('we refuse', () => {
    it('most of those who join through us at once, and all find each other', async () => {
      const topic = randomTopic()
      const js = await stage.js({ gossip: { membership: { activeViewCapacity: 3 } } })
      const inJs = await js.join(topic)
      const rusts = await Promise.all(Array.from({ length: 8 }, async () => stage.rust()))
      const inRusts = await Promise.all(rusts.map(async (rust) => rust.join(topic, { bootstrap: [js] })))
      await whole([inJs, ...inRusts])
      await everyoneHearsEveryoneInTheEnd([inJs, ...inRusts])
      await isAlive({ rust: rusts[0], topic, inRust: inRusts[0] })
      const { open, closed } = await rusts[0].connections()
      expect(open.length + closed, 'connections of one peer').to.be.lessThan(30)
    })

    it('a topic that we are not in, and the next contact lets the Rust peer in', async () => {
      const js = await stage.js()
      const set = await scene()
      const joiner = await stage.rust()
      const inJoiner = await joiner.join(set.topic, { bootstrap: [js, set.rust] })
      await linkedBoth(inJoiner, set.inRust)
      await isAlive({ rust: joiner, topic: set.topic, inRust: inJoiner })
      await isAlive(set)
    })
  })

  describe('we are overloaded', () => {
    it('our application takes nothing', async () => {
      const set = await scene()
      const js = await stage.js()
      const topic = await js.pubsub.join(TopicId.parse(set.topic), { bootstrap: [set.rust.multiaddrs] })
      await topic.joined()
      await set.inRust.flood({ tag: randomTag(), first: 0, count: 5_000, size: 1_000 })
      await isAlive(set)
    })

    it('our process stands still for a while and goes on', async () => {
      const set = await scene()
      const js = await stage.jsProcess()
      const inJs = await js.join(set.topic, { bootstrap: [set.rust], count: true })
      await linkedBoth(inJs, set.inRust)
      js.signal('SIGSTOP')
      const tag = randomTag()
      // what the Rust peer keeps for it; then 2 MB more, which its windows cannot hold
      await set.inRust.flood({ tag, first: 0, count: 100, size: 4_000 })
      const flood = set.inRust.flood({ tag, first: 100, count: 500, size: 4_000 })
      js.signal('SIGCONT')
      await Promise.all([flood, inJs.counted(tag, 600)])
      await isAlive(set)
    })

    it('by a flood of ours while its application takes nothing', async () => {
      const set = await scene()
      const js = await stage.js()
      const inJs = await js.join(set.topic, { bootstrap: [set.rust] })
      await linkedBoth(inJs, set.inRust)
      await set.inRust.read(false)
      await inJs.flood({ tag: randomTag(), first: 0, count: 5_000, size: 1_000 })
      await set.inRust.read(true)
      await isAlive(set)
    })
  })

  describe('we are confused', () => {
    it('by messages that are too large for us', async () => {
      const set = await scene()
      const js = await stage.js({ gossip: { maxMessageSize: 512 } })
      const inJs = await js.join(set.topic, { bootstrap: [set.rust] })
      await linkedBoth(inJs, set.inRust)
      await set.inRust.flood({ tag: randomTag(), first: 0, count: 300, size: 4_000 })
      await isAlive(set)
      await everyoneHearsEveryone([inJs, set.inRust])
    })

    it('by each other: both kinds join through each other in many topics at once', async () => {
      const set = await scene()
      const js: JsNode = await stage.js()
      const members: Member[] = [js, set.rust]
      const topics = Array.from({ length: 20 }, randomTopic)
      const joined = await Promise.all(topics.map(async (topic, i) => {
        const [a, b] = i % 2 === 0 ? members : [...members].reverse()
        const pair = await Promise.all([a.join(topic, { bootstrap: [b] }), b.join(topic, { bootstrap: [a] })])
        await linkedBoth(pair[0], pair[1])

        return pair
      }))
      await Promise.all(joined.map(async (pair) => everyoneHearsEveryone(pair)))
      await isAlive(set)
    })
  })
})
