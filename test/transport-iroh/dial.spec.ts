import { createSocket } from 'node:dgram'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { CODE_P2P, multiaddr } from '@multiformats/multiaddr'
import { expect, use } from 'chai'
import chaiAsPromised from 'chai-as-promised'
import { pEvent } from 'p-event'
import { markLetGo } from '../../src/let-go.ts'
import { NativePeer, closeNativePeers } from './support/native-peer.ts'
import { createNode, irohAddress, openStream, receive, stopNodes, tcpAddress, until } from './support/nodes.ts'
import type { Connection } from '@libp2p/interface'

use(chaiAsPromised)

describe('dialing by iroh', () => {
  // all at once: each waits half a second for what it sent to be read
  after(async () => {
    await stopNodes()
    await closeNativePeers()
  })

  it('connects two nodes, which then know each other', async () => {
    const [dialer, listener] = await Promise.all([createNode(), createNode()])
    const opened = pEvent<'connection:open', CustomEvent<Connection>>(listener, 'connection:open')
    const connection = await dialer.dial(irohAddress(listener))
    const { detail: remote } = await opened

    expect(connection.remotePeer.equals(listener.peerId)).to.equal(true)
    expect(connection.remoteAddr.equals(irohAddress(listener))).to.equal(true)
    expect(connection.direction).to.equal('outbound')
    expect(connection.encryption).to.equal('native')
    expect(connection.limits).to.deep.equal({})
    expect(remote.remotePeer.equals(dialer.peerId)).to.equal(true)
    // QUIC leaves from the port that it listens at
    expect(remote.remoteAddr.toString()).to.equal(irohAddress(dialer).toString())
    expect(remote.direction).to.equal('inbound')
  })

  it('fails if somebody else answers', async () => {
    const [dialer, listener] = await Promise.all([createNode(), createNode()])
    const other = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    const address = irohAddress(listener).decapsulateCode(CODE_P2P).encapsulate(`/p2p/${other}`)

    await expect(dialer.dial(address)).to.eventually.be.rejected.with.property('name', 'UnexpectedPeerError')
  })

  it('needs to know whom', async () => {
    const [dialer, listener] = await Promise.all([createNode(), createNode()])

    await expect(dialer.dial(irohAddress(listener).decapsulateCode(CODE_P2P)))
      .to.eventually.be.rejected.with.property('name', 'InvalidMultiaddrError')
  })

  it('needs an Ed25519 key at the other end', async () => {
    const dialer = await createNode()
    const other = peerIdFromPrivateKey(await generateKeyPair('secp256k1'))

    await expect(dialer.dial(multiaddr(`/ip4/127.0.0.1/udp/9/quic-v1/sni/iroh.invalid/p2p/${other}`)))
      .to.eventually.be.rejected.with.property('name', 'UnsupportedKeyTypeError')
  })

  it('fails where nobody speaks the protocol', async () => {
    const [dialer, peer] = await Promise.all([createNode(), NativePeer.create(['/other/1'])])
    void peer.accept().catch(() => {})

    await expect(dialer.dial(peer.multiaddr)).to.eventually.be.rejected.with.property('name', 'DialError')
  })

  it('can be aborted while nobody answers', async () => {
    const dialer = await createNode()
    const other = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    const blackHole = createSocket('udp4')
    await new Promise<void>((resolve) => { blackHole.bind(0, '127.0.0.1', resolve) })
    const controller = new AbortController()
    // somebody tries, and we say nothing
    blackHole.once('message', () => { controller.abort() })

    try {
      const address = multiaddr(`/ip4/127.0.0.1/udp/${blackHole.address().port}/quic-v1/sni/iroh.invalid/p2p/${other}`)

      await expect(dialer.dial(address, { signal: controller.signal })).to.eventually.be.rejected
      expect(controller.signal.aborted).to.equal(true)
      expect(dialer.getConnections()).to.deep.equal([])
    } finally {
      blackHole.close()
    }
  })

  it('hands out the connection that is open instead of a second one', async () => {
    const [dialer, listener] = await Promise.all([createNode(), createNode()])
    const connection = await dialer.dial(irohAddress(listener))

    expect(await dialer.dial(irohAddress(listener))).to.equal(connection)
    expect(await dialer.dial(irohAddress(listener), { force: true })).to.equal(connection)
    await until('the listener knows the connection', () => listener.getConnections().length === 1)
    expect(await listener.dial(irohAddress(dialer))).to.equal(listener.getConnections()[0])
    expect(connection.status).to.equal('open')
  })

  it('makes a second connection once the first is let go', async () => {
    const [dialer, listener] = await Promise.all([createNode(), createNode()])
    const first = await dialer.dial(irohAddress(listener))
    markLetGo(first)
    const second = await dialer.dial(irohAddress(listener), { force: true })

    expect(second).to.not.equal(first)
    await until('the listener has both connections', () => listener.getConnections().length === 2)
    expect(first.status).to.equal('open')
    expect(second.status).to.equal('open')
  })

  it('leaves other protocols to other transports', async () => {
    const [dialer, listener] = await Promise.all([createNode(), createNode()])
    const connection = await dialer.dial(irohAddress(listener))

    await expect(connection.newStream('/ipfs/ping/1.0.0', { runOnLimitedConnection: true }))
      .to.eventually.be.rejected.with.property('name', 'UnsupportedProtocolError')
    await expect(connection.newStream(['/iroh-gossip/1', '/ipfs/ping/1.0.0'], { runOnLimitedConnection: true }))
      .to.eventually.be.rejected.with.property('name', 'UnsupportedProtocolError')

    expect(await dialer.services.ping.ping([tcpAddress(listener)])).to.be.at.least(0)
    expect(connection.status).to.equal('open')
    expect(dialer.getConnections(listener.peerId)).to.have.lengthOf(2)
  })

  it('pings by TCP a peer of which it knows both addresses and which it has met by iroh', async () => {
    const [dialer, listener] = await Promise.all([createNode(), createNode()])
    await dialer.peerStore.patch(listener.peerId, { multiaddrs: [tcpAddress(listener)] })
    await dialer.dial(irohAddress(listener))

    expect(await dialer.services.ping.ping(listener.peerId)).to.be.at.least(0)
  })

  it('survives the pings of the connection monitor', async () => {
    const monitored = { connectionMonitor: { pingInterval: 5 } }
    const [dialer, listener] = await Promise.all([createNode({}, monitored), createNode({}, monitored)])
    const received = await receive(listener)
    const connection = await dialer.dial(irohAddress(listener))
    await until('the monitor has tried', () => connection.rtt != null)
    delete connection.rtt
    await until('the monitor has tried again', () => connection.rtt != null)

    const stream = await openStream(connection)
    stream.send(Uint8Array.of(1))
    await until('the byte arrives', () => received[0]?.bytes === 1)
    expect(connection.status).to.equal('open')
  })
})
