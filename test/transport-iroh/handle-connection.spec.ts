import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@libp2p/yamux'
import { expect, use } from 'chai'
import chaiAsPromised from 'chai-as-promised'
import { createLibp2p } from 'libp2p'
import { irohGossip } from '../../src/index.ts'
import { isIrohAddress } from '../../src/iroh-address.ts'
import { iroh } from '../../src/transport-iroh/index.ts'
import { Heard, bytes } from '../support/nodes.ts'
import { NativePeer, closeNativePeers, readAll, toBytes } from './support/native-peer.ts'
import { LISTEN, PROTOCOL, until } from './support/nodes.ts'
import type { IrohGossip } from '../../src/index.ts'
import type { IrohTransportFactory } from '../../src/transport-iroh/index.ts'
import type { Libp2p } from '@libp2p/interface'
import type { Connection } from '@number0/iroh'

use(chaiAsPromised)

type GossipNode = Libp2p<{ pubsub: IrohGossip }>

const nodes: GossipNode[] = []

async function create (transport: IrohTransportFactory, options: object = {}): Promise<GossipNode> {
  const node = await createLibp2p({
    addresses: { listen: [LISTEN] },
    transports: [transport],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    ...options,
    services: { pubsub: irohGossip() }
  })
  nodes.push(node)

  return node
}

/** An application with an endpoint and an accept loop of its own, for gossip and for itself. */
async function application (): Promise<{ endpoint: NativePeer, transport: IrohTransportFactory, node: GossipNode, own: Connection[], failed: Error[] }> {
  const endpoint = await NativePeer.create([PROTOCOL, '/mine/1'])
  const transport = iroh({ endpoint: endpoint.endpoint, accept: false })
  const node = await create(transport, { privateKey: endpoint.privateKey })
  const own: Connection[] = []
  const failed: Error[] = []

  const accept = async (): Promise<void> => {
    while (true) {
      const { connection } = await endpoint.accept()

      if (Buffer.from(connection.alpn()).toString() === PROTOCOL) {
        transport.handleConnection(connection).catch((err) => { failed.push(err) })
      } else {
        own.push(connection)
      }
    }
  }

  // ends with the endpoint
  accept().catch(() => {})

  return { endpoint, transport, node, own, failed }
}

describe('an accept loop of the application', () => {
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(async (node) => node.stop()))
    await closeNativePeers()
  })

  it('hands gossip connections over, and keeps the others', async () => {
    const { endpoint, node, own, failed } = await application()
    const other = await create(iroh({ relayMode: 'disabled' }))
    const topic = await node.services.pubsub.join('fruit')
    const theirs = await other.services.pubsub.join('fruit', { bootstrap: [endpoint.multiaddr] })
    const [heard, theyHeard] = [new Heard(topic), new Heard(theirs)]
    await Promise.all([topic.joined(), theirs.joined()])
    await topic.broadcast(bytes('apple'))
    await theirs.broadcast(bytes('pear'))
    await until('each hears the other', () => heard.texts.length === 1 && theyHeard.texts.length === 1)
    expect([heard.texts, theyHeard.texts]).to.deep.equal([['pear'], ['apple']])
    const [connection] = node.getConnections(other.peerId)
    expect(connection.direction).to.equal('inbound')
    expect(isIrohAddress(connection.remoteAddr), `${connection.remoteAddr}`).to.equal(true)

    const caller = await NativePeer.create()
    const mine = await caller.dial(endpoint.multiaddr, '/mine/1')
    await until('the application has it', () => own.length === 1)
    const stream = await mine.openUni()
    await stream.writeAll(toBytes('hello'))
    await stream.finish()
    expect(await readAll(await own[0].acceptUni())).to.deep.equal(toBytes('hello'))

    // gossip stops, the application goes on
    await node.stop()
    const another = await caller.dial(endpoint.multiaddr, '/mine/1')
    await until('the application has the next one too', () => own.length === 2)
    another.close(0n, [])
    expect(failed).to.deep.equal([])
  })

  it('is told what cannot be handled, and why', async () => {
    const { endpoint, transport, node, own, failed } = await application()
    const caller = await NativePeer.create()
    await caller.dial(endpoint.multiaddr, '/mine/1')
    await until('the application has it', () => own.length === 1)

    await expect(transport.handleConnection(own[0])).to.eventually.be.rejectedWith('The connection is for /mine/1, gossip runs on /iroh-gossip/1')
      .with.property('name', 'InvalidParametersError')
    expect(own[0].closeReason(), 'it is the application\'s still').to.equal(null)
    // @ts-expect-error no connection
    await expect(transport.handleConnection({})).to.eventually.be.rejected.with.property('name', 'InvalidParametersError')
    await expect(transport.handleConnection(own[0], { signal: AbortSignal.abort() })).to.eventually.be.rejected.with.property('name', 'AbortError')

    await node.stop()
    await expect(transport.handleConnection(own[0])).to.eventually.be.rejected.with.property('name', 'NotStartedError')
    await caller.dial(endpoint.multiaddr)
    await until('the loop is told too', () => failed.length === 1)
    expect(failed[0]).to.have.property('name', 'NotStartedError')
  })

  it('needs an endpoint, and to know whose a connection is', async () => {
    await expect(create(iroh({ accept: false }))).to.eventually.be.rejected.with.property('name', 'InvalidParametersError')
    const transport = iroh({ relayMode: 'disabled' })
    await Promise.all([create(transport), create(transport)])
    const [a, b] = await Promise.all([NativePeer.create(), NativePeer.create()])
    const accepting = a.accept()
    await b.dial(a.multiaddr)
    const { connection } = await accepting
    await expect(transport.handleConnection(connection)).to.eventually.be.rejectedWith('2 nodes run with this transport')
  })
})
