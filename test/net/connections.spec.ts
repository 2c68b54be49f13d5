import { generateKeyPair } from '@libp2p/crypto/keys'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'chai'
import { markLetGo } from '../../src/let-go.ts'
import { Connections } from '../../src/net/connections.ts'
import type { ConnectionsComponents } from '../../src/net/connections.ts'
import type { Connection, PeerId } from '@libp2p/interface'

const IROH = '/ip4/192.0.2.1/udp/4/quic-v1/sni/iroh.invalid'

describe('the connection to use', () => {
  let peerId: PeerId

  before(async () => {
    peerId = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  })

  function connection (address: string, open: number, direct = true): Connection {
    // what is looked at
    return { remoteAddr: multiaddr(address), status: 'open', direct, timeline: { open } } as unknown as Connection
  }

  function best (connections: Connection[], runOnLimitedConnection = false): Connection | undefined {
    const components = { connectionManager: { getConnections: () => connections }, transportManager: { getTransports: () => [] } } as unknown as ConnectionsComponents

    return new Connections(components, { protocol: '/x', log: defaultLogger().forComponent('test'), runOnLimitedConnection, addressesOf: () => [], onDial: () => {} }).best(peerId)
  }

  it('is the newest', () => {
    const [older, newer] = [connection('/ip4/192.0.2.1/tcp/1', 1), connection('/ip4/192.0.2.1/tcp/1', 2)]
    expect(best([newer, older])).to.equal(newer)
  })

  it('is a native one where there is one: a Rust peer has nothing else', () => {
    const native = connection(IROH, 1)
    expect(best([native, connection('/ip4/192.0.2.1/tcp/1', 2)])).to.equal(native)
  })

  it('is one that the peer has let go of only if there is no other native one', () => {
    const [older, newer] = [connection(IROH, 1), connection(IROH, 2)]
    markLetGo(newer)
    expect(best([older, newer])).to.equal(older)
    expect(best([newer, connection('/ip4/192.0.2.1/tcp/1', 3)])).to.equal(newer)
  })

  it('is one through a libp2p relay only where the user allows it', () => {
    const relayed = connection('/ip4/192.0.2.1/tcp/1', 1, false)
    expect(best([relayed])).to.equal(undefined)
    expect(best([relayed], true)).to.equal(relayed)
  })

  it('is none that is closing', () => {
    expect(best([{ ...connection(IROH, 1), status: 'closing' }])).to.equal(undefined)
  })
})

describe('a dial for gossip', () => {
  it('is one for all who ask for the peer at that time', async () => {
    const peerId = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    const dialed = Promise.withResolvers<Connection>()
    const opened: unknown[] = []
    const tried: string[] = []
    const components = {
      connectionManager: {
        getConnections: () => [],
        openConnection: async (to: unknown) => {
          opened.push(to)

          return dialed.promise
        }
      },
      transportManager: { getTransports: () => [] }
    } as unknown as ConnectionsComponents
    const connections = new Connections(components, {
      protocol: '/x',
      log: defaultLogger().forComponent('test'),
      runOnLimitedConnection: false,
      addressesOf: () => [],
      onDial: (_key, result) => { tried.push(result) }
    })
    const both = Promise.all([connections.dial('aa', peerId, new WeakSet()), connections.dial('aa', peerId, new WeakSet())])
    const connection = { remoteAddr: multiaddr(IROH), status: 'open', direct: true, timeline: { open: 1 } } as unknown as Connection
    dialed.resolve(connection)
    expect(await both).to.deep.equal([connection, connection])
    expect(opened).to.deep.equal([peerId])
    expect(tried).to.deep.equal(['tried', 'succeeded'])
  })
})
