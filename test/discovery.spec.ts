import { noise } from '@chainsafe/libp2p-noise'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import { topicCid } from '../src/content-discovery.ts'
import { TopicId, irohGossip } from '../src/index.ts'
import { Heard, bytes, createNode, stopNodes, until } from './support/nodes.ts'
import type { IrohGossip, IrohGossipInit } from '../src/index.ts'
import type { Identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import type { KadDHT } from '@libp2p/kad-dht'
import type { Ping } from '@libp2p/ping'

type DhtNode = Libp2p<{ pubsub: IrohGossip, dht: KadDHT, identify: Identify, ping: Ping }>

let nodes: DhtNode[] = []

/** A node of a DHT of its own; those that take part in gossip are made with `init`. */
async function createDhtNode (init: IrohGossipInit): Promise<DhtNode> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 1_000 },
    services: {
      identify: identify(),
      ping: ping(),
      dht: kadDHT({ protocol: '/gossip-test/kad/1.0.0', clientMode: false, peerInfoMapper: passthroughMapper, allowQueryWithZeroPeers: true }),
      pubsub: irohGossip({ discovery: { connectedPeers: false, ...init.discovery } })
    }
  })
  nodes.push(node)

  return node
}

/** A node that only keeps the DHT, and two that know nobody but it. */
async function dht (init: IrohGossipInit): Promise<[DhtNode, DhtNode]> {
  const hub = await createDhtNode({})
  const [a, b] = [await createDhtNode(init), await createDhtNode(init)]
  await Promise.all([a, b].map(async (node) => node.dial(hub.getMultiaddrs())))
  await until('everybody is known to be in the DHT', () => hub.getPeers().length === 2)

  return [a, b]
}

describe('peers of a topic', () => {
  afterEach(async () => {
    await stopNodes()
    await Promise.all(nodes.map(async (node) => node.stop()))
    nodes = []
  })

  it('that share only a DHT find each other by content routing', async () => {
    const [a, b] = await dht({ discovery: { contentRouting: true } })
    const [topicA, topicB] = [await a.services.pubsub.join('fruit'), await b.services.pubsub.join('fruit')]
    const heard = new Heard(topicB)
    await Promise.all([topicA.joined(), topicB.joined()])
    await topicA.broadcast(bytes('apple'))
    await until('it arrives', () => heard.texts.length === 1)
    expect(topicA.neighbors()).to.deep.equal([b.peerId])
  })

  it('that are named by their PeerId alone are found by peer routing', async () => {
    const [a, b] = await dht({})
    await b.services.pubsub.join('fruit')
    const topic = await a.services.pubsub.join('fruit', { bootstrap: [b.peerId] })
    await topic.joined()
    expect(topic.neighbors()).to.deep.equal([b.peerId])
  })

  it('are announced under a CID that depends on the protocol and hides the topic', () => {
    const topic = TopicId.fromName('fruit')
    const cid = topicCid('/iroh-gossip/1', topic)
    expect(cid.equals(topicCid('/iroh-gossip/1', TopicId.fromName('fruit')))).to.equal(true)
    expect(cid.equals(topicCid('/another/1', topic))).to.equal(false)
    expect(cid.equals(topicCid('/iroh-gossip/1', TopicId.fromName('nuts')))).to.equal(false)
    expect(cid.toString()).to.match(/^bafkrei/)
  })

  it('are found among connected peers, of which most are in other topics', async () => {
    const hub = await createNode()
    const others = await Promise.all(Array.from({ length: 9 }, async () => createNode()))
    await Promise.all(others.map(async (node) => node.dial(hub.getMultiaddrs())))
    others[8].services.pubsub.subscribe('fruit')
    await until('all are known', () => hub.services.pubsub.getPeers().length === 9)

    hub.services.pubsub.subscribe('fruit')
    await until('the one is found', () => hub.services.pubsub.getSubscribers('fruit').length === 1)
    expect(hub.services.pubsub.getSubscribers('fruit')).to.deep.equal([others[8].peerId])
  })

  it('that were evicted count as subscribers while they are connected', async () => {
    const hub = await createNode({ membership: { activeViewCapacity: 1 } })
    const changes: boolean[] = []
    hub.services.pubsub.addEventListener('subscription-change', (evt) => { changes.push(...evt.detail.subscriptions.map(({ subscribe }) => subscribe)) })
    hub.services.pubsub.subscribe('fruit')
    const [a, b] = [await createNode(), await createNode()]

    for (const node of [a, b]) {
      await node.dial(hub.getMultiaddrs())
      await node.services.pubsub.join('fruit', { bootstrap: [hub.getMultiaddrs()] })
    }

    await until('both are known to be in the topic', () => hub.services.pubsub.getSubscribers('fruit').length === 2)
    expect(changes).to.deep.equal([true, true])
    await a.stop()
    await until('the one that stopped is gone', () => hub.services.pubsub.getSubscribers('fruit').length === 1)
    expect(changes).to.deep.equal([true, true, false])
  })
})
