import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'chai'
import { AddressLookup } from '../src/address-lookup.ts'
import { ReachabilityRules } from '../src/reachability-rules.ts'
import { encodePeerData } from '../src/wire/index.ts'
import type { Network } from '../src/net/network.ts'
import type { PeerInfo } from '../src/proto/messages.ts'
import type { TransportManager } from '@libp2p/interface-internal'

const RUST = '01'.repeat(32)
const OURS = '02'.repeat(32)
/** AddrInfo without relay and addresses, as a Rust peer writes it. */
const RUST_DATA = Uint8Array.of(0, 0)
const tcpOnly: PeerInfo = { id: '03'.repeat(32), data: encodePeerData({ directAddresses: [], multiaddrs: [multiaddr('/ip4/192.0.2.1/tcp/5').bytes] }) }
const native: PeerInfo = { id: '04'.repeat(32), data: encodePeerData({ directAddresses: [{ host: '192.0.2.1', port: 4 }], multiaddrs: [] }) }

describe('who may be told of whom', () => {
  const connected = new Map<string, 'native' | 'other'>()
  let dialable: RegExp
  let rules: ReachabilityRules

  beforeEach(() => {
    connected.clear()
    dialable = /tcp|sni/
    const lookup = new AddressLookup(() => 0)
    lookup.addPeerData(RUST, RUST_DATA)
    lookup.addPeerData(OURS, encodePeerData({ directAddresses: [], multiaddrs: [] }))
    // of both only what is asked here
    const network = { isConnected: (key: string) => connected.has(key), isNative: (key: string) => connected.get(key) === 'native' }
    const transports = { dialTransportForMultiaddr: (ma: unknown) => dialable.test(String(ma)) ? {} : undefined }
    rules = new ReachabilityRules(transports as unknown as TransportManager, network as unknown as Network, lookup)
  })

  for (const how of ['native', 'other', undefined] as const) {
    it(`everyone of a peer with an iroh address (${how ?? 'not'} connected)`, () => {
      if (how != null) {
        connected.set(RUST, how)
      }

      expect(rules.mayTell(RUST, native)).to.equal(true)
    })
  }

  it('a Rust peer never of one that it could not dial: it would try once, and never send to it again', () => {
    connected.set(RUST, 'native')
    expect(rules.mayTell(RUST, tcpOnly)).to.equal(false)
    expect(rules.mayTell(RUST, { id: tcpOnly.id })).to.equal(false)
  })

  it('a stranger that is yet to be dialed neither, since it may be a Rust peer', () => {
    expect(rules.mayTell(RUST, tcpOnly)).to.equal(false)
    expect(rules.mayTell('05'.repeat(32), tcpOnly)).to.equal(false)
  })

  it('a node of this implementation of everyone, natively too', () => {
    expect(rules.mayTell(OURS, tcpOnly)).to.equal(true)
    connected.set(OURS, 'native')
    expect(rules.mayTell(OURS, tcpOnly)).to.equal(true)
  })

  it('whoever is connected by another transport of everyone', () => {
    connected.set(RUST, 'other')
    expect(rules.mayTell(RUST, tcpOnly)).to.equal(true)
  })

  it('we can dial whom one of our transports reaches, or who is connected', () => {
    expect([tcpOnly, native].map(rules.canDial)).to.deep.equal([true, true])
    dialable = /sni/
    expect([tcpOnly, native].map(rules.canDial)).to.deep.equal([false, true])
    connected.set(tcpOnly.id, 'other')
    expect(rules.canDial(tcpOnly)).to.equal(true)
  })

  it('a refusal is for those whose data says that they understand it', () => {
    expect(rules.understandsRefusal(RUST_DATA)).to.equal(false)
    expect(rules.understandsRefusal(undefined)).to.equal(false)
    expect(rules.understandsRefusal(native.data)).to.equal(true)
  })
})
