import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerRoutingSymbol } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'chai'
import pWaitFor from 'p-wait-for'
import { iroh } from '../src/transport-iroh/index.ts'
import { decodePeerData } from '../src/wire/index.ts'
import { HandMadePeer } from './support/hand-made-peer.ts'
import { createNode, stopNodes, until } from './support/nodes.ts'
import { FakeEndpoint } from './transport-iroh/support/fake-endpoint.ts'
import type { TestNode } from './support/nodes.ts'
import type { Libp2pOptions } from 'libp2p'

/** 0.0.0.0 as an endpoint that the test makes up names it. */
const LISTEN_ALL = '/ip4/0.0.0.0/udp/0/quic-v1/sni/iroh.invalid'

describe('what a node says of its addresses', () => {
  afterEach(stopNodes)

  /** The peer data that comes with the answer to a Join. */
  async function saidBy (node: TestNode): Promise<Uint8Array> {
    await node.services.pubsub.join('fruit')
    const peer = await HandMadePeer.connect(node)
    await peer.say({ type: 'join' })
    await until('it answers', () => peer.heard('neighbor').length > 0)
    const [answer] = peer.heard('neighbor')

    if (answer.type !== 'neighbor' || answer.data == null) {
      throw new Error('The answer says nothing of addresses')
    }

    return answer.data
  }

  /** A node by TCP and by an iroh endpoint that says of itself what the test wants. */
  async function createFakeNode (options: Libp2pOptions = {}): Promise<{ node: TestNode, endpoint: FakeEndpoint }> {
    const privateKey = await generateKeyPair('Ed25519')
    const endpoint = new FakeEndpoint(privateKey.publicKey.raw)
    endpoint.directAddresses = ['192.168.0.7:7']
    endpoint.relayUrl = 'https://relay.example/'
    const node = await createNode({ membership: { shuffleIntervalMs: 200 } }, {
      privateKey,
      addresses: { listen: [LISTEN_ALL, '/ip4/127.0.0.1/tcp/0'] },
      transports: [iroh({ endpoint }), tcp()],
      ...options
    })

    return { node, endpoint }
  }

  function tcpAddressOf (node: TestNode): string {
    return String(node.getMultiaddrs().find((address) => /\/tcp\/\d+\/p2p/.test(address.toString()))).split('/p2p/')[0]
  }

  it('are the relay and IP:port pairs in the part that Rust reads, and other multiaddrs behind it', async () => {
    const { node } = await createFakeNode()
    const data = await saidBy(node)
    const relay = new TextEncoder().encode('https://relay.example/')
    // postcard: Some(relay), one address, IPv4, its octets, the port
    const addrInfo = [1, relay.length, ...relay, 1, 0, 192, 168, 0, 7, 7]
    expect([...data.subarray(0, addrInfo.length)]).to.deep.equal(addrInfo)
    expect(decodePeerData(data).multiaddrs.map((bytes) => multiaddr(bytes).toString())).to.deep.equal([tcpAddressOf(node)])
  })

  it('has at most 256 bytes however many there are, public ones first', async () => {
    const names = Array.from({ length: 20 }, (_, i) => `/dns4/node-${i}.example.org/tcp/4001`)
    const { node } = await createFakeNode({
      addresses: { listen: [LISTEN_ALL, '/ip4/127.0.0.1/tcp/0'], appendAnnounce: names }
    })
    const data = await saidBy(node)
    const { relayUrl, directAddresses, multiaddrs } = decodePeerData(data)
    expect(data.byteLength).to.be.within(200, 256)
    expect(relayUrl).to.equal('https://relay.example/')
    expect(directAddresses).to.deep.equal([{ host: '192.168.0.7', port: 7 }])
    expect(multiaddrs.map((bytes) => multiaddr(bytes).toString())).to.include.members(names.slice(0, 3)).and.not.include(tcpAddressOf(node))
  })

  it('follows those of the iroh endpoint: what is new reaches a neighbor, and takes the relay\'s place', async () => {
    const [{ node, endpoint }, contact] = await Promise.all([createFakeNode(), createNode()])
    const inContact = await contact.services.pubsub.join('fruit')
    const topic = await node.services.pubsub.join('fruit', { bootstrap: [contact.getMultiaddrs()] })
    await Promise.all([inContact.joined(), topic.joined()])
    const suffix = `/p2p/${node.peerId}`
    const known = async (): Promise<string[]> => {
      const found = await contact.services.pubsub[peerRoutingSymbol].findPeer?.(node.peerId)

      return found?.multiaddrs.map((address) => address.toString().replace(suffix, '')) ?? []
    }
    const relay = (name: string): string => `/dns4/${name}.example/tcp/443/https/http-path/relay`
    const direct = (n: number): string => `/ip4/192.168.0.${n}/udp/${n}/quic-v1/sni/iroh.invalid`
    expect(await known()).to.include.members([direct(7), relay('relay')])

    // twice: the first change may be told with what libp2p says of a node that has just started
    for (const [name, n] of [['second', 8], ['third', 9]] as const) {
      endpoint.directAddresses = [`192.168.0.${n}:${n}`]
      endpoint.relayUrl = `https://${name}.example/`
      await pWaitFor(async () => (await known()).includes(relay(name)), { interval: 20, timeout: { milliseconds: 20_000, message: 'The contact never heard of it' } })
    }

    const addresses = await known()
    expect(addresses.filter((address) => address.includes('http-path'))).to.deep.equal([relay('third')])
    expect(addresses).to.include.members([direct(9), direct(8), direct(7)])
  })
})
