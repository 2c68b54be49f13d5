import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { memory } from '@libp2p/memory'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'chai'
import { GOSSIP_PROTOCOL } from '../src/index.ts'
import { Heard, bytes, stopNodes, until } from './support/nodes.ts'
import { createRelay, createRelayDialer, createRelayedNode, isRelayed, relayedAddresses } from './support/relay.ts'
import type { TestNode } from './support/nodes.ts'
import type { Topic } from '../src/index.ts'
import type { Connection } from '@libp2p/interface'

describe('through a circuit relay', () => {
  afterEach(stopNodes)

  it('gossip runs where both sides allow limited connections', async () => {
    const relay = await createRelay()
    const far = await createRelayedNode(relay, { runOnLimitedConnection: true })
    const near = await createRelayDialer({ runOnLimitedConnection: true })
    const inFar = await far.services.pubsub.join('fruit')
    const inNear = await near.services.pubsub.join('fruit', { bootstrap: [relayedAddresses(far)] })
    const [heardFar, heardNear] = [new Heard(inFar), new Heard(inNear)]
    await Promise.all([inFar.joined(), inNear.joined()])
    expect(near.getConnections(far.peerId).map(isRelayed)).to.deep.equal([true])
    await inNear.broadcast(bytes('apple'))
    await inFar.broadcast(bytes('pear'))
    await until('both heard the other', () => heardFar.texts.includes('apple') && heardNear.texts.includes('pear'))
  })

  it('is given up, without a stream, by a node that does not allow it', async () => {
    const relay = await createRelay()
    const far = await createRelayedNode(relay, { runOnLimitedConnection: true })
    const near = await createRelayDialer()
    const inFar = await far.services.pubsub.join('fruit')
    const connection = await near.dial(relayedAddresses(far))
    const opened: string[] = []
    const newStream = connection.newStream.bind(connection)
    connection.newStream = async (protocols, options) => {
      opened.push(...[protocols].flat())

      return newStream(protocols, options)
    }
    const topic = await near.services.pubsub.join('fruit', { bootstrap: [far.peerId] })
    await until('it was given up', () => near.services.pubsub.diagnose('fruit').failedDials.some(({ peer }) => peer.equals(far.peerId)))
    expect([inFar.neighbors(), topic.neighbors()]).to.deep.equal([[], []])
    expect(opened).to.not.include(GOSSIP_PROTOCOL)
    expect(connection.status, 'others may use it').to.equal('open')
  })

  it('is given up by who dialed it for gossip alone, with the connection', async () => {
    const relay = await createRelay()
    const far = await createRelayedNode(relay, { runOnLimitedConnection: true })
    const near = await createRelayDialer()
    await far.services.pubsub.join('fruit')
    const opened: Connection[] = []
    near.addEventListener('connection:open', ({ detail }) => { detail.remotePeer.equals(far.peerId) && opened.push(detail) })
    await near.services.pubsub.join('fruit', { bootstrap: [relayedAddresses(far)] })
    await until('it was tried', () => opened.length > 0)
    expect(opened.map(isRelayed)).to.deep.equal([true])
    await until('it is closed', () => opened[0].status === 'closed')
  })

  it('is refused by a node that does not allow it', async () => {
    const relay = await createRelay()
    const far = await createRelayedNode(relay)
    // it listens nowhere, or the other would find a direct way
    const near = await createRelayDialer({ runOnLimitedConnection: true }, { addresses: { listen: [] } })
    const inFar = await far.services.pubsub.join('fruit')
    const topic = await near.services.pubsub.join('fruit', { bootstrap: [relayedAddresses(far)] })
    const opened: Connection[] = []
    near.addEventListener('connection:open', ({ detail }) => { detail.remotePeer.equals(far.peerId) && opened.push(detail) })
    await until('it was tried', () => opened.length > 0)
    expect(opened.map(isRelayed)).to.deep.equal([true])
    await until('it was given up', () => opened[0].status !== 'open')
    expect([inFar.neighbors(), topic.neighbors()]).to.deep.equal([[], []])
  })

  it('goes on over a direct connection beside the relayed one', async () => {
    const relay = await createRelay()
    const far = await createRelayedNode(relay)
    const near = await createRelayDialer()
    const inNear = await near.services.pubsub.join('fruit')
    await near.dial(relayedAddresses(far))
    const inFar = await far.services.pubsub.join('fruit', { bootstrap: [near.getMultiaddrs().filter((address) => !address.toString().includes('/p2p-circuit'))] })
    await Promise.all([inFar.joined(), inNear.joined()])
    const carrying = far.getConnections(near.peerId).filter(({ streams }) => streams.some(({ protocol }) => protocol === GOSSIP_PROTOCOL))
    expect(carrying.map(isRelayed)).to.deep.equal([false])
  })
})

describe('gossip that runs through a relay', () => {
  afterEach(stopNodes)

  it('moves to a direct connection when one opens: in order, both ways, nothing lost or doubled', async () => {
    const relay = await createRelay()
    const far = await createRelayedNode(relay, { runOnLimitedConnection: true, eventQueueCapacity: 10_000 }, { addresses: { listen: [...relay.getMultiaddrs().map((address) => `${address}/p2p-circuit`), '/memory/direct'] }, transports: [tcp(), circuitRelayTransport(), memory()] })
    const near = await createRelayDialer({ runOnLimitedConnection: true, eventQueueCapacity: 10_000 }, { addresses: { listen: [] }, transports: [tcp(), circuitRelayTransport(), memory()] })
    const inFar = await far.services.pubsub.join('fruit')
    await near.dial(relayedAddresses(far))
    const inNear = await near.services.pubsub.join('fruit', { bootstrap: [far.peerId] })
    await Promise.all([inFar.joined(), inNear.joined()])
    const [heardFar, heardNear] = [new Heard(inFar), new Heard(inNear)]
    expect(near.getConnections(far.peerId).map(isRelayed)).to.deep.equal([true])

    // about 60 KiB each way: within what the relay lets through
    const numbers = (author: string): string[] => Array.from({ length: 400 }, (_, i) => `${author} ${i}`.padEnd(100))
    const sendAll = async (topic: Topic, author: string): Promise<void> => {
      for (const number of numbers(author)) {
        await topic.broadcast(bytes(number))
        await new Promise((resolve) => { setImmediate(resolve) })
      }
    }
    const sending = Promise.all([sendAll(inFar, 'far'), sendAll(inNear, 'near')])
    await until('some came through the relay', () => heardFar.texts.length > 20 && heardNear.texts.length > 20)
    await near.dial(multiaddr(`/memory/direct/p2p/${far.peerId}`))
    await sending
    await until('all arrived', () => heardFar.texts.length >= 400 && heardNear.texts.length >= 400)

    expect(heardFar.texts).to.deep.equal(numbers('near'))
    expect(heardNear.texts).to.deep.equal(numbers('far'))
    expect([...heardFar.events, ...heardNear.events].filter(({ type }) => type === 'neighborDown')).to.deep.equal([])

    const outgoing = (node: TestNode, other: TestNode): boolean[] => node.getConnections(other.peerId)
      .filter(({ streams }) => streams.some(({ protocol, direction }) => protocol === GOSSIP_PROTOCOL && direction === 'outbound')).map(isRelayed)
    await until('nothing of it is left on the relay', () => [outgoing(near, far), outgoing(far, near)].every(([isStillRelayed, ...others]) => !isStillRelayed && others.length === 0))

    const [relayed] = near.getConnections(far.peerId).filter(isRelayed)
    await relayed.close()
    await inNear.broadcast(bytes('after the relay'))
    await until('it goes on without it', () => heardFar.texts.includes('after the relay'))
    expect([...heardFar.events, ...heardNear.events].filter(({ type }) => type === 'neighborDown')).to.deep.equal([])
  })

  it('begins when a direct connection opens, where relayed ones carry none', async () => {
    const relay = await createRelay()
    const far = await createRelayedNode(relay, {}, { addresses: { listen: [...relay.getMultiaddrs().map((address) => `${address}/p2p-circuit`), '/memory/begins'] }, transports: [tcp(), circuitRelayTransport(), memory()] })
    const near = await createRelayDialer({}, { addresses: { listen: [] }, transports: [tcp(), circuitRelayTransport(), memory()] })
    ;[far, near].forEach(({ services: { pubsub } }) => { pubsub.subscribe('fruit') })
    await near.dial(relayedAddresses(far))
    await until('each knows what the other speaks', () => near.getPeers().some((peer) => peer.equals(far.peerId)))
    expect(near.services.pubsub.getSubscribers('fruit')).to.deep.equal([])
    await near.dial(multiaddr(`/memory/begins/p2p/${far.peerId}`))
    await until('they are neighbors', () => [near, far].every(({ services: { pubsub } }) => pubsub.getSubscribers('fruit').length === 1))
  })
})
