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
