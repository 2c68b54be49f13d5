import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import pWaitFor from 'p-wait-for'
import { Registry } from 'prom-client'
import { irohGossip } from '../src/index.ts'
import { HandMadePeer, frameOf, gossip, rawFrame } from './support/hand-made-peer.ts'
import { bytes, createNode, stopNodes, text, until } from './support/nodes.ts'
import type { IrohGossipInit, TopicValidatorResult } from '../src/index.ts'
import type { TestNode } from './support/nodes.ts'
import type { Message } from '../src/wire/index.ts'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The value of each series that was scraped, by its name and labels. */
function parse (scraped: string): Map<string, number> {
  return new Map(scraped.split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => {
    const at = line.lastIndexOf(' ')

    return [line.slice(0, at), Number(line.slice(at + 1))]
  }))
}

/** Bytes of a frame of a payload that its author sends: length, two tags, id, length of the content, content, scope and round. */
function frameBytes (content: string): number {
  return 4 + 2 + 32 + 1 + content.length + 2
}

function iHave (content: string): Message {
  const { id } = gossip(content)

  return { type: 'iHave', messages: [{ id, round: 1 }] }
}

describe('metrics', () => {
  let server: Server | undefined

  afterEach(async () => {
    await stopNodes()
    server?.closeAllConnections()
    server?.close()
  })

  it('are scraped from a Prometheus endpoint, and the dashboard asks for none that are not there', async () => {
    const registry = new Registry()
    server = createServer((_, response) => {
      registry.metrics().then((text) => { response.end(text) }, (err: Error) => { response.writeHead(500).end(err.message) })
    })
    await new Promise<void>((resolve) => { server?.listen(0, '127.0.0.1', resolve) })
    const { port } = server.address() as AddressInfo

    const a = await createNode({}, { metrics: prometheusMetrics({ registry, collectDefaultMetrics: false }) })
    const b = await createNode()
    let messages = 0
    a.services.pubsub.addEventListener('message', () => { messages++ })
    a.services.pubsub.topicValidators.set('fruit', () => 'accept')
    a.services.pubsub.subscribe('fruit')
    b.services.pubsub.subscribe('fruit')
    await a.dial(b.getMultiaddrs())
    await until('they are neighbors', () => b.services.pubsub.getSubscribers('fruit').length === 1 && a.services.pubsub.getSubscribers('fruit').length === 1)
    await b.services.pubsub.publish('fruit', bytes('apple'))
    await until('it arrives', () => messages === 1)
    await a.services.pubsub.publish('fruit', bytes('pear'))
    await a.services.pubsub.publish('fruit', bytes('pear'))

    const scraped = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    const values = parse(scraped)

    expect(values.get('libp2p_iroh_gossip_messages_received_total{type="gossip"}')).to.equal(1)
    expect(values.get('libp2p_iroh_gossip_messages_sent_total{type="gossip"}')).to.equal(1)
    expect(values.get('libp2p_iroh_gossip_sent_bytes_total{reason="published"}')).to.equal(frameBytes('pear'))
    expect(values.get('libp2p_iroh_gossip_neighbor_changes_total{change="up"}')).to.equal(1)
    expect(values.get('libp2p_iroh_gossip_topics')).to.equal(1)
    expect(values.get('libp2p_iroh_gossip_peers')).to.equal(1)
    expect(values.get('libp2p_iroh_gossip_neighbors{topic="fruit"}')).to.equal(1)
    expect(values.get('libp2p_iroh_gossip_eager_peers{topic="fruit"}')).to.equal(1)
    expect(values.get('libp2p_iroh_gossip_delivered{topic="fruit"}')).to.equal(1)
    expect(values.get('libp2p_iroh_gossip_validations_total{result="accept"}')).to.equal(1)
    expect(values.get('libp2p_iroh_gossip_published_total{result="sent"}')).to.equal(1)
    expect(values.get('libp2p_iroh_gossip_published_total{result="duplicate"}')).to.equal(1)
    expect(values.get('libp2p_iroh_gossip_delivery_rounds_count')).to.equal(1)
    expect(scraped).to.not.include(b.peerId.toString())

    const dashboard = readFileSync(new URL('../docs/grafana-dashboard.json', import.meta.url), 'utf8')
    const asked = new Set(dashboard.match(/libp2p_iroh_gossip_\w+/g))
    const known = new Set(scraped.match(/libp2p_iroh_gossip_\w+/g))
    expect(asked.size).to.be.greaterThan(15)
    expect([...asked].filter((name) => !known.has(name))).to.deep.equal([])
  })

  it('of a node in two networks have names of their own', async () => {
    const registry = new Registry()
    const node = await createLibp2p({
      metrics: prometheusMetrics({ registry, collectDefaultMetrics: false }),
      services: { red: irohGossip({ protocol: '/red/1' }), standard: irohGossip() }
    })

    try {
      node.services.standard.subscribe('fruit')
      node.services.red.subscribe('fruit')
      node.services.red.subscribe('nuts')
      const lines = (await registry.metrics()).split('\n')
      expect(lines).to.include('libp2p_iroh_gossip_topics 1')
      expect(lines).to.include('libp2p_iroh_gossip_red_1_topics 2')
    } finally {
      await node.stop()
    }
  })

  describe('count', () => {
    let registry: Registry

    /** A node in `fruit` that asks nobody by itself. */
    async function watched (init: IrohGossipInit = {}): Promise<TestNode> {
      registry = new Registry()
      const node = await createNode({ discovery: { connectedPeers: false }, ...init }, { metrics: prometheusMetrics({ registry, collectDefaultMetrics: false }) })
      node.services.pubsub.subscribe('fruit')

      return node
    }

    /** A peer made by hand that is a neighbor in `fruit`. */
    async function neighborOf (node: TestNode, listen?: Parameters<typeof HandMadePeer.connect>[1]): Promise<HandMadePeer> {
      const peer = await HandMadePeer.connect(node, listen)
      await peer.say({ type: 'join' })
      await until('it is a neighbor', () => node.services.pubsub.diagnose('fruit').neighbors.some((known) => known.peer.equals(peer.node.peerId)))

      return peer
    }

    /** What some series show, 0 for those that have counted nothing. Their names are those that Prometheus sees, from behind the prefix. */
    async function read (...names: string[]): Promise<number[]> {
      const values = parse(await registry.metrics())

      return names.map((name) => values.get(`libp2p_iroh_gossip_${name}`) ?? 0)
    }

    /** Waits until a series shows a value: this one, or one for which that holds. */
    async function untilRead (name: string, value: number | ((shown: number) => boolean)): Promise<void> {
      let shown = NaN
      await pWaitFor(async () => {
        [shown] = await read(name)

        return typeof value === 'number' ? shown === value : value(shown)
      }, { interval: 5, timeout: 20_000 }).catch(() => { throw new Error(`${name} never came to ${value}, it is ${shown}`) })
    }

    it('dials that were tried, succeeded and failed', async () => {
      const node = await watched()
      const other = await createNode({ discovery: { connectedPeers: false } })
      await other.services.pubsub.join('fruit')
      const nobody = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
      const topic = await node.services.pubsub.join('fruit')
      expect(await read('dials_total{result="tried"}')).to.deep.equal([0])

      await topic.joinPeers([multiaddr(`/ip4/127.0.0.1/tcp/1/p2p/${nobody}`)])
      await untilRead('dials_total{result="failed"}', (failed) => failed > 0)
      expect(await read('dials_total{result="succeeded"}')).to.deep.equal([0])

      await topic.joinPeers([other.getMultiaddrs()])
      await topic.joined()
      const [tried, succeeded, failed] = await read('dials_total{result="tried"}', 'dials_total{result="succeeded"}', 'dials_total{result="failed"}')
      expect(succeeded).to.equal(1)
      expect(tried).to.equal(succeeded + failed)
    })

    it('neighbors that come, and go for a reason', async () => {
      const node = await watched()
      const [leaves, breaks] = [await neighborOf(node), await neighborOf(node)]
      expect(await read('neighbor_changes_total{change="up"}', 'neighbors{topic="fruit"}', 'topics')).to.deep.equal([2, 2, 1])
      await leaves.say({ type: 'disconnect', alive: false, respond: false })
      await untilRead('neighbor_changes_total{change="left"}', 1)
      breaks.connection.abort(new Error('gone'))
      await untilRead('neighbor_changes_total{change="connectionClosed"}', 1)
      expect(await read('neighbor_changes_total{change="up"}', 'neighbors{topic="fruit"}')).to.deep.equal([2, 0])
      node.services.pubsub.unsubscribe('fruit')
      expect(await read('topics')).to.deep.equal([0])
    })

    it('peers that speak the protocol, and what is said of topics', async () => {
      const node = await watched({ discovery: {} })
      expect(await read('peers', 'messages_sent_total{type="subscriptions"}')).to.deep.equal([0, 0])
      const other = await createNode()
      await node.dial(other.getMultiaddrs())
      await until('the other has heard', () => other.services.pubsub.getSubscribers('fruit').length === 1)
      await untilRead('messages_received_total{type="subscriptions"}', (messages) => messages > 0)
      const [peers, sent, sentBytes, receivedBytes] = await read('peers', 'messages_sent_total{type="subscriptions"}', 'sent_bytes_total{reason="subscriptions"}', 'received_bytes_total{reason="subscriptions"}')
      expect(peers).to.equal(1)
      expect(sent).to.be.greaterThan(0)
      expect(sentBytes).to.be.greaterThan('fruit'.length)
      expect(receivedBytes).to.be.greaterThan(0)
    })

    it('bytes by what they were for, rounds, duplicates, and eager and lazy peers', async () => {
      const node = await watched()
      const [near, far] = [await neighborOf(node), await neighborOf(node)]
      expect(await read('eager_peers{topic="fruit"}', 'lazy_peers{topic="fruit"}')).to.deep.equal([2, 0])

      await near.say(gossip('apple'))
      await until('it is forwarded', () => far.heard('gossip').length === 1)
      expect(await read('received_bytes_total{reason="data"}', 'sent_bytes_total{reason="forwarded"}', 'sent_bytes_total{reason="published"}')).to.deep.equal([frameBytes('apple'), frameBytes('apple'), 0])
      expect(await read('delivered{topic="fruit"}', 'delivery_rounds_count', 'delivery_rounds_bucket{le="0"}')).to.deep.equal([1, 1, 1])
      const [cached] = await read('cached_bytes{topic="fruit"}')
      expect(cached).to.be.at.least('apple'.length)
      await near.say({ ...gossip('pear'), scope: { type: 'swarm', round: 9 } })
      await untilRead('delivery_rounds_count', 2)
      expect(await read('delivery_rounds_sum', 'delivery_rounds_bucket{le="8"}', 'delivery_rounds_bucket{le="10"}')).to.deep.equal([9, 1, 2])

      await far.say(gossip('apple'))
      await untilRead('duplicates{topic="fruit"}', 1)
      expect(await read('duplicates_ratio{topic="fruit"}', 'messages_received_total{type="gossip"}')).to.deep.equal([0.5, 3])
      await until('its sender is told', () => far.heard('prune').length === 1)
      expect(await read('messages_sent_total{type="prune"}', 'eager_peers{topic="fruit"}', 'lazy_peers{topic="fruit"}')).to.deep.equal([1, 1, 1])
      const topic = await node.services.pubsub.join('fruit')
      await topic.broadcastNeighbors(bytes('nut'))
      const [neighborBytes] = await read('sent_bytes_total{reason="neighbors"}')
      // to both, and without a round
      expect(neighborBytes).to.equal(2 * (frameBytes('nut') - 1))
    })

    it('announcements and grafts of either side, and messages that are missing', async () => {
      // long enough to be seen missing
      const node = await watched({ broadcast: { graftTimeout1Ms: 3_600_000 } })
      const peer = await neighborOf(node)
      await peer.say({ type: 'prune' })
      await untilRead('lazy_peers{topic="fruit"}', 1)
      await node.services.pubsub.publish('fruit', bytes('apple'))
      await until('it is announced', () => peer.heard('iHave').length === 1)
      expect(await read('messages_sent_total{type="iHave"}', 'messages_sent_total{type="gossip"}', 'messages_received_total{type="prune"}')).to.deep.equal([1, 0, 1])
      await peer.say({ type: 'graft', id: gossip('apple').id, round: 0 })
      await untilRead('messages_received_total{type="graft"}', 1)
      expect(await read('messages_sent_total{type="gossip"}', 'eager_peers{topic="fruit"}')).to.deep.equal([1, 1])

      await peer.say(iHave('pear'), iHave('plum'))
      await untilRead('missing_messages{topic="fruit"}', 2)
      expect(await read('messages_received_total{type="iHave"}', 'messages_sent_total{type="graft"}')).to.deep.equal([2, 0])
      await peer.say(gossip('pear'))
      await untilRead('missing_messages{topic="fruit"}', 1)
    })

    it('grafts that were sent for what was announced', async () => {
      const node = await watched()
      const peer = await neighborOf(node)
      await peer.say(iHave('pear'))
      await until('it is asked for', () => peer.heard('graft').length > 0)
      const [messages, sentBytes] = await read('messages_sent_total{type="graft"}', 'sent_bytes_total{reason="graft"}')
      // length, two tags, whether there is an id, id, round
      expect([messages, sentBytes]).to.deep.equal([peer.heard('graft').length, messages * (4 + 2 + 1 + 32 + 1)])
    })

    it('what peers do wrong, and every event', async () => {
      const node = await watched()
      const peer = await neighborOf(node)
      const [before] = await read('ticks_total')
      await peer.say({ ...gossip('apple'), id: gossip('pear').id })
      await untilRead('violations_total{reason="spoofedMessageId"}', 1)
      const stream = await peer.open()
      stream.send(rawFrame(1, Uint8Array.of(0xff)))
      stream.send(frameOf(gossip('under no topic')))
      await untilRead('violations_total{reason="invalidMessage"}', 1)
      const [ticks] = await read('ticks_total')
      expect(ticks).to.be.greaterThan(before)
    })

    it('judgements by result and time, and messages that wait for theirs or get none', async () => {
      const node = await watched()
      const peer = await neighborOf(node)
      const answers: Array<(result: TopicValidatorResult) => void> = []
      node.services.pubsub.topicValidators.set('fruit', async (_, { data }) => {
        const content = text(data)

        return content === 'accept' || content === 'ignore' || content === 'reject' ? content : new Promise((resolve) => { answers.push(resolve) })
      })
      await peer.say(gossip('accept'), gossip('ignore'), gossip('reject'))
      await untilRead('validation_seconds_count', 3)
      expect(await read('validations_total{result="accept"}', 'validations_total{result="ignore"}', 'validations_total{result="reject"}')).to.deep.equal([1, 1, 1])

      await peer.say(...Array.from({ length: 1_030 }, (_, i) => gossip(`apple ${i}`)))
      await untilRead('unjudged{topic="fruit"}', 6)
      expect(await read('waiting_validation{topic="fruit"}', 'validation_seconds_count')).to.deep.equal([1_024, 3])
      answers.forEach((answer) => { answer('accept') })
      await untilRead('validations_total{result="accept"}', 1_025)
      const [waiting, seconds] = await read('waiting_validation{topic="fruit"}', 'validation_seconds_sum')
      expect(waiting).to.equal(0)
      expect(seconds).to.be.greaterThan(0)
    })

    it('slow peers, and what waits for them', async () => {
      const node = await watched({ maxSendQueueBytes: 64 * 1024, stallTimeoutMs: 600_000 })
      // without a listener the muxer's window stays shut
      const peer = await neighborOf(node, (_, stream) => { stream.pause() })
      expect(await read('slow_peers_total')).to.deep.equal([0])

      // three times what a muxer's window takes
      for (let i = 0; i < 400; i++) {
        const content = new Uint8Array(2_000)
        new DataView(content.buffer).setUint32(0, i)
        await node.services.pubsub.publish('fruit', content)
      }

      await untilRead('slow_peers_total', (slow) => slow > 0)
      await untilRead('send_queue_bytes', (queued) => queued > 0 && queued <= 64 * 1024)
      peer.connection.abort(new Error('gone'))
      await untilRead('send_queue_bytes', 0)
    })
  })
})
