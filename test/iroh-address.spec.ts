import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { QUIC_V1, TCP, WebSockets, WebSocketsSecure, WebTransport } from '@multiformats/multiaddr-matcher'
import { expect } from 'chai'
import { endpointIdOf, formatSocketAddress, fromMultiaddr, isDirectIrohAddress, isIrohAddress, parseSocketAddressText, peerIdOf, toMultiaddrs } from '../src/iroh-address.ts'

// the public key of RFC 8032's first test vector; base58btc of 00 24 08 01 12 20 and the key
const ENDPOINT_ID = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'
const PEER_ID = '12D3KooWQK1wnefoLrcVHbbnf5tLzbopUd3K3bFAoJpA7YJgL5pV'

describe('iroh addresses', () => {
  describe('direct', () => {
    const cases: Array<[string, string, number]> = [
      ['/ip4/192.0.2.2/udp/38963/quic-v1/sni/iroh.invalid', '192.0.2.2', 38963],
      ['/ip6/2001:db8::1/udp/1/quic-v1/sni/iroh.invalid', '2001:db8::1', 1],
      ['/ip4/127.0.0.1/udp/0/quic-v1/sni/iroh.invalid', '127.0.0.1', 0]
    ]

    for (const [text, host, port] of cases) {
      it(`are read from ${text} and written back`, () => {
        expect(isIrohAddress(multiaddr(text))).to.equal(true)
        expect(isDirectIrohAddress(multiaddr(text))).to.equal(true)
        expect(fromMultiaddr(multiaddr(text))).to.deep.equal({ directAddresses: [{ host, port }] })
        expect(toMultiaddrs({ directAddresses: [{ host, port }] }).map(String)).to.deep.equal([text])
      })
    }

    it('are told from those of other QUIC servers', () => {
      for (const text of [
        '/ip4/192.0.2.2/udp/38963/quic-v1',
        '/ip4/192.0.2.2/udp/38963/quic-v1/sni/example.org',
        '/ip4/192.0.2.2/tcp/38963/sni/iroh.invalid',
        '/ip4/192.0.2.2/udp/38963/quic-v1/webtransport',
        '/dns4/example.org/udp/38963/quic-v1/sni/iroh.invalid'
      ]) {
        expect(isIrohAddress(multiaddr(text)), text).to.equal(false)
        expect(isDirectIrohAddress(multiaddr(text)), text).to.equal(false)
        expect(() => fromMultiaddr(multiaddr(text)), text).to.throw().with.property('name', 'InvalidParametersError')
      }
    })

    it('belong to no stock transport', () => {
      const ma = multiaddr(`/ip4/192.0.2.2/udp/38963/quic-v1/sni/iroh.invalid/p2p/${PEER_ID}`)

      for (const matcher of [QUIC_V1, WebTransport, TCP, WebSockets, WebSocketsSecure]) {
        expect(matcher.exactMatch(ma)).to.equal(false)
      }
    })

    it('leave out what is valid on one machine only', () => {
      expect(toMultiaddrs({ directAddresses: [{ host: 'fe80::1%eth0', port: 1 }] })).to.deep.equal([])
    })
  })

  describe('relays', () => {
    const cases: Array<[string, string]> = [
      ['https://relay.example/', '/dns4/relay.example/tcp/443/https/http-path/relay'],
      ['https://use1-1.relay.example./', '/dns4/use1-1.relay.example./tcp/443/https/http-path/relay'],
      ['https://relay.example:8443/', '/dns4/relay.example/tcp/8443/https/http-path/relay'],
      ['http://relay.example/', '/dns4/relay.example/tcp/80/http/http-path/relay'],
      ['http://relay.example:3340/', '/dns4/relay.example/tcp/3340/http/http-path/relay'],
      ['https://192.0.2.7/', '/ip4/192.0.2.7/tcp/443/https/http-path/relay'],
      ['http://[2001:db8::7]:3340/', '/ip6/2001:db8::7/tcp/3340/http/http-path/relay'],
      ['https://relay.example/eu', '/dns4/relay.example/tcp/443/https/http-path/eu%2Frelay'],
      ['https://relay.example/eu/', '/dns4/relay.example/tcp/443/https/http-path/eu%2F%2Frelay'],
      ['https://relay.example/a%20b', '/dns4/relay.example/tcp/443/https/http-path/a%2520b%2Frelay']
    ]

    for (const [relayUrl, text] of cases) {
      it(`${relayUrl} is ${text}`, () => {
        expect(toMultiaddrs({ relayUrl, directAddresses: [] }).map(String)).to.deep.equal([text])
        expect(fromMultiaddr(multiaddr(text))).to.deep.equal({ relayUrl, directAddresses: [] })
        // as it comes from another node
        expect(fromMultiaddr(multiaddr(multiaddr(text).bytes))).to.deep.equal({ relayUrl, directAddresses: [] })
        expect(isIrohAddress(multiaddr(text))).to.equal(true)
        expect(isDirectIrohAddress(multiaddr(text))).to.equal(false)
      })
    }

    it('that no multiaddr can express are left out', () => {
      for (const relayUrl of ['https://relay.example/?token=1', 'https://user@relay.example/', 'ftp://relay.example/', 'no url']) {
        expect(toMultiaddrs({ relayUrl, directAddresses: [] }), relayUrl).to.deep.equal([])
      }
    })

    it('are told from other web servers', () => {
      for (const text of ['/dns4/relay.example/tcp/443/https', '/dns4/relay.example/tcp/443/https/http-path/other', '/dns4/relay.example/tcp/443/tls/ws']) {
        expect(isIrohAddress(multiaddr(text)), text).to.equal(false)
      }
    })
  })

  it('come direct ones first, with the peer at the end, and are recognized with it', () => {
    const addresses = toMultiaddrs({ relayUrl: 'https://relay.example/', directAddresses: [{ host: '192.0.2.2', port: 7 }] }, peerIdOf(ENDPOINT_ID))

    expect(addresses.map(String)).to.deep.equal([
      `/ip4/192.0.2.2/udp/7/quic-v1/sni/iroh.invalid/p2p/${PEER_ID}`,
      `/dns4/relay.example/tcp/443/https/http-path/relay/p2p/${PEER_ID}`
    ])
    expect(addresses.every(isIrohAddress)).to.equal(true)
  })

  it('of a peer alone are none', () => {
    expect(isIrohAddress(multiaddr(`/p2p/${PEER_ID}`))).to.equal(false)
  })
})

describe('socket addresses', () => {
  it('are written and read with IPv6 in brackets', () => {
    expect(formatSocketAddress({ host: '::1', port: 80 })).to.equal('[::1]:80')
    expect(parseSocketAddressText('[::1]:80')).to.deep.equal({ host: '::1', port: 80 })
    expect(parseSocketAddressText('192.0.2.2:65535')).to.deep.equal({ host: '192.0.2.2', port: 65535 })
  })

  it('without a port are none', () => {
    expect(() => parseSocketAddressText('192.0.2.2')).to.throw().with.property('name', 'InvalidParametersError')
  })
})

describe('endpoint ids', () => {
  it('are the public key of the peer', () => {
    expect(peerIdOf(ENDPOINT_ID).toString()).to.equal(PEER_ID)
    expect(peerIdOf(ENDPOINT_ID.toUpperCase()).toString()).to.equal(PEER_ID)
    expect(endpointIdOf(peerIdOf(ENDPOINT_ID))).to.equal(ENDPOINT_ID)
  })

  it('are 64 hex characters', () => {
    for (const text of ['', ENDPOINT_ID.slice(2), `${ENDPOINT_ID}00`, `${ENDPOINT_ID.slice(0, -1)}g`]) {
      expect(() => peerIdOf(text), text).to.throw().with.property('name', 'InvalidParametersError')
    }
  })

  it('are not had by peers with other keys', async () => {
    const peerId = peerIdFromPrivateKey(await generateKeyPair('secp256k1'))

    expect(() => endpointIdOf(peerId)).to.throw().with.property('name', 'UnsupportedKeyTypeError')
  })
})
