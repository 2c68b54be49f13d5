import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { tcp } from '@libp2p/tcp'
import { expect } from 'chai'
import { GOSSIP_PROTOCOL } from '../src/index.ts'
import { isIrohAddress } from '../src/iroh-address.ts'
import { iroh } from '../src/transport-iroh/index.ts'
import { encodeStreamHeader } from '../src/wire/index.ts'
import { frameOf, topicId } from './support/hand-made-peer.ts'
import { Heard, bytes, createBareNode, createNode, stopNodes, until } from './support/nodes.ts'
import type { TestNode } from './support/nodes.ts'
import type { Libp2pOptions } from 'libp2p'

const STOCK_NODE = fileURLToPath(new URL('./support/stock-node.ts', import.meta.url))
const TAG = 'iroh-gossip-neighbor'
const LISTEN_BOTH = ['/ip4/127.0.0.1/udp/0/quic-v1/sni/iroh.invalid', '/ip4/127.0.0.1/tcp/0']

async function createBothNode (options: Libp2pOptions = {}): Promise<TestNode> {
  return createNode({}, { addresses: { listen: LISTEN_BOTH }, transports: [iroh({ relayMode: 'disabled' }), tcp()], ...options })
}

async function tagsOf (node: TestNode, other: TestNode): Promise<string[]> {
  const peer = await node.peerStore.get(other.peerId)

  return [...peer.tags.keys()]
}

/** Waits until `node` has tagged `other` as neighbor, or has not. */
async function untilTagged (node: TestNode, other: TestNode, isTagged: boolean): Promise<void> {
  let tagged = !isTagged
  const look = setInterval(() => { void tagsOf(node, other).then((tags) => { tagged = tags.includes(TAG) }) }, 10)

  try {
    await until(`the tag is ${isTagged ? 'there' : 'gone'}`, () => tagged === isTagged)
  } finally {
    clearInterval(look)
  }
}

/** Has gossip dial somebody and lose its use for the connection: what it would close before is closed when this is. */
async function untilOneIsClosed (node: TestNode): Promise<void> {
  const other = await createNode()
  await other.services.pubsub.join('vegetables')
  const topic = await node.services.pubsub.join('vegetables', { bootstrap: [other.getMultiaddrs()] })
  await topic.joined()
  await topic.leave()
  await until('nothing is left to whom nobody else talks', () => node.getConnections(other.peerId).length === 0)
}

describe('among other users of a libp2p node', () => {
  afterEach(stopNodes)

  it('a stock node in another process identifies us, pings, and sees all our addresses', async () => {
    const node = await createBothNode()
    await node.services.pubsub.join('fruit')
    const address = node.getMultiaddrs().find((ma) => !isIrohAddress(ma))
    const { stdout } = await promisify(execFile)(process.execPath, [STOCK_NODE, String(address)])
    const seen = JSON.parse(stdout)
    expect(seen.protocols).to.include.members([GOSSIP_PROTOCOL, '/ipfs/ping/1.0.0', '/ipfs/id/1.0.0'])
    expect(seen.pingMs).to.be.at.least(0)
    const suffix = `/p2p/${node.peerId}`
    expect(seen.addresses.map((text: string) => text.replace(suffix, ''))).to.have.members(node.getMultiaddrs().map((ma) => ma.decapsulate(suffix).toString()))
    expect(seen.addresses.some((text: string) => text.includes('/sni/iroh.invalid'))).to.equal(true)
  })

  it('a peer that is connected by iroh and TCP has all its protocols served', async () => {
    const [a, b] = await Promise.all([createBothNode(), createBothNode()])
    const inA = await a.services.pubsub.join('fruit')
    const inB = await b.services.pubsub.join('fruit', { bootstrap: [a.getMultiaddrs().filter(isIrohAddress)] })
    const heard = new Heard(inA)
    await Promise.all([inA.joined(), inB.joined()])
    expect(b.getConnections(a.peerId).every(({ remoteAddr }) => isIrohAddress(remoteAddr))).to.equal(true)
    // ping finds no home on the native connection and opens another one
    await b.peerStore.merge(a.peerId, { multiaddrs: a.getMultiaddrs() })
    expect(await b.services.ping.ping(a.peerId)).to.be.at.least(0)
    expect(b.getConnections(a.peerId).map(({ remoteAddr }) => isIrohAddress(remoteAddr))).to.include.members([true, false])
    await inB.broadcast(bytes('apple'))
    await until('gossip goes on', () => heard.texts.length === 1)
    await inB.leave()
    await until('the native connection is gone', () => !b.getConnections(a.peerId).some(({ remoteAddr }) => isIrohAddress(remoteAddr)))
    expect(await b.services.ping.ping(a.peerId)).to.be.at.least(0)
  })

  it('a connection that others opened stays when the topic is left', async () => {
    const [a, b] = await Promise.all([createNode(), createNode()])
    await a.services.pubsub.join('fruit')
    const connection = await b.dial(a.getMultiaddrs())
    const topic = await b.services.pubsub.join('fruit', { bootstrap: [a.peerId] })
    await topic.joined()
    await topic.leave()
    await until('our streams are gone', () => connection.streams.every(({ protocol }) => protocol !== GOSSIP_PROTOCOL))
    await untilOneIsClosed(b)
    expect(connection.status).to.equal('open')
  })

  it('a connection that gossip dialed stays while others use it, and goes when nobody does', async () => {
    const [a, b] = await Promise.all([createNode(), createNode()])
    await a.services.pubsub.join('fruit')
    await a.handle('/echo/1', () => {})
    const topic = await b.services.pubsub.join('fruit', { bootstrap: [a.getMultiaddrs()] })
    await topic.joined()
    const [connection] = b.getConnections(a.peerId)
    const stream = await connection.newStream('/echo/1')
    await topic.leave()
    await until('our streams are gone', () => connection.streams.every(({ protocol }) => protocol !== GOSSIP_PROTOCOL))
    expect([connection.status, stream.status]).to.deep.equal(['open', 'open'])
    await untilOneIsClosed(b)
    expect(connection.status).to.equal('open')
  })

  it('a connection that others use stays when its peer is let go for what it does to our streams', async () => {
    const node = await createNode()
    const peer = await createBareNode()
    await peer.handle(GOSSIP_PROTOCOL, (stream) => { stream.abort(new Error('go away')) })
    await peer.handle('/echo/1', () => {})
    const topic = await node.services.pubsub.join('fruit', { bootstrap: [peer.getMultiaddrs()] })
    const heard = new Heard(topic)
    await until('gossip has dialed it', () => node.getConnections(peer.peerId).length === 1)
    const [connection] = node.getConnections(peer.peerId)
    const stream = await connection.newStream('/echo/1')
    const join = await peer.getConnections(node.peerId)[0].newStream(GOSSIP_PROTOCOL)
    join.send(encodeStreamHeader(topicId.bytes))
    join.send(frameOf({ type: 'join' }))
    await until('it was let go', () => {
      // each asks for a stream, which is refused
      void topic.broadcastNeighbors(crypto.getRandomValues(new Uint8Array(8)))

      return heard.events.some(({ type }) => type === 'neighborDown')
    })
    await until('our streams are gone', () => connection.streams.every(({ protocol }) => protocol !== GOSSIP_PROTOCOL))
    expect([connection.status, stream.status]).to.deep.equal(['open', 'open'])
  })

  it('gossip dials in the queue of the node, and waits there for its turn', async () => {
    const [a, far] = await Promise.all([createNode(), createNode()])
    const asked: string[] = []
    const may = Promise.withResolvers<boolean>()
    const b = await createNode({}, {
      // one dial at a time, and the first is held up
      connectionManager: { maxParallelDials: 1, inboundConnectionThreshold: 10_000 },
      connectionGater: {
        denyDialMultiaddr: async (address) => {
          asked.push(String(address))

          return address.toString().includes(far.peerId.toString()) ? may.promise : false
        }
      }
    })
    await a.services.pubsub.join('fruit')
    const first = b.dial(far.getMultiaddrs())
    await until('the first dial is held up', () => asked.length > 0)
    const topic = await b.services.pubsub.join('fruit', { bootstrap: [a.getMultiaddrs()] })
    await until('the second one is queued', () => b.getDialQueue().some(({ peerId, status }) => peerId?.equals(a.peerId) === true && status === 'queued'))
    expect(b.getConnections()).to.deep.equal([])
    may.resolve(false)
    await Promise.all([first, topic.joined()])
  })

  it('neighbors are tagged, once for all topics, and untagged with the last', async () => {
    const [a, b] = await Promise.all([createNode(), createNode()])
    await Promise.all([a.services.pubsub.join('fruit'), a.services.pubsub.join('nuts')])
    const bootstrap = [a.getMultiaddrs()]
    const [fruit, nuts] = [await b.services.pubsub.join('fruit', { bootstrap }), await b.services.pubsub.join('nuts', { bootstrap })]
    await Promise.all([fruit.joined(), nuts.joined()])
    await untilTagged(b, a, true)
    await fruit.leave()
    expect(await tagsOf(b, a)).to.include(TAG)
    await nuts.leave()
    await untilTagged(b, a, false)
    await untilTagged(a, b, false)
  })

  it('the pruner spares native connections that are no neighbors, and takes others', async () => {
    const node = await createBothNode({ connectionManager: { maxConnections: 1, inboundConnectionThreshold: 10_000 } })
    const [native, plain] = await Promise.all([createBothNode(), createNode()])
    const spared = await node.dial(native.getMultiaddrs().filter(isIrohAddress))
    const pruned: string[] = []
    node.addEventListener('connection:prune', ({ detail }) => { pruned.push(...detail.map(({ id }) => id)) })
    const taken = await node.dial(plain.getMultiaddrs())
    await until('one was pruned', () => pruned.length > 0)
    expect(pruned).to.deep.equal([taken.id])
    expect(spared.status).to.equal('open')
    await spared.close()
    let tags = ['iroh-gossip-native']
    const look = setInterval(() => { void tagsOf(node, native).then((found) => { tags = found }) }, 10)
    await until('it has no tag any more', () => tags.length === 0).finally(() => { clearInterval(look) })
  })

  it('whom the gater denies is not dialed, natively or else', async () => {
    const a = await createBothNode()
    await a.services.pubsub.join('fruit')
    const asked: string[] = []
    const b = await createBothNode({
      connectionGater: {
        denyDialMultiaddr: () => false,
        denyDialPeer: (peerId) => {
          asked.push(peerId.toString())

          return peerId.equals(a.peerId)
        }
      }
    })
    const topic = await b.services.pubsub.join('fruit', { bootstrap: [a.getMultiaddrs()] })
    await until('the gater was asked', () => asked.includes(a.peerId.toString()))
    // its Neighbor would have followed a second later
    await until('the contact was given up or asked again', () => asked.length >= 2)
    expect(topic.neighbors()).to.deep.equal([])
    expect(b.getConnections(a.peerId)).to.deep.equal([])
  })
})
