/* eslint no-lone-blocks: off -- a block is the scope whose end is tested */
import { expect, use } from 'chai'
import chaiAsPromised from 'chai-as-promised'
import { bytes, createMemoryNode, stopNodes, until } from './support/nodes.ts'

use(chaiAsPromised)

/** A signal that counts who listens to it. */
class WatchedController extends AbortController {
  listeners = 0

  constructor () {
    super()
    const { signal } = this
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      this.listeners++
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      this.listeners--
      remove(...args)
    }
  }
}

describe('signals', () => {
  afterEach(stopNodes)

  it('that have fired let nothing begin', async () => {
    const { services: { pubsub } } = await createMemoryNode({ allowPublishToZeroTopicPeers: true })
    const other = await createMemoryNode()
    const topic = await pubsub.join('fruit')
    const signal = AbortSignal.abort()

    for (const act of [
      async () => pubsub.join('nuts', { signal }),
      async () => pubsub.publish('nuts', bytes('almond'), { signal }),
      async () => topic.broadcast(bytes('apple'), { signal }),
      async () => topic.broadcastNeighbors(bytes('apple'), { signal }),
      async () => topic.joinPeers([other.getMultiaddrs()], { signal }),
      async () => topic.joined({ signal }),
      async () => topic.next({ signal }),
      async () => topic.events({ signal }).next()
    ]) {
      await expect(act()).to.eventually.be.rejected.with.property('name', 'AbortError')
    }

    expect(pubsub.getTopicIds().map(String)).to.deep.equal([topic.id.toString()])
    expect(pubsub.getStats('fruit')).to.deep.include({ delivered: 0, neighbors: 0 })
  })

  it('that fire while something is waited for end the wait with their reason, and leave no listener', async () => {
    const { services: { pubsub } } = await createMemoryNode()
    const topic = await pubsub.join('fruit')
    const controller = new WatchedController()
    const { signal } = controller
    const waits = [topic.joined({ signal }), topic.next({ signal }), topic.events({ signal }).next()]
    expect(controller.listeners).to.equal(3)
    const reason = new Error('enough')
    controller.abort(reason)

    for (const result of await Promise.allSettled(waits)) {
      expect(result).to.deep.equal({ status: 'rejected', reason })
    }

    await topic.leave()
    expect(await topic.next()).to.equal(undefined)
  })

  it('that do not fire are let go of when what was waited for comes, and no event is lost to one that did', async () => {
    const [a, b] = [await createMemoryNode(), await createMemoryNode()]
    const topicA = await a.services.pubsub.join('fruit')
    const topicB = await b.services.pubsub.join('fruit')
    const fired = new AbortController()
    const lost = topicB.next({ signal: fired.signal })
    const controller = new WatchedController()
    const { signal } = controller
    const joined = topicB.joined({ signal })
    fired.abort()
    await expect(lost).to.eventually.be.rejected.with.property('name', 'AbortError')
    await topicA.joinPeers([b.getMultiaddrs()], { signal })
    await joined
    await topicA.joined()
    await topicA.broadcast(bytes('apple'), { signal })
    await a.services.pubsub.publish('fruit', bytes('pear'), { signal })
    const types: string[] = []

    for await (const event of topicB.events({ signal })) {
      types.push(event.type)

      if (types.length === 3) {
        break
      }
    }

    expect(types).to.deep.equal(['neighborUp', 'received', 'received'])
    expect(controller.listeners).to.equal(0)
  })

  it('that fire while a message waits for a first neighbor end that', async () => {
    const [a, b] = [await createMemoryNode(), await createMemoryNode()]
    await a.dial(b.getMultiaddrs())
    await until('b is known to speak the protocol', () => a.services.pubsub.getPeers().length === 1)
    const controller = new AbortController()
    const published = a.services.pubsub.publish('fruit', bytes('apple'), { signal: controller.signal })
    controller.abort()
    await expect(published).to.eventually.be.rejected.with.property('name', 'AbortError')
    expect(a.services.pubsub.getStats('fruit')).to.deep.include({ delivered: 0 })
  })

  it('cut a shutdown short, and it is one nevertheless', async () => {
    const [a, b] = [await createMemoryNode(), await createMemoryNode()]
    const topic = await a.services.pubsub.join('fruit', { bootstrap: [b.getMultiaddrs()] })
    await b.services.pubsub.join('fruit')
    await topic.joined()
    await a.services.pubsub.shutdown({ signal: AbortSignal.abort() })
    expect(a.services.pubsub.isStarted()).to.equal(false)
    await expect(topic.broadcast(bytes('late'))).to.eventually.be.rejected.with.property('name', 'TopicClosedError')
  })
})

describe('the end of a scope', () => {
  afterEach(stopNodes)

  it('closes handles and halves, and leaves the topic with the last', async () => {
    const { services: { pubsub } } = await createMemoryNode()

    {
      await using first = await pubsub.join('fruit')

      {
        await using second = await pubsub.join('fruit')
        expect(second.isJoined).to.equal(false)
      }

      expect(pubsub.getTopicIds().map(String)).to.deep.equal([first.id.toString()])
    }

    expect(pubsub.getTopicIds()).to.deep.equal([])
    const { sender, receiver } = (await pubsub.join('fruit')).split()

    {
      await using half = sender
      await half.broadcast(bytes('apple'))
    }

    await expect(sender.broadcast(bytes('pear'))).to.eventually.be.rejected.with.property('name', 'TopicClosedError')
    expect(pubsub.getTopicIds()).to.have.length(1)

    {
      await using half = receiver
      expect(half.neighbors()).to.deep.equal([])
    }

    expect(pubsub.getTopicIds()).to.deep.equal([])
  })

  it('shuts the service down', async () => {
    const { services } = await createMemoryNode()

    {
      await using pubsub = services.pubsub
      pubsub.subscribe('fruit')
    }

    expect(services.pubsub.isStarted()).to.equal(false)
  })
})
