import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { expect } from 'chai'
import { Registry } from 'prom-client'
import { TopicId } from '../src/index.ts'
import { bytes, createMemoryNode, createNode, stopNodes, text, until } from './support/nodes.ts'
import type { TestNode } from './support/nodes.ts'

/** Every change that a node hears of, as `+1` and `-1` with the index of the peer. */
function changesOf (node: TestNode, nodes: TestNode[]): string[] {
  const changes: string[] = []
  node.services.pubsub.addEventListener('subscription-change', ({ detail: { peerId, subscriptions } }) => {
    const index = nodes.findIndex((other) => other.peerId.equals(peerId))
    changes.push(...subscriptions.map(({ topic, subscribe }) => `${subscribe ? '+' : '-'}${topic} ${index}`))
  })

  return changes
}

async function connectAll (nodes: TestNode[]): Promise<void> {
  for (const [i, node] of nodes.entries()) {
    await Promise.all(nodes.slice(0, i).map(async (other) => node.dial(other.getMultiaddrs())))
  }

  await until('each knows that all others speak the protocol', () => nodes.every(({ services: { pubsub } }) => pubsub.getPeers().length === nodes.length - 1))
}

function allKnown (nodes: TestNode[], topic: string, count: number): boolean {
  return nodes.every(({ services: { pubsub } }) => pubsub.getSubscribers(topic).length === count)
}

describe('subscribers', () => {
  afterEach(stopNodes)

  it('are all that are connected, of whom a view has only five, and each is told of once', async () => {
    const nodes = await Promise.all(Array.from({ length: 8 }, async () => createMemoryNode()))
    const changes = nodes.map((node) => changesOf(node, nodes))
    await connectAll(nodes)

    for (const node of nodes) {
      node.services.pubsub.subscribe('fruit')
    }

    await until('each knows the others', () => allKnown(nodes, 'fruit', 7))
    const others = (i: number): string[] => nodes.flatMap((_, j) => i === j ? [] : `+fruit ${j}`)
    changes.forEach((heard, i) => { expect(heard.toSorted()).to.deep.equal(others(i).toSorted()) })

    let messages = 0
    nodes.forEach(({ services: { pubsub } }) => { pubsub.addEventListener('message', () => { messages++ }) })
    await nodes[5].services.pubsub.publish('fruit', bytes('apple'))
    await until('everybody has it', () => messages === 7)

    nodes[3].services.pubsub.unsubscribe('fruit')
    const left = nodes.filter((_, i) => i !== 3)
    await until('everybody knows that it left', () => allKnown(left, 'fruit', 6))
    changes.forEach((heard, i) => { expect(heard.slice(7)).to.deep.equal(i === 3 ? heard.slice(7) : ['-fruit 3']) })
    expect(left.every(({ services: { pubsub } }) => pubsub.getPeers().length === 7), 'and is connected still').to.equal(true)

    nodes[3].services.pubsub.subscribe('fruit')
    await until('everybody knows that it is back', () => allKnown(nodes, 'fruit', 7))
    changes.forEach((heard, i) => { expect(i === 3 ? [] : heard.slice(8)).to.deep.equal(i === 3 ? [] : ['+fruit 3']) })
  })

  it('are known on both sides where the views of all are full', async () => {
    const nodes = await Promise.all(Array.from({ length: 6 }, async () => createNode({ membership: { activeViewCapacity: 1 } })))
    const late = nodes[5]
    await connectAll(nodes)
    nodes.slice(0, 5).forEach(({ services: { pubsub } }) => { pubsub.subscribe('fruit') })
    await until('the first five know each other', () => allKnown(nodes.slice(0, 5), 'fruit', 4))
    late.services.pubsub.subscribe('fruit')
    await until('the late one knows them, and they know it', () => allKnown(nodes, 'fruit', 5))
    await late.stop()
    await until('it is gone', () => allKnown(nodes.slice(0, 5), 'fruit', 4))
  })

  it('are told of apart for each topic', async () => {
    const nodes = await Promise.all(Array.from({ length: 4 }, async () => createMemoryNode()))
    await connectAll(nodes)
    const changes = changesOf(nodes[0], nodes)
    nodes.forEach(({ services: { pubsub } }, i) => { pubsub.subscribe(i % 2 === 0 ? 'fruit' : 'nuts') })
    nodes[0].services.pubsub.subscribe('nuts')
    await until('it knows the members of both', () => changes.length === 3)
    expect(changes.toSorted()).to.deep.equal(['+fruit 2', '+nuts 1', '+nuts 3'])
  })

  it('are not asked for where connected peers are not to be, and the peers are known nevertheless', async () => {
    const [a, b] = await Promise.all([createMemoryNode({ discovery: { connectedPeers: false } }), createMemoryNode({ discovery: { connectedPeers: false } })])
    await connectAll([a, b])
    ;[a, b].forEach(({ services: { pubsub } }) => { pubsub.subscribe('fruit') })
    const topic = await a.services.pubsub.join('nuts', { bootstrap: [b.peerId] })
    await b.services.pubsub.join('nuts', { bootstrap: [a.peerId] })
    await topic.joined()
    expect([a, b].map(({ services: { pubsub } }) => pubsub.getSubscribers('fruit'))).to.deep.equal([[], []])
    expect(a.services.pubsub.getSubscribers('nuts').map(String)).to.deep.equal([b.peerId.toString()])
  })

  it('are told of a thousand topics in a few frames, and nobody is asked for any of them', async () => {
    const registry = new Registry()
    const [hub, ...others] = await Promise.all([
      createMemoryNode({}, { metrics: prometheusMetrics({ registry, collectDefaultMetrics: false }) }),
      createMemoryNode(), createMemoryNode(), createMemoryNode()
    ])
    await Promise.all(others.map(async (node) => hub.dial(node.getMultiaddrs())))
    await until('all speak the protocol', () => hub.services.pubsub.getPeers().length === 3)
    const topics = Array.from({ length: 1_000 }, (_, i) => `topic ${i}`)
    topics.forEach((topic) => { hub.services.pubsub.subscribe(topic) })
    await until('each knows of each topic', () => others.every(({ services: { pubsub } }) => topics.slice(-1).every((topic) => pubsub.getSubscribers(topic).length === 1)))
    expect(others.every(({ services: { pubsub } }) => topics.every((topic) => pubsub.getSubscribers(topic).length === 1))).to.equal(true)
    hub.services.pubsub.unsubscribe('topic 7')
    await until('each knows that one was left', () => others.every(({ services: { pubsub } }) => pubsub.getSubscribers('topic 7').length === 0))

    const scraped = await registry.metrics()
    const sent = [...scraped.matchAll(/^libp2p_iroh_gossip_messages_sent_total\{type="(\w+)"\} (\d+)$/gm)].map(([, type, count]) => ({ type, count: Number(count) }))
    expect(sent.map(({ type }) => type)).to.deep.equal(['subscriptions'])
    // 9,890 bytes of names and a length for each, in frames of 4 KiB: three, and the one that was left
    expect(sent[0].count).to.be.within(3 * 4, 3 * 6)
  })

  it('of topics that were joined by an id are told without telling it', async () => {
    const [a, b] = await Promise.all([createMemoryNode(), createMemoryNode()])
    const changes = changesOf(a, [a, b])
    await connectAll([a, b])
    const id = TopicId.random()
    const topic = await b.services.pubsub.join(id)
    await until('who knows the id knows its subscriber', () => a.services.pubsub.getSubscribers(id).length === 1)
    expect(changes).to.deep.equal([])
    a.services.pubsub.subscribe(id)
    expect(changes).to.deep.equal([`+${id} 1`])
    await until('they are neighbors', () => topic.isJoined)
  })

  it('are told of anew to a peer whose service was stopped and started meanwhile', async () => {
    const [a, b] = await Promise.all([createNode(), createNode()])
    await a.dial(b.getMultiaddrs())
    a.services.pubsub.subscribe('fruit')
    await until('b knows', () => b.services.pubsub.getSubscribers('fruit').length === 1)
    await b.services.pubsub.stop()
    await b.services.pubsub.start()
    expect(b.services.pubsub.getSubscribers('fruit')).to.deep.equal([])
    b.services.pubsub.subscribe('nuts')
    await until('b knows again, and a of b', () => b.services.pubsub.getSubscribers('fruit').length === 1 && a.services.pubsub.getSubscribers('nuts').length === 1)
    await a.services.pubsub.shutdown()
    await until('b knows that a has left all', () => b.services.pubsub.getSubscribers('fruit').length === 0)
  })

  it('that a node does not admit learn nothing', async () => {
    const [a, b] = await Promise.all([createMemoryNode({ allowPeer: async () => false }), createMemoryNode()])
    const messages: string[] = []
    b.services.pubsub.addEventListener('message', ({ detail }) => { messages.push(text(detail.data)) })
    await connectAll([a, b])
    ;[a, b].forEach(({ services: { pubsub } }) => { pubsub.subscribe('fruit') })
    await until('b has asked in vain', () => b.services.pubsub.diagnose('fruit').findings.some(({ code }) => code === 'noneInTopic'))
    await a.services.pubsub.publish('fruit', bytes('apple'), { allowPublishToZeroTopicPeers: true })
    expect([a, b].map(({ services: { pubsub } }) => pubsub.getSubscribers('fruit'))).to.deep.equal([[], []])
    expect(messages).to.deep.equal([])
  })
})
