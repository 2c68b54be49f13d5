import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerRoutingSymbol } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'chai'
import pWaitFor from 'p-wait-for'
import { AddressLookup } from '../src/address-lookup.ts'
import { endpointIdOf, peerIdOf } from '../src/iroh-address.ts'
import { encodePeerData } from '../src/wire/index.ts'
import { HandMadePeer } from './support/hand-made-peer.ts'
import { createNode, stopNodes, until } from './support/nodes.ts'
import type { TestNode } from './support/nodes.ts'
import type { PeerInfo as ProtoPeerInfo } from '../src/proto/messages.ts'
import type { PeerData } from '../src/wire/index.ts'
import type { AddressManager } from '@libp2p/interface-internal'

const MINUTE_MS = 60_000

/** libp2p has it, but not in the type of a node. */
function addressManagerOf (node: TestNode): AddressManager {
  return (node as unknown as { components: { addressManager: AddressManager } }).components.addressManager
}

describe('the address lookup', () => {
  let key: string
  let suffix: string
  let now: number
  let lookup: AddressLookup

  beforeEach(async () => {
    const peerId = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    key = endpointIdOf(peerId)
    suffix = `/p2p/${peerId}`
    now = 0
    lookup = new AddressLookup(() => now)
  })

  afterEach(stopNodes)

  function learn (data: Partial<PeerData>, peer = key): void {
    lookup.addPeerData(peer, encodePeerData({ directAddresses: [], multiaddrs: [], ...data }))
  }

  function known (): string[] {
    return lookup.get(key).map(String)
  }

  it('knows both halves of peer data, native addresses first', () => {
    learn({ directAddresses: [{ host: '192.0.2.1', port: 4 }], relayUrl: 'https://relay.example', multiaddrs: [multiaddr('/ip4/192.0.2.1/tcp/5').bytes] })
    expect(known()).to.deep.equal([
      `/ip4/192.0.2.1/udp/4/quic-v1/sni/iroh.invalid${suffix}`,
      `/dns4/relay.example/tcp/443/https/http-path/relay${suffix}`,
      `/ip4/192.0.2.1/tcp/5${suffix}`
    ])
  })

  it('keeps older direct addresses behind new ones, and replaces the relay', () => {
    learn({ directAddresses: [{ host: '192.0.2.1', port: 1 }], relayUrl: 'https://old.example' })
    learn({ directAddresses: [{ host: '192.0.2.2', port: 2 }], relayUrl: 'https://new.example' })
    expect(known()).to.deep.equal([
      `/ip4/192.0.2.2/udp/2/quic-v1/sni/iroh.invalid${suffix}`,
      `/dns4/new.example/tcp/443/https/http-path/relay${suffix}`,
      `/ip4/192.0.2.1/udp/1/quic-v1/sni/iroh.invalid${suffix}`
    ])
  })

  it('has again in front what a peer says once more', () => {
    const data = { directAddresses: [{ host: '192.0.2.1', port: 1 }] }
    const [said, told] = [`/ip4/192.0.2.1/udp/1/quic-v1/sni/iroh.invalid${suffix}`, `/ip4/192.0.2.2/tcp/2${suffix}`]
    learn(data)
    learn(data)
    expect(known()).to.deep.equal([said])
    lookup.addMultiaddrs(key, [multiaddr(told)])
    expect(known()).to.deep.equal([told, said])
    learn(data)
    expect(known()).to.deep.equal([said, told])
  })

  it('keeps at most 16 addresses of a peer, the newest', () => {
    for (let port = 1; port <= 40; port++) {
      learn({ directAddresses: [{ host: '192.0.2.1', port }] })
    }

    expect(known()).to.have.lengthOf(16)
    expect(known()[0]).to.include('/udp/40/')
    expect(known()[15]).to.include('/udp/25/')
  })

  it('forgets an address 5 minutes after it was last named, and its memory 30 s later at the latest', () => {
    learn({ directAddresses: [{ host: '192.0.2.1', port: 1 }] })
    now += 3 * MINUTE_MS
    learn({ directAddresses: [{ host: '192.0.2.1', port: 1 }] })
    now += 5 * MINUTE_MS - 1
    expect(known()).to.have.lengthOf(1)
    now += 1
    expect(known()).to.have.lengthOf(0)
    now += 30_000
    learn({ directAddresses: [{ host: '192.0.2.9', port: 1 }] }, '11'.repeat(32))
    expect(lookup.size).to.equal(1)
  })

  it('forgets nothing of a peer that is connected: it says its addresses only when they change', () => {
    let isConnected = true
    lookup = new AddressLookup(() => now, () => isConnected)
    learn({ directAddresses: [{ host: '192.0.2.1', port: 1 }] })
    now += 6 * MINUTE_MS
    expect(known()).to.have.lengthOf(1)
    // a sweep
    lookup.addPeerData('11'.repeat(32), encodePeerData({ directAddresses: [], multiaddrs: [] }))
    expect(lookup.isOurs(key)).to.equal(true)
    isConnected = false
    expect(known()).to.have.lengthOf(1)
    now += 5 * MINUTE_MS
    expect(known()).to.have.lengthOf(0)
  })

  it('knows at most 4,096 peers, and forgets first whom it heard of longest ago', () => {
    const id = (i: number): string => i.toString(16).padStart(64, '0')

    for (let i = 0; i < 5_000; i++) {
      lookup.addPeerData(id(i), encodePeerData({ directAddresses: [{ host: '192.0.2.1', port: 1 }], multiaddrs: [] }))
    }

    expect(lookup.size).to.equal(4_096)
    expect(lookup.get(id(0))).to.deep.equal([])
    expect(lookup.get(id(4_999))).to.have.lengthOf(1)
  })

  it('is no worse for data that nobody can read', () => {
    learn({ directAddresses: [{ host: '192.0.2.1', port: 1 }] })
    lookup.addPeerData(key, Uint8Array.of(0xff, 0xff, 0xff))
    lookup.addPeerData(key, new Uint8Array(0))
    expect(known()).to.have.lengthOf(1)
  })

  it('tells peers of this implementation from Rust peers', () => {
    expect(lookup.isOurs(key)).to.equal(false)
    // AddrInfo alone: no relay, no address
    lookup.addPeerData(key, Uint8Array.of(0, 0))
    expect(lookup.isOurs(key)).to.equal(false)
    learn({})
    expect(lookup.isOurs(key)).to.equal(true)
  })

  it('answers as a libp2p peer router', async () => {
    const { findPeer } = lookup[peerRoutingSymbol]
    const peerId = peerIdOf(key)
    const failure = await findPeer?.(peerId).catch((err: Error) => err)
    expect(failure).to.have.property('name', 'NotFoundError')
    learn({ directAddresses: [{ host: '192.0.2.1', port: 4 }] })
    const found = await findPeer?.(peerId)
    expect(found?.id).to.equal(peerId)
    expect(found?.multiaddrs.map(String)).to.deep.equal(known())
  })

  it('is asked by libp2p where to dial a peer of which it has no address', async () => {
    const [contact, a, b] = await Promise.all([createNode(), createNode(), createNode()])
    await contact.services.pubsub.join('fruit')
    const [topicA, topicB] = [
      await a.services.pubsub.join('fruit', { bootstrap: [contact.getMultiaddrs()] }),
      await b.services.pubsub.join('fruit', { bootstrap: [contact.getMultiaddrs()] })
    ]
    await Promise.all([topicA.joined(), topicB.joined()])
    await until('they know each other', () => a.services.pubsub.getSubscribers('fruit').some((id) => id.equals(b.peerId)))
    const found = await a.peerRouting.findPeer(b.peerId)
    expect(found.multiaddrs.map(String)).to.deep.equal(b.getMultiaddrs().map(String))
    expect(found).to.have.property('provenance', 'gossip')
  })

  /** A node in a topic, and a neighbor of it whose words the test chooses. */
  async function withNeighbor (node: TestNode): Promise<HandMadePeer> {
    await node.services.pubsub.join('fruit')
    const neighbor = await HandMadePeer.connect(node)
    await neighbor.say({ type: 'join' })
    await until('they are neighbors', () => node.services.pubsub.getSubscribers('fruit').length === 1)

    return neighbor
  }

  /** Who a peer is and where it is, as gossip says it. */
  function named (node: TestNode): ProtoPeerInfo {
    return { id: endpointIdOf(node.peerId), data: encodePeerData({ directAddresses: [], multiaddrs: node.getMultiaddrs().map((address) => address.decapsulate(`/p2p/${node.peerId}`).bytes) }) }
  }

  it('lets any service dial a peer by its id that only gossip has named', async () => {
    const [node, far] = await Promise.all([createNode({ membership: { activeViewCapacity: 1 } }), createNode()])
    const neighbor = await withNeighbor(node)
    await neighbor.say({ type: 'shuffle', origin: endpointIdOf(neighbor.node.peerId), nodes: [named(far)], ttl: 0 })
    await until('the words have come', () => neighbor.heard('shuffleReply').length > 0)
    expect(await node.peerStore.has(far.peerId)).to.equal(false)
    const connection = await node.dial(far.peerId)
    expect(connection.remotePeer.equals(far.peerId)).to.equal(true)
  })

  it('comes before what libp2p remembers: a peer that has moved is found', async () => {
    const [node, moved] = await Promise.all([createNode(), createNode()])
    await moved.services.pubsub.join('fruit')
    // nobody listens there any more
    await node.peerStore.patch(moved.peerId, { multiaddrs: [multiaddr('/ip4/127.0.0.1/tcp/1')] })
    const neighbor = await withNeighbor(node)
    await neighbor.say({ type: 'forwardJoin', peer: named(moved), ttl: 0 })
    await until('it is a neighbor', () => node.services.pubsub.getSubscribers('fruit').some((id) => id.equals(moved.peerId)))
  })

  it('hears of addresses that change while the peers are neighbors', async () => {
    const init = { membership: { shuffleIntervalMs: 200 } }
    const [contact, node] = await Promise.all([createNode(), createNode(init)])
    const inContact = await contact.services.pubsub.join('fruit')
    const topic = await node.services.pubsub.join('fruit', { bootstrap: [contact.getMultiaddrs()] })
    await Promise.all([inContact.joined(), topic.joined()])
    const added = multiaddr('/ip4/203.0.113.7/tcp/4001')
    const addressManager = addressManagerOf(node)
    const port = Number(node.getMultiaddrs()[0].getComponents().find(({ name }) => name === 'tcp')?.value)
    // as when a router forwards a port, and somebody has reached us there
    addressManager.addPublicAddressMapping('127.0.0.1', port, '203.0.113.7', 4001)
    addressManager.confirmObservedAddr(added)

    let addresses: string[] = []
    await pWaitFor(async () => {
      const found = await contact.services.pubsub[peerRoutingSymbol].findPeer?.(node.peerId)
      addresses = found?.multiaddrs.map(String) ?? []

      return addresses.includes(`${added}/p2p/${node.peerId}`)
    }, { interval: 50, timeout: { milliseconds: 10_000, message: 'The contact never heard of it' } })
  })
})
