import { isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { CODE_P2P, multiaddr } from '@multiformats/multiaddr'
import { expect, use } from 'chai'
import chaiAsPromised from 'chai-as-promised'
import { createLibp2p } from 'libp2p'
import { pEvent } from 'p-event'
import { isIrohAddress } from '../../src/iroh-address.ts'
import { bindAddresses } from '../../src/transport-iroh/endpoint.ts'
import { iroh } from '../../src/transport-iroh/index.ts'
import { IrohTransport } from '../../src/transport-iroh/transport.ts'
import { FakeEndpoint } from './support/fake-endpoint.ts'
import { closeNativePeers } from './support/native-peer.ts'
import { LISTEN, createNode, irohAddress, stopNodes } from './support/nodes.ts'
import type { Listener } from '@libp2p/interface'

use(chaiAsPromised)

describe('listening by iroh', () => {
  afterEach(async () => {
    await stopNodes()
    await closeNativePeers()
  })

  it('is at the address that was asked for, and no other', async () => {
    const node = await createNode({}, { addresses: { listen: [LISTEN] } })
    const [address, ...others] = node.getMultiaddrs()

    expect(others).to.deep.equal([])
    expect(address.toString()).to.match(new RegExp(`^/ip4/127\\.0\\.0\\.1/udp/[1-9]\\d*/quic-v1/sni/iroh\\.invalid/p2p/${node.peerId}$`))
  })

  it('at all interfaces names each', async () => {
    const node = await createNode({}, { addresses: { listen: ['/ip4/0.0.0.0/udp/0/quic-v1/sni/iroh.invalid'] } })
    const hosts = node.getMultiaddrs().map((ma) => ma.getComponents()[0].value)
    const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []).map(({ address }) => address).filter(isIPv4)

    expect(own).to.include.members(hosts)
    expect(hosts).to.not.include('0.0.0.0')
  })

  it('has one endpoint for IPv4 and IPv6', async function () {
    const hasIPv6 = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []).some(({ address }) => address === '::1')

    if (!hasIPv6) {
      this.skip()
    }

    const node = await createNode({}, { addresses: { listen: [LISTEN, '/ip6/::1/udp/0/quic-v1/sni/iroh.invalid'] } })
    const dialer = await createNode()

    expect(node.getMultiaddrs().map((ma) => ma.getComponents()[0].value)).to.have.members(['127.0.0.1', '::1'])

    for (const address of node.getMultiaddrs()) {
      const connection = await dialer.dial(address)
      expect(connection.remoteAddr.equals(address)).to.equal(true)
      await connection.close()
    }
  })

  it('binds one address of each family', async () => {
    await expect(createNode({}, { addresses: { listen: [LISTEN, '/ip4/127.0.0.1/udp/1/quic-v1/sni/iroh.invalid'] } }))
      .to.eventually.be.rejectedWith('one address of each family')
  })

  it('fails if the port is taken', async () => {
    const node = await createNode()
    const port = irohAddress(node).getComponents()[1].value

    await expect(createNode({}, { addresses: { listen: [`/ip4/127.0.0.1/udp/${port}/quic-v1/sni/iroh.invalid`] } }))
      .to.eventually.be.rejectedWith('could not be bound')
  })

  it('that fails and may fail leaves a node that dials', async () => {
    const node = await createNode()
    const other = await createNode({}, {
      addresses: { listen: [irohAddress(node).toString().replace(/\/p2p\/.*/, '')] },
      transportManager: { faultTolerance: 1 }
    })

    expect((await other.dial(irohAddress(node))).status).to.equal('open')
  })

  it('tells when it begins and when it ends', async () => {
    const heard: string[] = []
    const node = await createLibp2p({
      addresses: { listen: [LISTEN] },
      transports: [iroh({ relayMode: 'disabled' })],
      start: false
    })
    let listener: Listener | undefined
    node.addEventListener('transport:listening', ({ detail }) => {
      listener = detail
      heard.push('listening')
      expect(detail.getAddrs().map((ma) => ma.toString()).join()).to.match(/^\/ip4\/127\.0\.0\.1\/udp\/\d+\/quic-v1\/sni\/iroh\.invalid$/)
    })
    node.addEventListener('transport:close', () => { heard.push('close') })
    await node.start()
    await node.stop()

    expect(heard).to.deep.equal(['listening', 'close'])
    expect(listener?.getAddrs()).to.deep.equal([])
  })

  it('takes direct addresses, dialing those of relays too, and neither anything else', async () => {
    const transport = await new Promise<IrohTransport>((resolve, reject) => {
      generateKeyPair('Ed25519').then(async (privateKey) => createLibp2p({
        privateKey,
        start: false,
        transports: [(components) => {
          const created = new IrohTransport(components)
          resolve(created)
          return created
        }]
      })).catch(reject)
    })
    const direct = multiaddr('/ip4/192.0.2.1/udp/1/quic-v1/sni/iroh.invalid')
    const relayed = multiaddr('/dns4/relay.example/tcp/443/https/http-path/relay')
    const others = [multiaddr('/ip4/192.0.2.1/udp/1/quic-v1'), multiaddr('/ip4/192.0.2.1/tcp/1')]

    expect(transport.listenFilter([direct, relayed, ...others])).to.deep.equal([direct])
    expect(transport.dialFilter([direct, relayed, ...others])).to.deep.equal([direct, relayed])
    expect(isIrohAddress(direct)).to.equal(true)
  })
})

describe('the addresses of an iroh endpoint', () => {
  afterEach(stopNodes)

  it('are announced as soon as iroh knows them, public ones and the relay too', async () => {
    const privateKey = await generateKeyPair('Ed25519')
    const endpoint = new FakeEndpoint(privateKey.publicKey.raw)
    endpoint.directAddresses = ['192.168.0.7:7', '[2001:db8::7]:7']
    const node = await createNode({ endpoint }, {
      privateKey,
      addresses: { listen: ['/ip4/0.0.0.0/udp/0/quic-v1/sni/iroh.invalid'] }
    })
    const addresses = (): string[] => node.getMultiaddrs().map((ma) => ma.decapsulateCode(CODE_P2P).toString())

    expect(addresses()).to.deep.equal(['/ip4/192.168.0.7/udp/7/quic-v1/sni/iroh.invalid'])

    const listening = pEvent(node, 'transport:listening')
    endpoint.directAddresses = ['192.168.0.7:7', '198.51.100.7:1024', '[2001:db8::7]:7']
    endpoint.relayUrl = 'https://relay.example/'
    await listening

    expect(addresses()).to.deep.equal([
      '/ip4/192.168.0.7/udp/7/quic-v1/sni/iroh.invalid',
      '/ip4/198.51.100.7/udp/1024/quic-v1/sni/iroh.invalid',
      '/dns4/relay.example/tcp/443/https/http-path/relay'
    ])

    const changed = pEvent(node, 'transport:listening')
    endpoint.relayUrl = null
    await changed

    expect(addresses()).to.deep.equal([
      '/ip4/192.168.0.7/udp/7/quic-v1/sni/iroh.invalid',
      '/ip4/198.51.100.7/udp/1024/quic-v1/sni/iroh.invalid'
    ])
  })

  it('of relays must be URLs', async () => {
    for (const listen of [[], [LISTEN]]) {
      await expect(createNode({ relayMode: ['nonsense'] }, { addresses: { listen } })).to.eventually.be.rejectedWith('Not all of nonsense are relay URLs')
    }
  })
})

describe('what an endpoint binds', () => {
  it('are all interfaces if nothing is asked for', () => {
    expect(bindAddresses([])).to.deep.equal([])
  })

  it('is what is asked for in both families', () => {
    const wanted = [{ host: '192.0.2.1', port: 1 }, { host: '2001:db8::1', port: 2 }]

    expect(bindAddresses(wanted)).to.deep.equal(wanted)
  })

  it('is only loopback in the other family if one address is asked for', () => {
    expect(bindAddresses([{ host: '192.0.2.1', port: 1 }])).to.deep.equal([{ host: '192.0.2.1', port: 1 }, { host: '::1', port: 0 }])
    expect(bindAddresses([{ host: '2001:db8::1', port: 1 }])).to.deep.equal([{ host: '2001:db8::1', port: 1 }, { host: '127.0.0.1', port: 0 }])
  })

  it('are all interfaces of the other family if all of one are asked for', () => {
    expect(bindAddresses([{ host: '0.0.0.0', port: 1 }])).to.deep.equal([{ host: '0.0.0.0', port: 1 }])
    expect(bindAddresses([{ host: '::', port: 1 }])).to.deep.equal([{ host: '::', port: 1 }])
  })

  it('is never two addresses of a family', () => {
    expect(() => bindAddresses([{ host: '192.0.2.1', port: 1 }, { host: '192.0.2.2', port: 1 }])).to.throw().with.property('name', 'InvalidParametersError')
  })
})
