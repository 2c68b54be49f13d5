import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { tcp } from '@libp2p/tcp'
import { CODE_P2P } from '@multiformats/multiaddr'
import { expect, use } from 'chai'
import chaiAsPromised from 'chai-as-promised'
import { createLibp2p } from 'libp2p'
import { IrohTransport } from '../../src/transport-iroh/transport.ts'
import { NativePeer, closeNativePeers, readAll, toBytes } from './support/native-peer.ts'
import { LISTEN, PROTOCOL, createNode, irohAddress, openStream, receive, stopNodes, until } from './support/nodes.ts'
import type { NativeConnection } from '../../src/transport-iroh/index.ts'
import type { NativeLoader } from '../../src/transport-iroh/native.ts'
import type { ConnectionProtector } from '@libp2p/interface'

use(chaiAsPromised)

describe('an iroh node', () => {
  afterEach(async () => {
    await stopNodes()
    await closeNativePeers()
  })

  it('works again after a restart, in both directions', async () => {
    const [one, other] = await Promise.all([createNode(), createNode()])
    const [atOne, atOther] = await Promise.all([receive(one), receive(other)])

    const first = await openStream(await one.dial(irohAddress(other)))
    first.send(Uint8Array.of(1))
    await until('it is heard', () => atOther[0]?.bytes === 1)
    await one.stop()
    await until('the other side has noticed', () => other.getConnections().length === 0)
    expect(one.getMultiaddrs()).to.deep.equal([])
    await one.start()

    const back = await openStream(await other.dial(irohAddress(one)))
    back.send(Uint8Array.of(1))
    await until('the other is heard', () => atOne[0]?.bytes === 1)
    const second = await openStream(atOne[0].connection)
    second.send(Uint8Array.of(1))
    await until('it is heard again', () => atOther[1]?.bytes === 1)
  })

  it('listens at the same port after a restart, and leaves it when it has stopped', async () => {
    const first = await createNode()
    const other = await createNode({}, { addresses: { listen: [] } })
    const address = irohAddress(first)
    const listen = [address.decapsulateCode(CODE_P2P).toString()]
    const connection = await other.dial(address)
    const stream = await openStream(connection)
    stream.send(Uint8Array.of(1))
    await first.stop()

    const second = await createNode({}, { addresses: { listen } })
    expect(irohAddress(second).decapsulateCode(CODE_P2P).toString()).to.equal(listen[0])

    for (let run = 0; run < 2; run++) {
      await second.stop()
      await second.start()
      expect(irohAddress(second).decapsulateCode(CODE_P2P).toString()).to.equal(listen[0])
    }
  })

  it('accepts connections though it listens nowhere', async () => {
    const [node, peer] = await Promise.all([
      createNode({}, { addresses: { listen: [] } }),
      NativePeer.create()
    ])
    const received = await receive(node)
    const accepting = peer.accept()
    await node.dial(peer.multiaddr)
    const { from } = await accepting
    // a Rust peer answers on a connection of its own
    const connection = await peer.dialSocket(node.peerId, from)
    const stream = await connection.openUni()
    await stream.writeAll([1, 2])

    await until('it is heard', () => received[0]?.bytes === 2)
    expect(node.getMultiaddrs()).to.deep.equal([])

    // and when no connection of its own keeps the endpoint
    await Promise.all(node.getConnections().map(async (open) => open.close({ signal: AbortSignal.timeout(20_000) })))
    await until('no connection is left', () => node.getConnections().length === 0)
    const again = await (await peer.dialSocket(node.peerId, from)).openUni()
    await again.writeAll([3])
    await until('it is heard again', () => received[1]?.bytes === 1)
  })

  it('is refused connections under another name than its protocols', async () => {
    const [node, peer] = await Promise.all([
      createNode({ gossipProtocols: ['/mine/1', '/mine/2'] }),
      NativePeer.create()
    ])

    await expect(peer.dial(irohAddress(node))).to.eventually.be.rejected
    await peer.dial(irohAddress(node), '/mine/2')
    await until('the connection is accepted', () => node.getConnections().length === 1)
    await node.getConnections()[0].newStream('/mine/2', { runOnLimitedConnection: true })
  })

  it('does not start within a private network', async () => {
    const protector: ConnectionProtector = { protect: async (connection) => connection }

    await expect(createNode({}, { connectionProtector: () => protector }))
      .to.eventually.be.rejected.with.property('name', 'InvalidParametersError')
  })

  it('does not start with another key than Ed25519', async () => {
    await expect(createNode({}, { privateKey: await generateKeyPair('secp256k1') }))
      .to.eventually.be.rejected.with.property('name', 'UnsupportedKeyTypeError')
  })

  it('says so if the native binding is missing', async () => {
    const cause = new Error('Cannot find module')
    const load: NativeLoader = async () => { throw cause }
    const starting = createLibp2p({
      addresses: { listen: [LISTEN, '/ip4/127.0.0.1/tcp/0'] },
      transports: [(components) => new IrohTransport(components, {}, load), tcp()]
    })

    const error = await starting.then(() => undefined, (err: Error) => err)
    expect(error).to.have.property('name', 'NativeBindingMissingError')
    expect(error).to.have.property('cause', cause)
  })

  describe('with an endpoint that the application owns', () => {
    it('uses it and leaves it open', async () => {
      const [peer, other] = await Promise.all([NativePeer.create(), createNode()])
      const node = await createNode({ endpoint: peer.endpoint }, { privateKey: peer.privateKey })
      const [atNode, atOther] = await Promise.all([receive(node), receive(other)])
      expect(irohAddress(node).equals(peer.multiaddr)).to.equal(true)

      const forth = await openStream(await node.dial(irohAddress(other)))
      forth.send(Uint8Array.of(1))
      await until('it is heard', () => atOther[0]?.bytes === 1)
      await node.stop()
      expect(peer.endpoint.isClosed()).to.equal(false)
      await until('the other side has noticed', () => other.getConnections().length === 0)
      await node.start()

      const back = await openStream(await other.dial(irohAddress(node)))
      back.send(Uint8Array.of(1))
      await until('the other is heard', () => atNode[0]?.bytes === 1)
    })

    it('hands its other connections over', async () => {
      const [peer, caller] = await Promise.all([NativePeer.create(), NativePeer.create()])
      const handled: NativeConnection[] = []
      const node = await createNode({
        endpoint: peer.endpoint,
        handlers: { '/mine/1': (connection) => { handled.push(connection) } }
      }, { privateKey: peer.privateKey })
      const connection = await caller.dial(peer.multiaddr, '/mine/1')
      await until('the connection is handed over', () => handled.length === 1)
      const stream = await connection.openUni()
      await stream.writeAll(toBytes('hello'))
      await stream.finish()

      expect(await readAll(await handled[0].acceptUni() as Awaited<ReturnType<typeof connection.acceptUni>>)).to.deep.equal(toBytes('hello'))
      expect(node.getConnections()).to.deep.equal([])
    })

    it('does not start if its key is another', async () => {
      const peer = await NativePeer.create()

      await expect(createNode({ endpoint: peer.endpoint }, { privateKey: await generateKeyPair('Ed25519') }))
        .to.eventually.be.rejected.with.property('name', 'InvalidParametersError')
    })
  })

  describe('in a process of its own', () => {
    async function run (script: string): Promise<{ code: number, output: string }> {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
        cwd: fileURLToPath(new URL('../..', import.meta.url)),
        stdio: ['ignore', 'pipe', 'inherit']
      })
      let output = ''
      child.stdout.on('data', (data: Buffer) => { output += data.toString() })
      const [code] = await once(child, 'exit')

      return { code, output }
    }

    it('does not load the binding before it starts', async () => {
      const { output } = await run(`
        const { iroh } = await import('./src/transport-iroh/index.ts')
        await import('./src/iroh-address.ts')
        iroh()
        const loaded = () => process.report.getReport().sharedObjects.some((path) => /iroh\\.[^/]*\\.node$/.test(path))
        const before = loaded()
        await import('@number0/iroh/index.js')
        console.log(before, loaded())
      `)

      expect(output.trim()).to.equal('false true')
    })

    it('leaves nothing running when it stops', async () => {
      // a process ends by itself when nothing is left to wait for
      const { code, output } = await run(`
        import { createLibp2p } from 'libp2p'
        import { iroh } from './src/transport-iroh/index.ts'
        const create = async (listen) => createLibp2p({ addresses: { listen }, transports: [iroh({ relayMode: 'disabled' })] })
        const [dialer, listener] = await Promise.all([create([]), create(['${LISTEN}'])])
        await listener.handle('${PROTOCOL}', () => {}, { runOnLimitedConnection: true })
        const connection = await dialer.dial(listener.getMultiaddrs())
        const stream = await connection.newStream('${PROTOCOL}', { runOnLimitedConnection: true })
        stream.send(Uint8Array.of(1))
        await Promise.all([dialer.stop(), listener.stop()])
        console.log('stopped')
      `)

      expect(output.trim()).to.equal('stopped')
      expect(code).to.equal(0)
    })
  })
})
