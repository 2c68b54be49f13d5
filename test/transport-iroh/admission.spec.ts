import { multiaddr } from '@multiformats/multiaddr'
import { expect, use } from 'chai'
import chaiAsPromised from 'chai-as-promised'
import { Admission } from '../../src/transport-iroh/admission.ts'
import { NativePeer, closeNativePeers } from './support/native-peer.ts'
import { createNode, irohAddress, stopNodes, until } from './support/nodes.ts'

use(chaiAsPromised)

const ADDRESS = multiaddr('/ip4/192.0.2.1/udp/1/quic-v1/sni/iroh.invalid')

class Denied extends Error {
  override name = 'ConnectionDeniedError'
}

describe('admission of incoming connections', () => {
  it('asks again until libp2p accepts, in order', async () => {
    const admission = new Admission(new AbortController().signal)
    const asked: string[] = []
    const upgrade = (name: string, refusals: number) => async () => {
      asked.push(name)

      if (asked.filter((other) => other === name).length <= refusals) {
        throw new Denied()
      }
    }

    await Promise.all([
      admission.admit(ADDRESS, () => true, upgrade('a', 2)),
      admission.admit(ADDRESS, () => true, upgrade('b', 0))
    ])

    expect(asked).to.deep.equal(['a', 'a', 'a', 'b'])
  })

  it('lets no host wait for another', async () => {
    const stop = new AbortController()
    const admission = new Admission(stop.signal)
    const refused = admission.admit(ADDRESS, () => true, async () => { throw new Denied() })
    await admission.admit(multiaddr('/ip4/192.0.2.2/udp/1/quic-v1/sni/iroh.invalid'), () => true, async () => {})
    stop.abort(new Error('stopped'))

    await expect(refused).to.eventually.be.rejectedWith('stopped')
  })

  it('does not ask again after another error', async () => {
    const admission = new Admission(new AbortController().signal)
    let asked = 0

    await expect(admission.admit(ADDRESS, () => true, async () => {
      asked++
      throw new Error('intercepted')
    })).to.eventually.be.rejectedWith('intercepted')
    expect(asked).to.equal(1)
  })

  it('does not ask for a connection that is gone', async () => {
    const admission = new Admission(new AbortController().signal)
    let isOpen = true
    let asked = 0

    await expect(admission.admit(ADDRESS, () => isOpen, async () => {
      asked++
      isOpen = false
      throw new Denied()
    })).to.eventually.be.rejected.with.property('name', 'ConnectionClosedError')
    expect(asked).to.equal(1)
  })
})

describe('a crowd that calls by iroh', () => {
  afterEach(async () => {
    await stopNodes()
    await closeNativePeers()
  })

  it('is let in, though libp2p refuses more than 5 a second from one host', async () => {
    const node = await createNode()
    const peers = await Promise.all(Array.from({ length: 12 }, async () => NativePeer.create()))
    let closed = 0
    await Promise.all(peers.map(async (peer) => {
      const connection = await peer.dial(irohAddress(node))
      void connection.closed().then(() => { closed++ })
    }))

    await until('all are connected', () => node.getConnections().length === 12)
    expect(closed).to.equal(0)
    expect(new Set(node.getPeers().map(String))).to.deep.equal(new Set(peers.map(({ peerId }) => peerId.toString())))
  })

  it('is refused in the end by a node that denies its host', async () => {
    const [node, peer] = await Promise.all([
      createNode({}, { connectionManager: { deny: ['/ip4/127.0.0.1/ipcidr/32'] } }),
      NativePeer.create()
    ])
    let opened = 0
    node.addEventListener('connection:open', () => { opened++ })
    const connection = await peer.dial(irohAddress(node))

    // it may have been the rate, so that takes 10 s
    expect(await connection.closed()).to.contain('closed by peer')
    expect(opened).to.equal(0)
  })

  it('is refused by a gater', async () => {
    const [node, peer] = await Promise.all([
      createNode({}, { connectionGater: { denyInboundEncryptedConnection: () => true } }),
      NativePeer.create()
    ])
    const connection = await peer.dial(irohAddress(node))

    expect(await connection.closed()).to.contain('closed by peer')
    expect(node.getConnections()).to.deep.equal([])
  })
})
