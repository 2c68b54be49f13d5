import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import { Registry } from 'prom-client'
import { irohGossip } from '../src/index.ts'
import { bytes, createNode, stopNodes, until } from './support/nodes.ts'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

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
    const values = new Map(scraped.split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => {
      const at = line.lastIndexOf(' ')

      return [line.slice(0, at), Number(line.slice(at + 1))]
    }))

    expect(values.get('libp2p_iroh_gossip_messages_received_total{type="gossip"}')).to.equal(1)
    expect(values.get('libp2p_iroh_gossip_messages_sent_total{type="gossip"}')).to.equal(1)
    // length, two tags, id, length of the content, content, scope
    expect(values.get('libp2p_iroh_gossip_sent_bytes_total{reason="published"}')).to.equal(4 + 2 + 32 + 1 + 4 + 2)
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
})
