/**
 * One application, written for gossipsub, on gossipsub and on irohGossip: what
 * it observes is the same.
 */
import { noise } from '@chainsafe/libp2p-noise'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import { irohGossip, isPubSub, pubSubSymbol } from '../../src/index.ts'
import { bytes, text, until } from '../support/nodes.ts'
import type { GossipSub, GossipsubOpts, Message } from '@libp2p/gossipsub'
import type { Identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'

type SharedInit = Pick<Partial<GossipsubOpts>, 'globalSignaturePolicy' | 'emitSelf' | 'allowPublishToZeroTopicPeers'>

/** What the application is written against: gossipsub's types. */
type Node = Libp2p<{ identify: Identify, pubsub: GossipSub }>

const routers = {
  gossipsub: (init: SharedInit) => gossipsub(init),
  irohGossip: (init: SharedInit) => irohGossip(init)
}

let nodes: Node[] = []

/** Whether nodes may connect no more: a neighbor that was lost is dialed again. */
let isParted = false

for (const [name, router] of Object.entries(routers)) {
  describe(`an application on ${name}`, () => {
    async function create (init: SharedInit = { globalSignaturePolicy: 'StrictSign' }): Promise<Node> {
      const node = await createLibp2p<{ identify: Identify, pubsub: GossipSub }>({
        addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
        transports: [tcp()],
        connectionEncrypters: [noise()],
        streamMuxers: [yamux()],
        connectionGater: { denyDialPeer: () => isParted, denyInboundConnection: () => isParted },
        // the compiler checks that an application need not know the difference
        services: { identify: identify(), pubsub: router(init) as unknown as (components: object) => GossipSub }
      })
      nodes.push(node)

      return node
    }

    /** Two nodes that are connected and know that both speak the protocol. */
    async function pair (init?: SharedInit): Promise<[Node, Node]> {
      const [a, b] = [await create(init), await create(init)]
      await a.dial(b.getMultiaddrs())
      await until('both know the other', () => [a, b].every(({ services: { pubsub } }) => pubsub.getPeers().length === 1))

      return [a, b]
    }

    async function subscribed (...[a, b]: Node[]): Promise<void> {
      await until('each knows of the other\'s subscription', () => [a, b].every(({ services: { pubsub } }) => pubsub.getSubscribers('fruit').length === 1))
    }

    afterEach(async () => {
      await Promise.all(nodes.map(async (node) => node.stop()))
      nodes = []
      isParted = false
    })

    it('recognises a publish/subscribe router', async () => {
      const { services: { pubsub } } = await create()
      expect(isPubSub(pubsub)).to.equal(true)
      expect(isPubSub(new EventTarget())).to.equal(false)
      expect(pubSubSymbol).to.equal(Symbol.for('@libp2p/pubsub'))
      expect(pubsub.protocols.length).to.be.greaterThan(0)
      expect(pubsub.globalSignaturePolicy).to.equal('StrictSign')
      expect(pubsub.topicValidators).to.be.instanceOf(Map)
    })

    for (const order of ['the dialer first', 'the listener first']) {
      it(`hears of subscriptions on both sides, ${order}`, async () => {
        const [a, b] = await pair()
        const heard: unknown[][] = [[], []]
        ;[a, b].forEach((node, i) => {
          node.services.pubsub.addEventListener('subscription-change', ({ detail: { peerId, subscriptions } }) => {
            heard[i].push({ peer: peerId.toString(), subscriptions: subscriptions.map(({ topic, subscribe }) => ({ topic, subscribe })) })
          })
        })
        const ordered = order === 'the dialer first' ? [a, b] : [b, a]
        ordered.forEach(({ services: { pubsub } }) => { pubsub.subscribe('fruit') })
        await subscribed(a, b)

        expect(a.services.pubsub.getSubscribers('fruit').map(String)).to.deep.equal([b.peerId.toString()])
        expect(heard[0]).to.deep.include({ peer: b.peerId.toString(), subscriptions: [{ topic: 'fruit', subscribe: true }] })
        expect(heard[1]).to.deep.include({ peer: a.peerId.toString(), subscriptions: [{ topic: 'fruit', subscribe: true }] })

        b.services.pubsub.unsubscribe('fruit')
        await until('the end of the subscription is known', () => a.services.pubsub.getSubscribers('fruit').length === 0)
        expect(heard[0].at(-1)).to.deep.equal({ peer: b.peerId.toString(), subscriptions: [{ topic: 'fruit', subscribe: false }] })
        expect(b.services.pubsub.getTopics()).to.deep.equal([])
        expect(a.services.pubsub.getTopics()).to.deep.equal(['fruit'])
      })
    }

    it('gets signed messages by default of gossipsub', async () => {
      const [a, b] = await pair()
      const messages: Message[] = []
      b.services.pubsub.addEventListener('message', ({ detail }) => { messages.push(detail) })
      ;[a, b].forEach(({ services: { pubsub } }) => { pubsub.subscribe('fruit') })
      await subscribed(a, b)

      const { recipients } = await a.services.pubsub.publish('fruit', bytes('apple'))
      expect(recipients.map(String)).to.deep.equal([b.peerId.toString()])
      await a.services.pubsub.publish('fruit', bytes('apple'))
      await until('both arrive', () => messages.length === 2)

      for (const message of messages) {
        expect(message.type).to.equal('signed')
        expect(message.topic).to.equal('fruit')
        expect(text(message.data)).to.equal('apple')

        if (message.type === 'signed') {
          expect(message.from.toString()).to.equal(a.peerId.toString())
          expect(message.sequenceNumber).to.be.a('bigint')
          expect(message.signature).to.be.instanceOf(Uint8Array)
          expect(a.peerId.publicKey?.equals(message.key)).to.equal(true)
        }
      }
    })

    it('gets unsigned messages with StrictNoSign, and its own with emitSelf', async () => {
      const [a, b] = await pair({ globalSignaturePolicy: 'StrictNoSign', emitSelf: true })
      const messages: string[] = []
      ;[a, b].forEach((node, i) => {
        node.services.pubsub.addEventListener('message', ({ detail }) => { messages.push(`${i} ${detail.type} ${text(detail.data)}`) })
        node.services.pubsub.subscribe('fruit')
      })
      await subscribed(a, b)
      const { recipients } = await a.services.pubsub.publish('fruit', bytes('apple'))
      await until('both have it', () => messages.length === 2)
      expect(messages.sort()).to.deep.equal(['0 unsigned apple', '1 unsigned apple'])
      expect(recipients.map(String)).to.have.members([a, b].map(({ peerId }) => peerId.toString()))
    })

    it('is told when nobody is there to hear', async () => {
      const { services: { pubsub } } = await create()
      const error = await pubsub.publish('fruit', bytes('apple')).catch((err) => err)
      expect(error).to.have.property('message', 'PublishError.NoPeersSubscribedToTopic')
      pubsub.subscribe('fruit')
      expect(await pubsub.publish('fruit', bytes('apple')).catch((err) => err)).to.have.property('message', 'PublishError.NoPeersSubscribedToTopic')

      const { services: { pubsub: lenient } } = await create({ allowPublishToZeroTopicPeers: true })
      expect((await lenient.publish('fruit', bytes('apple'))).recipients).to.deep.equal([])
    })

    it('publishes to a topic that it is not subscribed to', async () => {
      const [a, b] = await pair()
      const messages: string[] = []
      b.services.pubsub.addEventListener('message', ({ detail }) => { messages.push(text(detail.data)) })
      b.services.pubsub.subscribe('fruit')
      await until('it can be sent', () => a.services.pubsub.getSubscribers('fruit').length === 1)
      expect((await a.services.pubsub.publish('fruit', bytes('apple'))).recipients.map(String)).to.deep.equal([b.peerId.toString()])
      await until('it arrives', () => messages.length === 1)
      expect(messages).to.deep.equal(['apple'])
      expect(a.services.pubsub.getTopics()).to.deep.equal([])
    })

    it('hears of the subscriptions of others though it has none', async () => {
      const [a, b] = await pair()
      const heard: unknown[] = []
      a.services.pubsub.addEventListener('subscription-change', ({ detail: { peerId, subscriptions } }) => {
        heard.push(...subscriptions.map(({ topic, subscribe }) => `${subscribe ? '+' : '-'}${topic} ${peerId.equals(b.peerId) ? 'b' : 'another'}`))
      })
      b.services.pubsub.subscribe('fruit')
      b.services.pubsub.subscribe('nuts')
      await until('both are known', () => ['fruit', 'nuts'].every((topic) => a.services.pubsub.getSubscribers(topic).length === 1))
      expect(a.services.pubsub.getSubscribers('bread')).to.deep.equal([])
      expect(a.services.pubsub.getTopics()).to.deep.equal([])

      b.services.pubsub.unsubscribe('fruit')
      await until('one has ended', () => a.services.pubsub.getSubscribers('fruit').length === 0)
      // it knows of the other already, and hears nothing new
      a.services.pubsub.subscribe('nuts')
      expect(a.services.pubsub.getSubscribers('nuts').map(String)).to.deep.equal([b.peerId.toString()])
      await until('b hears of it', () => b.services.pubsub.getSubscribers('nuts').length === 1)
      a.services.pubsub.unsubscribe('nuts')
      await until('b hears of its end', () => b.services.pubsub.getSubscribers('nuts').length === 0)
      expect(a.services.pubsub.getSubscribers('nuts').map(String)).to.deep.equal([b.peerId.toString()])
      expect(heard).to.deep.equal(['+fruit b', '+nuts b', '-fruit b'])
    })

    it('has its first messages sent to a peer as soon as that is known to be subscribed', async () => {
      const [a, b] = await pair()
      const messages: string[] = []
      const published = new Promise((resolve, reject) => {
        a.services.pubsub.addEventListener('subscription-change', () => {
          a.services.pubsub.publish('fruit', bytes('apple')).then(resolve, reject)
        }, { once: true })
      })
      b.services.pubsub.addEventListener('message', ({ detail }) => { messages.push(text(detail.data)) })
      ;[a, b].forEach(({ services: { pubsub } }) => { pubsub.subscribe('fruit') })
      expect(await published).to.have.deep.property('recipients').with.length(1)
      await until('it arrives', () => messages.length === 1)
    })

    it('has messages judged before it gets them', async () => {
      const [a, b] = await pair()
      const messages: string[] = []
      const judged: string[] = []
      b.services.pubsub.addEventListener('message', ({ detail }) => { messages.push(text(detail.data)) })
      b.services.pubsub.topicValidators.set('fruit', async (peer, message) => {
        judged.push(`${text(message.data)} ${message.topic} ${peer.equals(a.peerId)}`)

        return text(message.data) === 'rotten' ? Object('reject').toString() : Object('accept').toString()
      })
      ;[a, b].forEach(({ services: { pubsub } }) => { pubsub.subscribe('fruit') })
      await subscribed(a, b)
      await a.services.pubsub.publish('fruit', bytes('rotten'))
      await a.services.pubsub.publish('fruit', bytes('fresh'))
      await until('the good one arrives', () => messages.length > 0)
      expect(messages).to.deep.equal(['fresh'])
      expect(judged).to.deep.equal(['rotten fruit true', 'fresh fruit true'])
    })

    it('gets nothing after it unsubscribed, and hears of a closed connection', async () => {
      const [a, b] = await pair()
      const messages: string[] = []
      a.services.pubsub.addEventListener('message', ({ detail }) => { messages.push(text(detail.data)) })
      ;[a, b].forEach(({ services: { pubsub } }) => { pubsub.subscribe('fruit') })
      await subscribed(a, b)
      isParted = true
      await a.hangUp(b.peerId)
      await until('the subscriber is gone', () => a.services.pubsub.getSubscribers('fruit').length === 0 && a.services.pubsub.getPeers().length === 0)
      expect(messages).to.deep.equal([])
    })
  })
}
