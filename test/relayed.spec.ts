import { expect } from 'chai'
import { GOSSIP_PROTOCOL } from '../src/index.ts'
import { Heard, bytes, stopNodes, until } from './support/nodes.ts'
import { createRelay, createRelayDialer, createRelayedNode, isRelayed, relayedAddresses } from './support/relay.ts'
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
