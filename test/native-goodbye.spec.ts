import { tcp } from '@libp2p/tcp'
import { expect } from 'chai'
import { Uint8ArrayList } from 'uint8arraylist'
import { TopicId } from '../src/index.ts'
import { endpointIdOf, fromMultiaddr, isIrohAddress } from '../src/iroh-address.ts'
import { iroh } from '../src/transport-iroh/index.ts'
import { FrameDecoder, decodeMessage, encodeFrame, encodeStreamHeader } from '../src/wire/index.ts'
import { createNode, stopNodes, until } from './support/nodes.ts'
import { NativePeer, closeNativePeers } from './transport-iroh/support/native-peer.ts'
import type { TestNode } from './support/nodes.ts'
import type { Message } from '../src/wire/index.ts'
import type { Connection } from '@number0/iroh'

const topicId = TopicId.fromName('fruit')

/** AddrInfo as a Rust peer writes it: no relay, one IPv4 address. */
function rustData (peer: NativePeer): Uint8Array {
  const [{ port }] = fromMultiaddr(peer.multiaddr).directAddresses

  // the port is a varint of three bytes, or two below 16,384
  const varint = port < 0x4000
    ? [port & 0x7f | 0x80, port >> 7]
    : [port & 0x7f | 0x80, port >> 7 & 0x7f | 0x80, port >> 14]

  return Uint8Array.of(0, 1, 0, 127, 0, 0, 1, ...varint)
}

/** Says something on a new stream, as a Rust peer does. */
async function say (connection: Connection, ...messages: Message[]): Promise<void> {
  const stream = await connection.openUni()
  const frames = messages.map((message) => encodeFrame(message))
  await stream.writeAll([...new Uint8ArrayList(encodeStreamHeader(topicId.bytes), ...frames).subarray()])
}

/** Everything that comes on the streams of a connection, in order for each stream. */
function listen (connection: Connection): { messages: Message[], isClosed: boolean } {
  const heard = { messages: [] as Message[], isClosed: false }
  void connection.closed().then(() => { heard.isClosed = true })
  void (async () => {
    while (true) {
      const stream = await connection.acceptUni()
      const decoder = new FrameDecoder({
        maxMessageSize: 4096,
        onHeader: () => {},
        onFrame: (payload) => { heard.messages.push(decodeMessage(payload)) },
        onViolation: () => {}
      })
      void (async () => {
        for (let chunk = await stream.read(65_536); chunk.length > 0; chunk = await stream.read(65_536)) {
          decoder.push(Uint8Array.from(chunk))
        }
      })().catch(() => {})
    }
  })().catch(() => {})

  return heard
}

describe('a word to a stranger by native iroh', () => {
  afterEach(async () => {
    await stopNodes()
    await closeNativePeers()
  })

  async function irohNode (activeViewCapacity: number): Promise<TestNode> {
    return createNode({ membership: { activeViewCapacity } }, {
      addresses: { listen: ['/ip4/127.0.0.1/udp/0/quic-v1/sni/iroh.invalid'] },
      transports: [iroh({ relayMode: 'disabled' }), tcp()]
    })
  }

  /** A node whose neighbor ends a walk at it: the origin, a stranger, is dialed and answered. */
  async function answered (activeViewCapacity: number): Promise<{ node: TestNode, origin: NativePeer, connection: Connection, heard: ReturnType<typeof listen> }> {
    const node = await irohNode(activeViewCapacity)
    await node.services.pubsub.join('fruit')
    const [neighbor, origin] = [await NativePeer.create(), await NativePeer.create()]
    const address = node.getMultiaddrs().find(isIrohAddress)

    if (address == null) {
      throw new Error('The node does not listen by iroh')
    }

    const link = await neighbor.dial(address)
    listen(link)
    await say(link, { type: 'join', data: rustData(neighbor) })
    await until('they are neighbors', () => node.services.pubsub.getSubscribers('fruit').length === 1)
    const accepting = origin.accept()
    const id = endpointIdOf(origin.peerId)
    await say(link, { type: 'shuffle', origin: id, nodes: [{ id, data: rustData(origin) }, { id: endpointIdOf(neighbor.peerId) }], ttl: 0 })
    const { connection } = await accepting

    return { node, origin, connection, heard: listen(connection) }
  }

  it('begins with a goodbye, and its answer closes the connection', async () => {
    // full, so that it has nothing else to say
    const { node, origin, connection, heard } = await answered(1)
    await until('the answer to the walk has come', () => heard.messages.length === 2)
    expect(heard.messages[0]).to.deep.equal({ type: 'shuffle', origin: endpointIdOf(node.peerId), nodes: [], ttl: 0 })
    expect(heard.messages[1].type).to.equal('shuffleReply')
    expect(node.getConnections(origin.peerId)).to.have.length(1)
    await say(connection, { type: 'shuffleReply', nodes: [] })
    await until('it is closed', () => heard.isClosed && node.getConnections(origin.peerId).length === 0)
  })

  it('has no goodbye where more is to be said: the connection stays', async () => {
    const { node, origin, connection, heard } = await answered(5)
    await until('the origin was answered, and asked', () => heard.messages.length === 2)
    expect(heard.messages.map(({ type }) => type)).to.deep.equal(['shuffleReply', 'neighbor'])
    await say(connection, { type: 'neighbor', priority: 'low', data: rustData(origin) })
    await until('they are neighbors', () => node.services.pubsub.getSubscribers('fruit').length === 2)
    expect(heard.isClosed).to.equal(false)
  })
})
