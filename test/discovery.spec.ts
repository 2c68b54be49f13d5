import { noise } from '@chainsafe/libp2p-noise'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import { topicCid } from '../src/content-discovery.ts'
import { Discovery } from '../src/discovery.ts'
import { TopicId, irohGossip } from '../src/index.ts'
import { TopicRegistry } from '../src/topic-registry.ts'
import { Heard, bytes, createNode, stopNodes, until } from './support/nodes.ts'
import type { Standing } from '../src/discovery.ts'
import type { IrohGossip, IrohGossipInit } from '../src/index.ts'
import type { ScheduledTask, Timers } from '../src/net/timers.ts'
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

/** Time that only the test moves. */
class FakeTimers implements Pick<Timers, 'now' | 'schedule'> {
  time = 0
  readonly #tasks: Array<{ at: number, run(): void }> = []

  now (): number {
    return this.time
  }

  schedule (delayMs: number, run: () => void): ScheduledTask {
    this.#tasks.push({ at: this.time + delayMs, run })

    return { task: run }
  }

  /** Runs what is due, in its order, up to a time. */
  advanceTo (time: number): void {
    for (;;) {
      const [next] = this.#tasks.filter(({ at }) => at <= time).sort((a, b) => a.at - b.at)

      if (next == null) {
        break
      }

      this.#tasks.splice(this.#tasks.indexOf(next), 1)
      this.time = next.at
      next.run()
    }

    this.time = time
  }
}

describe('connected peers', () => {
  /** Who was asked for a topic, at which time, among peers of which some are known to be absent or about to answer. */
  function asking (standings: Record<string, Standing> = {}): { timers: FakeTimers, topics: TopicRegistry, discovery: Discovery, asked: Array<[number, ...string[]]> } {
    const timers = new FakeTimers()
    const topics = new TopicRegistry()
    const asked: Array<[number, ...string[]]> = []
    const discovery = new Discovery('me', topics, timers as unknown as Timers, 5, true, (peer) => standings[peer] ?? 'unknown', (_, peers) => { asked.push([timers.time, ...peers]) })

    return { timers, topics, discovery, asked }
  }

  it('are asked four at a time, and again after ten seconds, twenty, and so on to ten minutes', () => {
    const { timers, topics, discovery, asked } = asking()
    ;['a', 'b', 'c', 'd', 'e', 'f'].forEach((peer) => { discovery.onPeerAvailable(peer) })
    timers.advanceTo(1_000)
    discovery.search(topics.add(TopicId.fromName('fruit')))
    timers.advanceTo(9_000)
    expect(asked).to.deep.equal([[1_000, 'a', 'b', 'c', 'd'], [1_500, 'e', 'f']])
    timers.advanceTo(2 * 60 * 60_000)
    const times = asked.filter(([, ...peers]) => peers.includes('a')).map(([time]) => time)
    const pauses = times.slice(1).map((time, i) => Math.round((time - times[i]) / 10_000))
    expect(pauses.slice(0, 8)).to.deep.equal([1, 2, 4, 8, 16, 32, 60, 60])
  })

  it('are asked four at a time also when they connect one after the other', () => {
    const { timers, topics, discovery, asked } = asking()
    topics.add(TopicId.fromName('fruit'))

    for (let i = 0; i < 20; i++) {
      discovery.onPeerAvailable(`peer ${i}`)
      timers.advanceTo(10 * i)
    }

    timers.advanceTo(5_000)
    const times = asked.flatMap(([time, ...peers]) => peers.map(() => time))
    expect(times).to.have.length(20)
    times.forEach((time) => {
      expect(times.filter((other) => other >= time && other < time + 500)).to.have.lengthOf.at.most(4)
    })
  })

  it('that left are asked no more, unless they connect anew', () => {
    const { timers, topics, discovery, asked } = asking()
    const entry = topics.add(TopicId.fromName('fruit'))
    discovery.onPeerAvailable('a')
    timers.advanceTo(200)
    discovery.onPeerLeft(entry, 'a')
    timers.advanceTo(60 * 60_000)
    expect(asked).to.have.length(1)
    discovery.onPeerGone('a')
    discovery.onPeerAvailable('a')
    timers.advanceTo(timers.time + 200)
    expect(asked).to.have.length(2)
  })

  it('that are known not to be in the topic are not asked, nor those that are about to say so', () => {
    const standings: Record<string, Standing> = { a: 'absent', b: 'expected' }
    const { timers, topics, discovery, asked } = asking(standings)
    topics.add(TopicId.fromName('fruit'))
    ;['a', 'b', 'c'].forEach((peer) => { discovery.onPeerAvailable(peer) })
    timers.advanceTo(5_000)
    expect(asked).to.deep.equal([[100, 'c']])
    delete standings.b
    timers.advanceTo(6_000)
    expect(asked.slice(1)).to.deep.equal([[5_100, 'b']])
  })

  it('are asked one at a time, and only without a neighbor, where the application named others', async () => {
    const { timers, topics, discovery, asked } = asking()
    ;['a', 'b', 'c'].forEach((peer) => { discovery.onPeerAvailable(peer) })
    timers.advanceTo(1_000)
    const entry = topics.add(TopicId.fromName('fruit'))
    entry.hasBootstrap = true
    discovery.search(entry)
    timers.advanceTo(1_500)
    expect(asked).to.deep.equal([[1_000, 'a'], [1_500, 'b']])
    entry.neighbors.set('a', peerIdFromPrivateKey(await generateKeyPair('Ed25519')))
    timers.advanceTo(60_000)
    expect(asked).to.have.length(2)
  })
})
