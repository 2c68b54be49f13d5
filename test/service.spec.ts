import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, use } from 'chai'
import chaiAsPromised from 'chai-as-promised'
import { TopicId } from '../src/index.ts'
import { Heard, bytes, createMemoryNode, createNode, stopNodes, text, until } from './support/nodes.ts'
import type { TestNode } from './support/nodes.ts'
import type { Message, SubscriptionChangeData } from '../src/index.ts'

use(chaiAsPromised)

/** Texts of the `message` events that a node fires. */
function messagesOf (node: TestNode): Message[] {
  const messages: Message[] = []
  node.services.pubsub.addEventListener('message', (evt) => { messages.push(evt.detail) })

  return messages
}

describe('the service', () => {
  afterEach(stopNodes)

  for (const [transport, create] of [['TCP', createNode], ['the memory transport', createMemoryNode]] as const) {
    describe(`on ${transport}`, () => {
      it('carries messages both ways between a node and the peer that it joined through', async () => {
        const [a, b] = await Promise.all([create(), create()])
        const topicA = await a.services.pubsub.join('fruit')
        const topicB = await b.services.pubsub.join('fruit', { bootstrap: [a.getMultiaddrs()] })
        const [heardA, heardB] = [new Heard(topicA), new Heard(topicB)]

        await Promise.all([topicA.joined(), topicB.joined()])
        await topicA.broadcast(bytes('apple'))
        await topicB.broadcast(bytes('banana'))

        await until('both have the other\'s message', () => heardA.texts.length === 1 && heardB.texts.length === 1)
        expect(heardA.texts).to.deep.equal(['banana'])
        expect(heardB.texts).to.deep.equal(['apple'])
        expect(heardB.events[0]).to.deep.equal({ type: 'neighborUp', peer: a.peerId })
        expect(heardB.events[1]).to.deep.include({ type: 'received', deliveredFrom: a.peerId, scope: { type: 'swarm', round: 0 } })
      })

      it('carries a message over several hops, once to each', async () => {
        const nodes = await Promise.all(Array.from({ length: 8 }, async () => create({ membership: { activeViewCapacity: 3 } })))
        const topics = [await nodes[0].services.pubsub.join('fruit')]

        for (const node of nodes.slice(1)) {
          const topic = await node.services.pubsub.join('fruit', { bootstrap: [nodes[0].getMultiaddrs()] })
          await topic.joined()
          topics.push(topic)
        }

        const heard = topics.map((topic) => new Heard(topic))
        await Promise.all(topics.map(async (topic, i) => { await topic.broadcast(bytes(`from ${i}`)) }))

        await until('everyone has everything', () => heard.every(({ texts }) => new Set(texts).size === nodes.length - 1))
        heard.forEach(({ texts }, i) => {
          expect(texts.toSorted()).to.deep.equal(nodes.map((_, j) => `from ${j}`).filter((_, j) => j !== i))
        })
      })
    })
  }

  it('sends to neighbors only where asked to', async () => {
    const [a, b, c] = await Promise.all([createMemoryNode(), createMemoryNode(), createMemoryNode({ membership: { activeViewCapacity: 1 } })])
    const topicA = await a.services.pubsub.join('fruit')
    const topicB = await b.services.pubsub.join('fruit', { bootstrap: [a.getMultiaddrs()] })
    await topicB.joined()
    const heardA = new Heard(topicA)

    await topicB.broadcastNeighbors(bytes('near'))
    await until('the neighbor has it', () => heardA.texts.length === 1)
    expect(heardA.events.find((event) => event.type === 'received')).to.deep.include({ scope: { type: 'neighbors' } })
    expect(c.services.pubsub.getTopics()).to.deep.equal([])
  })

  it('offers a message that was broadcast without a neighbor to the first one that comes', async () => {
    const [a, b] = await Promise.all([createMemoryNode(), createMemoryNode()])
    const topicA = await a.services.pubsub.join('fruit')
    const topicB = await b.services.pubsub.join('fruit')
    const heardB = new Heard(topicB)

    await topicA.broadcast(bytes('early'))
    await topicA.joinPeers([b.getMultiaddrs()])
    await until('it arrives', () => heardB.texts.length > 0)
    expect(heardB.texts).to.deep.equal(['early'])
  })

  it('keeps topics apart', async () => {
    const [a, b] = await Promise.all([createMemoryNode(), createMemoryNode()])
    const [fruitA, nutsA] = [await a.services.pubsub.join('fruit'), await a.services.pubsub.join('nuts')]
    const bootstrap = [a.getMultiaddrs()]
    const [fruitB, nutsB] = [await b.services.pubsub.join('fruit', { bootstrap }), await b.services.pubsub.join('nuts', { bootstrap })]
    const [fruit, nuts] = [new Heard(fruitB), new Heard(nutsB)]
    await Promise.all([fruitB.joined(), nutsB.joined()])

    await fruitA.broadcast(bytes('apple'))
    await nutsA.broadcast(bytes('almond'))
    await until('both arrived', () => fruit.texts.length + nuts.texts.length >= 2)
    expect([fruit.texts, nuts.texts]).to.deep.equal([['apple'], ['almond']])

    await fruitA.leave()
    await until('the neighbor of the left topic is gone', () => fruitB.neighbors().length === 0)
    expect(fruit.events.at(-1)).to.deep.equal({ type: 'neighborDown', peer: a.peerId, reason: 'left' })
    await nutsA.broadcast(bytes('walnut'))
    await until('the other topic goes on', () => nuts.texts.length === 2)
  })

  describe('a topic handle', () => {
    it('tells a second handle of the neighbors that are there, and leaves with the last', async () => {
      const [a, b] = await Promise.all([createMemoryNode(), createMemoryNode()])
      const topicB = await b.services.pubsub.join('fruit')
      const first = await a.services.pubsub.join('fruit', { bootstrap: [b.getMultiaddrs()] })
      await first.joined()
      const second = await a.services.pubsub.join('fruit')

      expect(await second.next()).to.deep.equal({ type: 'neighborUp', peer: b.peerId })
      expect(second.isJoined).to.equal(true)

      await first.leave()
      await expect(first.broadcast(bytes('late'))).to.eventually.be.rejected.with.property('name', 'TopicClosedError')
      expect(second.neighbors()).to.deep.equal([b.peerId])

      await second.leave()
      await until('the neighbor has noticed', () => topicB.neighbors().length === 0)
      expect(a.services.pubsub.getTopicIds()).to.deep.equal([])
    })

    it('splits into halves that are closed on their own', async () => {
      const [a, b] = await Promise.all([createMemoryNode(), createMemoryNode()])
      const topicB = await b.services.pubsub.join('fruit')
      const heardB = new Heard(topicB)
      const { sender, receiver } = (await a.services.pubsub.join('fruit', { bootstrap: [b.getMultiaddrs()] })).split()
      await receiver.joined()

      await receiver.close()
      await expect(receiver.joined()).to.eventually.be.rejected.with.property('name', 'TopicClosedError')
      await sender.broadcast(bytes('still here'))
      await until('it arrives', () => heardB.texts.length === 1)

      await sender.close()
      expect(a.services.pubsub.getTopicIds()).to.deep.equal([])
    })

    it('ends whoever waits on a receiving half that is closed', async () => {
      const a = await createMemoryNode()
      const { sender, receiver } = (await a.services.pubsub.join('fruit')).split()
      const [next, joined] = [receiver.next(), receiver.joined()]
      await receiver.close()

      expect(await next).to.equal(undefined)
      expect(await receiver.next()).to.equal(undefined)
      await expect(joined).to.eventually.be.rejected.with.property('name', 'TopicClosedError')
      await sender.broadcast(bytes('still here'))
    })

    it('does not enter a topic again that was left while an address was dialed', async () => {
      const [a, b] = await Promise.all([createMemoryNode(), createMemoryNode()])
      const topicB = await b.services.pubsub.join('fruit')
      const heardB = new Heard(topicB)
      const [address] = b.getMultiaddrs()
      const topicA = await a.services.pubsub.join('fruit', { bootstrap: [address.decapsulate(`/p2p/${b.peerId}`)] })
      await topicA.leave()
      await until('the dial has ended', () => a.getConnections(b.peerId).length === 1)
      const topic = await a.services.pubsub.join('nuts', { bootstrap: [b.getMultiaddrs()] })
      await b.services.pubsub.join('nuts', { bootstrap: [a.getMultiaddrs()] })
      await topic.joined()

      expect(heardB.events).to.deep.equal([])
    })

    it('tells a reader that lags how much it missed', async () => {
      const [a, b] = await Promise.all([createMemoryNode(), createMemoryNode()])
      const topicA = await a.services.pubsub.join('fruit')
      const bootstrap = [a.getMultiaddrs()]
      const reader = await b.services.pubsub.join('fruit', { bootstrap, eventQueueCapacity: 4 })
      const witness = new Heard(await b.services.pubsub.join('fruit'))
      await reader.joined()

      for (let i = 0; i < 100; i++) {
        await topicA.broadcast(bytes(`${i}`))
      }

      await until('all arrived', () => witness.texts.length === 100)
      // one neighborUp and a hundred messages came, the last four are kept
      expect(await reader.next()).to.deep.equal({ type: 'lagged', missed: 97 })
      expect(await reader.next()).to.deep.include({ type: 'received', content: bytes(witness.texts[96]) })
    })

    it('stops waiting for a neighbor on a signal, on leaving and on stop', async () => {
      const a = await createMemoryNode()
      const topic = await a.services.pubsub.join('fruit')
      const abort = new AbortController()
      const aborted = topic.joined({ signal: abort.signal })
      const left = topic.joined()
      const stopped = (await a.services.pubsub.join('fruit')).joined()
      abort.abort()
      await expect(aborted).to.eventually.be.rejected.with.property('name', 'AbortError')
      await topic.leave()
      await expect(left).to.eventually.be.rejected.with.property('name', 'TopicClosedError')
      await a.stop()
      await expect(stopped).to.eventually.be.rejected.with.property('name', 'TopicClosedError')
    })

    it('ends its iteration when the node stops', async () => {
      const a = await createMemoryNode()
      const heard = new Heard(await a.services.pubsub.join('fruit'))
      const topic = await a.services.pubsub.join('fruit')
      const next = topic.next()
      await a.stop()

      expect(await next).to.equal(undefined)
      expect(heard.events).to.deep.equal([])
      await expect(topic.broadcast(bytes('late'))).to.eventually.be.rejected.with.property('name', 'TopicClosedError')
    })
  })

  describe('as a PubSub', () => {
    it('finds connected subscribers without being told, whoever subscribed first', async () => {
      const [a, b] = await Promise.all([createNode(), createNode()])
      const changes: SubscriptionChangeData[] = []
      a.services.pubsub.addEventListener('subscription-change', (evt) => { changes.push(evt.detail) })
      const messages = messagesOf(b)

      a.services.pubsub.subscribe('fruit')
      await a.dial(b.getMultiaddrs())
      await until('both know that the other speaks the protocol', () => a.services.pubsub.getPeers().length === 1 && b.services.pubsub.getPeers().length === 1)
      b.services.pubsub.subscribe('fruit')
      await until('they are neighbors', () => a.services.pubsub.getSubscribers('fruit').length === 1 && b.services.pubsub.getSubscribers('fruit').length === 1)
      expect(changes).to.deep.equal([{ peerId: b.peerId, subscriptions: [{ topic: 'fruit', subscribe: true }] }])

      const result = await a.services.pubsub.publish('fruit', bytes('apple'))
      expect(result).to.deep.equal({ recipients: [b.peerId], duplicate: false })
      await until('it arrives', () => messages.length === 1)
      expect(messages[0]).to.deep.equal({ type: 'unsigned', topic: 'fruit', topicId: TopicId.fromName('fruit'), data: bytes('apple'), deliveredFrom: a.peerId, round: 0 })
    })

    it('finds subscribers that connect later', async () => {
      const [a, b] = await Promise.all([createNode(), createNode()])
      const messages = messagesOf(a)
      a.services.pubsub.subscribe('fruit')
      b.services.pubsub.subscribe('fruit')
      await b.dial(a.getMultiaddrs())
      await until('they are neighbors', () => b.services.pubsub.getSubscribers('fruit').length === 1)
      await b.services.pubsub.publish('fruit', bytes('apple'))
      await until('it arrives', () => messages.length === 1)
    })

    it('finds the connected subscribers again when only the service was stopped and started', async () => {
      const [a, b] = await Promise.all([createNode(), createNode()])
      b.services.pubsub.subscribe('fruit')
      await a.dial(b.getMultiaddrs())
      await until('each knows that the other speaks the protocol', () => a.services.pubsub.getPeers().length === 1 && b.services.pubsub.getPeers().length === 1)
      await a.services.pubsub.stop()
      await a.services.pubsub.start()
      a.services.pubsub.subscribe('fruit')
      await until('they are neighbors', () => a.services.pubsub.getSubscribers('fruit').length === 1)
    })

    it('says when the same bytes are published again, and does not send them', async () => {
      const [a, b] = await Promise.all([createNode(), createNode()])
      const messages = messagesOf(b)
      a.services.pubsub.subscribe('fruit')
      b.services.pubsub.subscribe('fruit')
      await a.dial(b.getMultiaddrs())
      await until('they are neighbors', () => a.services.pubsub.getSubscribers('fruit').length === 1)

      await a.services.pubsub.publish('fruit', bytes('apple'))
      expect(await a.services.pubsub.publish('fruit', bytes('apple'))).to.deep.equal({ recipients: [], duplicate: true })
      await a.services.pubsub.publish('fruit', bytes('pear'))
      await until('the second message arrives', () => messages.length >= 2)
      expect(messages.map(({ data }) => text(data))).to.deep.equal(['apple', 'pear'])
    })

    it('fires for its own messages only with emitSelf, and not after unsubscribe', async () => {
      const [quiet, loud] = await Promise.all([createMemoryNode(), createMemoryNode({ emitSelf: true })])
      const heard = [messagesOf(quiet), messagesOf(loud)]

      for (const { services: { pubsub } } of [quiet, loud]) {
        pubsub.subscribe('fruit')
        await pubsub.publish('fruit', bytes('apple'), { allowPublishToZeroTopicPeers: true })
        pubsub.unsubscribe('fruit')
        expect(pubsub.getTopics()).to.deep.equal([])
        await pubsub.publish('fruit', bytes('pear'), { allowPublishToZeroTopicPeers: true })
      }

      expect(heard.map((messages) => messages.map(({ data }) => text(data)))).to.deep.equal([[], ['apple']])
    })

    it('leaves a topic that it only published to, after a while', async () => {
      const [a, b] = await Promise.all([createNode({ fanoutTTL: 0 }), createNode()])
      const messages = messagesOf(b)
      b.services.pubsub.subscribe('fruit')
      await a.dial(b.getMultiaddrs())
      await until('a knows b', () => a.services.pubsub.getPeers().length === 1)
      await a.services.pubsub.publish('fruit', bytes('apple'))
      await until('it arrives', () => messages.length === 1)
      await until('the topic is left', () => a.services.pubsub.getTopicIds().length === 0 && b.services.pubsub.getSubscribers('fruit').length === 0)
    })

    it('tells the neighbors when it shuts down, and only then is stopped', async () => {
      const [a, b] = await Promise.all([createMemoryNode(), createMemoryNode()])
      const topicB = await b.services.pubsub.join('fruit')
      const heard = new Heard(topicB)
      const topicA = await a.services.pubsub.join('fruit', { bootstrap: [b.getMultiaddrs()] })
      await Promise.all([topicA.joined(), topicB.joined()])
      await a.services.pubsub.shutdown()

      expect(a.services.pubsub.isStarted()).to.equal(false)
      await until('the neighbor has heard', () => topicB.neighbors().length === 0)
      expect(heard.events.at(-1)).to.deep.equal({ type: 'neighborDown', peer: a.peerId, reason: 'left' })
      await expect(topicA.broadcast(bytes('late'))).to.eventually.be.rejected.with.property('name', 'TopicClosedError')
    })

    it('does nothing for a signal that has fired', async () => {
      const { services: { pubsub } } = await createMemoryNode({ allowPublishToZeroTopicPeers: true })
      const signal = AbortSignal.abort()
      await expect(pubsub.join('fruit', { signal })).to.eventually.be.rejected.with.property('name', 'AbortError')
      await expect(pubsub.publish('fruit', bytes('apple'), { signal })).to.eventually.be.rejected.with.property('name', 'AbortError')
      expect(pubsub.getTopicIds()).to.deep.equal([])
    })

    it('takes topics by name and by id', async () => {
      const { services: { pubsub } } = await createMemoryNode()
      const id = TopicId.random()
      pubsub.subscribe('fruit')
      pubsub.subscribe(id)

      expect(pubsub.getTopics()).to.deep.equal(['fruit', id.toString()])
      expect(pubsub.getTopicIds().map(String)).to.deep.equal([TopicId.fromName('fruit').toString(), id.toString()])
    })
  })

  describe('refuses', () => {
    it('contents that do not fit a frame at every distance', async () => {
      const { services: { pubsub } } = await createMemoryNode()
      const topic = await pubsub.join('fruit')
      await topic.broadcast(new Uint8Array(4055))

      const error = await topic.broadcast(new Uint8Array(4056)).catch((err) => err)
      expect(error).to.include({ name: 'MessageTooLargeError', size: 4056, max: 4055 })
      await expect(pubsub.publish('fruit', new Uint8Array(5000))).to.eventually.be.rejected.with.property('name', 'MessageTooLargeError')
    })

    it('to work before the node is started, and works again after a restart', async () => {
      const [a, b] = await Promise.all([createMemoryNode(), createMemoryNode()])
      await a.stop()
      expect(a.services.pubsub.isStarted()).to.equal(false)
      await expect(a.services.pubsub.join('fruit')).to.eventually.be.rejected.with.property('name', 'NotStartedError')
      expect(() => { a.services.pubsub.subscribe('fruit') }).to.throw().with.property('name', 'NotStartedError')

      await a.start()
      const topicB = await b.services.pubsub.join('fruit')
      const topicA = await a.services.pubsub.join('fruit', { bootstrap: [b.getMultiaddrs()] })
      const heard = new Heard(topicA)
      await topicB.joined()
      await topicB.broadcast(bytes('again'))
      await until('it arrives', () => heard.texts.includes('again'))
    })

    it('keys that are not Ed25519', async () => {
      const privateKey = await generateKeyPair('secp256k1')
      await expect(createNode({}, { privateKey })).to.eventually.be.rejected.with.property('name', 'UnsupportedKeyTypeError')
    })

    it('peers to join through that are none', async () => {
      const { services: { pubsub } } = await createMemoryNode()
      const two = ['12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5', '12D3KooWL3XJ9EMCyZvmmGXL2LMiVBtrVa2BuESsJiXkSj7333Jw']

      // @ts-expect-error not a dial target
      await expect(pubsub.join('fruit', { bootstrap: ['nobody'] })).to.eventually.be.rejected.with.property('name', 'InvalidParametersError')
      await expect(pubsub.join('fruit', { bootstrap: [[]] })).to.eventually.be.rejectedWith('a list of them')
      await expect(pubsub.join('fruit', { bootstrap: [two.map((id) => multiaddr(`/ip4/127.0.0.1/tcp/1/p2p/${id}`))] })).to.eventually.be.rejectedWith('name several')
    })

    it('options out of their range, by name and bound', async () => {
      await expect(createMemoryNode({ maxMessageSize: 511 })).to.eventually.be.rejectedWith('maxMessageSize must be an integer from 512 to 16777216, got 511')
      await expect(createMemoryNode({ membership: { activeViewCapacity: 0 } })).to.eventually.be.rejectedWith('membership.activeViewCapacity must be')
      // @ts-expect-error no such option
      await expect(createMemoryNode({ maxMesageSize: 5 })).to.eventually.be.rejectedWith('There is no option maxMesageSize')
      // @ts-expect-error no such option
      await expect(createMemoryNode({ broadcast: { grafTimeout: 1 } })).to.eventually.be.rejectedWith('There is no option broadcast.grafTimeout')
    })
  })
})
