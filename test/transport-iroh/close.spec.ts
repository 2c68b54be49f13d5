import { expect, use } from 'chai'
import chaiAsPromised from 'chai-as-promised'
import { pEvent } from 'p-event'
import { NativePeer, closeNativePeers, readAll } from './support/native-peer.ts'
import { createNode, irohAddress, openStream, receive, stopNodes, until } from './support/nodes.ts'
import type { IrohNode } from './support/nodes.ts'
import type { Connection, Stream } from '@libp2p/interface'

use(chaiAsPromised)

describe('closing by iroh', () => {
  // all at once: each waits half a second for what it sent to be read
  after(async () => {
    await stopNodes()
    await closeNativePeers()
  })

  interface Open { node: IrohNode, connection: Connection, stream: Stream }

  const ways: Array<[string, (open: Open) => Promise<void>]> = [
    ['the stream', async ({ stream }) => stream.close()],
    ['the connection', async ({ connection }) => connection.close({ signal: AbortSignal.timeout(20_000) })],
    ['the connection by aborting it', async ({ connection }) => { connection.abort(new Error('enough')) }],
    ['the node', async ({ node }) => node.stop()]
  ]

  for (const [what, close] of ways) {
    it(`loses nothing: ${what}`, async () => {
      const listener = await createNode()
      const received = await receive(listener)

      await Promise.all([1, 2, 3, 4, 5].map(async (i) => {
        const node = await createNode()
        const connection = await node.dial(irohAddress(listener))
        const stream = await openStream(connection)
        stream.send(new Uint8Array(60_000).fill(i))
        await close({ node, connection, stream })
      }))

      await until('everything arrives', () => received.length === 5 && received.every(({ bytes, isFinished }) => bytes === 60_000 && isFinished))
      expect(received.map(({ chunks }) => chunks[0][0]).sort((a, b) => a - b)).to.deep.equal([1, 2, 3, 4, 5])
    })
  }

  it('a connection leaves the peer time to read', async () => {
    const [node, peer] = await Promise.all([createNode(), NativePeer.create()])
    const accepting = peer.accept()
    const connection = await node.dial(peer.multiaddr)
    const { connection: remote } = await accepting
    const stream = await openStream(connection)
    stream.send(Uint8Array.of(1, 2, 3))
    const closing = performance.now()
    const closed = remote.closed()
    // by itself libp2p gives it one second
    const isDone = connection.close({ signal: AbortSignal.timeout(20_000) })

    expect(await readAll(await remote.acceptUni())).to.deep.equal([1, 2, 3])
    await Promise.all([closed, isDone])
    expect(performance.now() - closing).to.be.at.least(490)
    expect(connection.status).to.equal('closed')
  })

  it('a peer that writes and closes at once is heard', async () => {
    const [node, peer] = await Promise.all([createNode(), NativePeer.create()])
    const received = await receive(node)

    for (let i = 1; i <= 5; i++) {
      const connection = await peer.dial(irohAddress(node))
      const stream = await connection.openUni()
      await stream.writeAll(new Array<number>(5_000).fill(i))
      await stream.finish()
      await stream.stopped()
      connection.close(0n, [])
      await until('it is heard', () => received.length === i && received[i - 1].bytes === 5_000)
    }

    await until('the connections are gone', () => node.getConnections().length === 0)
  })

  it('of the remote closes connection and streams here', async () => {
    const [node, peer] = await Promise.all([createNode(), NativePeer.create()])
    const accepting = peer.accept()
    const connection = await node.dial(peer.multiaddr)
    const { connection: remote } = await accepting
    const stream = await openStream(connection)
    stream.send(Uint8Array.of(1))
    await remote.acceptUni()
    const closed = Promise.all([pEvent(connection, 'close'), pEvent(stream, 'close')])
    remote.close(0n, [])
    await closed

    expect(connection.status).to.equal('closed')
    expect(stream.status).to.equal('closed')
    expect(connection.streams).to.deep.equal([])
    await expect(openStream(connection)).to.eventually.be.rejected.with.property('name', 'ConnectionClosedError')
  })

  it('a stream to a peer that does not read can be aborted, and its connection', async () => {
    const [node, peer] = await Promise.all([createNode(), NativePeer.create()])
    const accepting = peer.accept()
    const connection = await node.dial(peer.multiaddr)
    const { connection: remote } = await accepting
    const stream = await openStream(connection)
    // it fills the window and our queue
    stream.send(new Uint8Array(4_000_000))
    await expect(stream.close({ signal: AbortSignal.timeout(50) })).to.eventually.be.rejected
    stream.abort(new Error('stalled'))
    connection.abort(new Error('stalled'))

    expect(await remote.closed()).to.contain('closed by peer')
  })
})
