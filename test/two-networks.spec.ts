import { noise } from '@chainsafe/libp2p-noise'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import { irohGossip } from '../src/index.ts'
import { isIrohAddress } from '../src/iroh-address.ts'
import { iroh } from '../src/transport-iroh/index.ts'
import { Heard, bytes, until } from './support/nodes.ts'
import type { IrohGossip, Topic } from '../src/index.ts'
import type { Identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'

const RED = '/red/1'
const BLUE = '/blue/1'

type Transport = 'TCP' | 'iroh'
type OneNetwork = Libp2p<{ identify: Identify, pubsub: IrohGossip }>
type BothNetworks = Libp2p<{ identify: Identify, red: IrohGossip, blue: IrohGossip }>

const nodes: Libp2p[] = []

function options (transport: Transport, gossipProtocols: string[]): object {
  return {
    addresses: { listen: [transport === 'TCP' ? '/ip4/127.0.0.1/tcp/0' : '/ip4/127.0.0.1/udp/0/quic-v1/sni/iroh.invalid'] },
    transports: [transport === 'TCP' ? tcp() : iroh({ relayMode: 'disabled', gossipProtocols })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 1_000 }
  }
}

async function createOne (transport: Transport, protocol: string): Promise<OneNetwork> {
  const node = await createLibp2p({ ...options(transport, [protocol]), services: { identify: identify(), pubsub: irohGossip({ protocol }) } })
  nodes.push(node)

  return node
}

async function createBoth (transport: Transport): Promise<BothNetworks> {
  const node = await createLibp2p({ ...options(transport, [RED, BLUE]), services: { identify: identify(), red: irohGossip({ protocol: RED }), blue: irohGossip({ protocol: BLUE }) } })
  nodes.push(node)

  return node
}

for (const transport of ['TCP', 'iroh'] as const) {
  describe(`two networks on ${transport}`, () => {
    afterEach(async () => {
      await Promise.all(nodes.splice(0).map(async (node) => node.stop()))
    })

    it('stay apart, though all have the same topic and all are dialed', async () => {
      const [red, red2] = [await createOne(transport, RED), await createOne(transport, RED)]
      const [blue, blue2] = [await createOne(transport, BLUE), await createOne(transport, BLUE)]
      const topics: Topic[] = []

      for (const node of [red, red2, blue, blue2]) {
        topics.push(await node.services.pubsub.join('fruit', { bootstrap: [red, blue].filter((other) => other !== node).map((other) => other.getMultiaddrs()) }))
      }

      await Promise.all(topics.map(async (topic) => topic.joined()))
      const heard = topics.map((topic) => new Heard(topic))
      await topics[0].broadcast(bytes('cherry'))
      await topics[2].broadcast(bytes('plum'))
      await until('each has its own network\'s message', () => [1, 3].every((i) => heard[i].texts.length > 0))
      await topics[1].broadcast(bytes('strawberry'))
      await topics[3].broadcast(bytes('blueberry'))
      await until('and the answer', () => [0, 2].every((i) => heard[i].texts.length > 0))
      expect(heard.map(({ texts }) => texts)).to.deep.equal([['strawberry'], ['cherry'], ['blueberry'], ['plum']])
      expect(topics.map((topic) => topic.neighbors().map(String))).to.deep.equal([red2, red, blue2, blue].map(({ peerId }) => [peerId.toString()]))
    })

    it('meet in a node that has both, and stay apart there', async () => {
      const [red, blue] = [await createOne(transport, RED), await createOne(transport, BLUE)]
      const both = await createBoth(transport)
      const inRed = await red.services.pubsub.join('fruit')
      const inBlue = await blue.services.pubsub.join('fruit')
      const bootstrap = [red.getMultiaddrs(), blue.getMultiaddrs()]
      const [bothRed, bothBlue] = [await both.services.red.join('fruit', { bootstrap }), await both.services.blue.join('fruit', { bootstrap })]
      const heard = [inRed, inBlue, bothRed, bothBlue].map((topic) => new Heard(topic))
      await Promise.all([inRed, inBlue, bothRed, bothBlue].map(async (topic) => topic.joined()))
      await inRed.broadcast(bytes('cherry'))
      await inBlue.broadcast(bytes('plum'))
      await bothRed.broadcast(bytes('strawberry'))
      await bothBlue.broadcast(bytes('blueberry'))
      await until('all arrived', () => heard.every(({ texts }) => texts.length > 0))
      expect(heard.map(({ texts }) => texts)).to.deep.equal([['strawberry'], ['blueberry'], ['cherry'], ['plum']])
    })

    it('run beside each other between two nodes that have both, and end on their own', async () => {
      const [a, b] = [await createBoth(transport), await createBoth(transport)]
      const bootstrap = [b.getMultiaddrs()]
      // both dial at once
      const [redA, blueA, redB, blueB] = await Promise.all([
        a.services.red.join('fruit', { bootstrap }), a.services.blue.join('fruit', { bootstrap }), b.services.red.join('fruit'), b.services.blue.join('fruit')
      ])
      const heard = [redB, blueB].map((topic) => new Heard(topic))
      await Promise.all([redA, blueA, redB, blueB].map(async (topic) => topic.joined()))
      await redA.broadcast(bytes('cherry'))
      await blueA.broadcast(bytes('plum'))
      await until('both arrived', () => heard.every(({ texts }) => texts.length > 0))
      expect(heard.map(({ texts }) => texts)).to.deep.equal([['cherry'], ['plum']])
      expect(a.getConnections(b.peerId).filter(({ remoteAddr }) => isIrohAddress(remoteAddr)).length).to.equal(transport === 'iroh' ? 2 : 0)

      await redA.leave()
      await until('the other side knows', () => redB.neighbors().length === 0)
      await blueA.broadcast(bytes('blueberry'))
      await until('the other network goes on', () => heard[1].texts.includes('blueberry'))
      expect(blueB.neighbors().map(String)).to.deep.equal([a.peerId.toString()])
    })
  })
}
