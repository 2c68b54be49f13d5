import { createHash, randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { pEvent } from 'p-event'
import { NativePeer, closeNativePeers, readAll } from './support/native-peer.ts'
import { PROTOCOL, createNode, irohAddress, openStream, receive, stopNodes, until } from './support/nodes.ts'
import type { StreamCloseEvent } from '@libp2p/interface'

/** More than QUIC lets a stream carry (1.25 MB) before the other side reads. */
const WINDOW_BYTES = 1_500_000

describe('streams by iroh', () => {
  // all at once: each waits half a second for what it sent to be read
  after(async () => {
    await stopNodes()
    await closeNativePeers()
  })

  it('carry bytes one way, both ways over one connection', async () => {
    const [dialer, listener] = await Promise.all([createNode(), createNode()])
    const [atDialer, atListener] = await Promise.all([receive(dialer), receive(listener)])
    const outbound = await openStream(await dialer.dial(irohAddress(listener)))
    outbound.send(Uint8Array.of(1, 2, 3))
    await until('the bytes arrive', () => atListener[0]?.bytes === 3)

    const back = await openStream(atListener[0].connection)
    back.send(Uint8Array.of(4, 5))
    await until('the answer arrives', () => atDialer[0]?.bytes === 2)

    expect(outbound.protocol).to.equal(PROTOCOL)
    expect(outbound.direction).to.equal('outbound')
    expect(atListener[0].stream.protocol).to.equal(PROTOCOL)
    expect(atListener[0].stream.direction).to.equal('inbound')
    // who opens writes, the other side does not
    expect(outbound.readableEnded).to.equal(true)
    expect(() => atListener[0].stream.send(Uint8Array.of(1))).to.throw().with.property('name', 'StreamStateError')

    await Promise.all([outbound.close(), back.close()])
    await until('both ends are heard', () => atListener[0].isFinished && atDialer[0].isFinished)
    expect(outbound.status).to.equal('closed')
    expect(atListener[0].stream.status).to.equal('closed')
  })

  it('carry much, in order and with pauses', async () => {
    const [dialer, listener] = await Promise.all([createNode(), createNode()])
    const received = await receive(listener)
    const stream = await openStream(await dialer.dial(irohAddress(listener)))
    const data = randomBytes(10 * 1024 * 1024)
    let pauses = 0

    for (let at = 0; at < data.length; at += 10_000) {
      if (!stream.send(data.subarray(at, at + 10_000))) {
        pauses++
        await stream.onDrain()
      }
    }

    await stream.close()
    await until('the end is heard', () => received[0]?.isFinished)

    expect(pauses).to.be.greaterThan(10)
    expect(received[0].bytes).to.equal(data.length)
    expect(createHash('sha256').update(Buffer.concat(received[0].chunks)).digest('hex'))
      .to.equal(createHash('sha256').update(data).digest('hex'))
  })

  it('are opened by the first write, which brings header and first frame at once', async () => {
    const [node, peer] = await Promise.all([createNode(), NativePeer.create()])
    const accepting = peer.accept()
    const connection = await node.dial(peer.multiaddr)
    const { connection: remote } = await accepting
    const first = await openStream(connection)
    const second = await openStream(connection)
    second.send(Uint8Array.of(0, 0, 0, 1, 9))
    second.send(Uint8Array.of(0, 0, 0, 2, 7, 7))

    const incoming = await remote.acceptUni()
    expect(await incoming.read(100)).to.deep.equal([0, 0, 0, 1, 9, 0, 0, 0, 2, 7, 7])
    // the id of the connection's first stream: the one that was never written to is none
    expect(await incoming.id()).to.match(/\b0\b/)

    first.send(Uint8Array.of(1))
    expect(await (await remote.acceptUni()).read(100)).to.deep.equal([1])
  })

  it('that are closed before the first write never were', async () => {
    const [node, peer] = await Promise.all([createNode(), NativePeer.create()])
    const accepting = peer.accept()
    const connection = await node.dial(peer.multiaddr)
    const { connection: remote } = await accepting
    const [closed, aborted, used] = await Promise.all([openStream(connection), openStream(connection), openStream(connection)])
    await closed.close()
    aborted.abort(new Error('not needed'))
    used.send(Uint8Array.of(5))

    expect(await (await remote.acceptUni()).read(100)).to.deep.equal([5])
    expect(connection.streams).to.deep.equal([used])
  })

  it('that are aborted send what was written and finish', async () => {
    const [node, peer] = await Promise.all([createNode(), NativePeer.create()])
    const accepting = peer.accept()
    const stream = await openStream(await node.dial(peer.multiaddr))
    const { connection: remote } = await accepting
    stream.send(Uint8Array.of(1, 2, 3))
    stream.abort(new Error('the caller has changed its mind'))

    const incoming = await remote.acceptUni()
    // a reset would make this fail
    expect(await readAll(incoming)).to.deep.equal([1, 2, 3])
    expect(stream.status).to.equal('aborted')
  })

  it('that the remote stops are reset here, and others go on', async () => {
    const [node, peer] = await Promise.all([createNode(), NativePeer.create()])
    const accepting = peer.accept()
    const connection = await node.dial(peer.multiaddr)
    const { connection: remote } = await accepting
    const stream = await openStream(connection)
    stream.send(Uint8Array.of(1))
    const incoming = await remote.acceptUni()
    await incoming.read(1)
    await incoming.stop(0n)

    const closed = pEvent<'close', StreamCloseEvent>(stream, 'close')
    await until('the stop is noticed', () => {
      if (stream.status === 'open') {
        stream.send(Uint8Array.of(2))
      }

      return stream.status !== 'open'
    })
    expect((await closed).error).to.have.property('name', 'StreamResetError')

    const next = await openStream(connection)
    next.send(Uint8Array.of(3))
    expect(await (await remote.acceptUni()).read(1)).to.deep.equal([3])
  })

  it('reach a handler that comes late, more of them than libp2p keeps', async () => {
    const upgraded = Promise.withResolvers<boolean>()
    const [node, peer] = await Promise.all([
      createNode({}, { connectionGater: { denyInboundUpgradedConnection: async () => upgraded.promise } }),
      NativePeer.create()
    ])
    const received = await receive(node)
    const connection = await peer.dial(irohAddress(node))

    for (let i = 0; i < 15; i++) {
      const stream = await connection.openUni()
      await stream.writeAll([i, i, i])
      await stream.finish()
      // all of it is there
      await stream.stopped()
    }

    expect(received).to.deep.equal([])
    upgraded.resolve(false)
    await until('all streams are handled and read', () => received.length === 15 && received.every(({ isFinished, bytes }) => isFinished && bytes === 3))
    expect(received.map(({ chunks }) => chunks[0][0]).sort((a, b) => a - b)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14])
  })

  describe('that come in are read to their end', () => {
    /** So much that somebody must read for it to go out. */
    async function writeMuch (address: Parameters<NativePeer['dial']>[0]): Promise<number | null> {
      const peer = await NativePeer.create()
      const connection = await peer.dial(address)
      const stream = await connection.openUni()
      const chunk = new Array<number>(50_000).fill(1)

      for (let sent = 0; sent < WINDOW_BYTES; sent += chunk.length) {
        await stream.writeAll(chunk)
      }

      await stream.finish()

      // null: everything was acknowledged and nobody asked to stop
      return stream.stopped()
    }

    it('without a handler', async () => {
      const node = await createNode()

      expect(await writeMuch(irohAddress(node))).to.equal(null)
    })

    it('when the handler aborts', async () => {
      const node = await createNode()
      await node.handle(PROTOCOL, (stream) => {
        stream.addEventListener('message', () => { stream.abort(new Error('enough')) })
      }, { runOnLimitedConnection: true })

      expect(await writeMuch(irohAddress(node))).to.equal(null)
    })

    it('when the handler wants no more', async () => {
      const node = await createNode()
      await node.handle(PROTOCOL, async (stream) => {
        await stream.closeRead()
        await stream.close()
      }, { runOnLimitedConnection: true })

      expect(await writeMuch(irohAddress(node))).to.equal(null)
    })

    it('when the handler throws', async () => {
      const node = await createNode()
      await node.handle(PROTOCOL, async () => { throw new Error('broken') }, { runOnLimitedConnection: true })

      expect(await writeMuch(irohAddress(node))).to.equal(null)
    })

    it('when the handler has paused them', async () => {
      const node = await createNode()
      await node.handle(PROTOCOL, (stream) => {
        stream.addEventListener('message', () => {})
        stream.pause()
      }, { runOnLimitedConnection: true })

      expect(await writeMuch(irohAddress(node))).to.equal(null)
    })

    it('when nobody listens to them', async () => {
      const node = await createNode()
      await node.handle(PROTOCOL, () => {}, { runOnLimitedConnection: true })

      expect(await writeMuch(irohAddress(node))).to.equal(null)
    })
  })

  it('may be more than the hundred that QUIC allows by itself', async () => {
    const [node, peer] = await Promise.all([createNode(), NativePeer.create()])
    const received = await receive(node)
    const connection = await peer.dial(irohAddress(node))
    const open = []

    for (let i = 0; i < 150; i++) {
      const stream = await connection.openUni()
      await stream.writeAll([i])
      open.push(stream)
    }

    await until('all streams are there', () => received.length === 150)
    expect(open).to.have.lengthOf(150)
  })
})
