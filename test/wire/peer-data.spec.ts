import { expect } from 'chai'
import fc from 'fast-check'
import { MAX_PEER_DATA_BYTES, decodePeerData, encodePeerData, hasExtension } from '../../src/wire/index.ts'
import { FUZZ_RUNS, FUZZ_TIMEOUT_MS, damaged } from './arbitrary-messages.ts'
import { fromHex, toHex } from './wire-vectors.ts'
import type { PeerData, SocketAddress } from '../../src/wire/index.ts'

/** From the Rust vectors: a relay, 127.0.0.1:80 and [2001:db8::1]:4433. */
const rust = '011668747470733a2f2f72656c61792e6578616d706c652f02007f000001500120010db8000000000000000000000001d122'

/** Magic, version and an empty list. */
const emptyExtension = '6c69670100'
const tcp = fromHex('047f000001060050')

const v4 = fc.tuple(fc.ipV4(), fc.nat(0xffff)).map(([host, port]): SocketAddress => ({ host, port }))
const v6 = fc.tuple(fc.ipV6(), fc.nat(0xffff)).map(([host, port]): SocketAddress => ({ host, port }))
const peerData: fc.Arbitrary<PeerData> = fc.record({
  relayUrl: fc.option(fc.constantFrom('https://relay.example/', 'https://use1-1.relay.iroh.network./'), { nil: undefined }),
  directAddresses: fc.array(fc.oneof(v4, v6), { maxLength: 12 }),
  multiaddrs: fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 12 })
})

describe('peer data', () => {
  it('of a Rust peer is read', () => {
    expect(decodePeerData(fromHex(rust))).to.deep.equal({
      relayUrl: 'https://relay.example/',
      directAddresses: [{ host: '127.0.0.1', port: 80 }, { host: '2001:db8::1', port: 4433 }],
      multiaddrs: []
    })
    expect(hasExtension(fromHex(rust))).to.equal(false)
  })

  it('of ours begins with what a Rust peer would write, and always has the extension', () => {
    const data = encodePeerData({
      relayUrl: 'https://relay.example',
      directAddresses: [{ host: '2001:DB8:0::1', port: 4433 }, { host: '127.0.0.1', port: 80 }],
      multiaddrs: []
    })

    expect(toHex(data)).to.equal(rust + emptyExtension)
    expect(toHex(encodePeerData({ directAddresses: [], multiaddrs: [] }))).to.equal(`0000${emptyExtension}`)
    expect(hasExtension(data)).to.equal(true)
  })

  it('carries multiaddrs in their order after it', () => {
    const data = encodePeerData({ directAddresses: [], multiaddrs: [tcp, fromHex('0102')] })

    expect(toHex(data)).to.equal(`00006c6967010208${toHex(tcp)}020102`)
    expect(decodePeerData(data)).to.deep.equal({ directAddresses: [], multiaddrs: [tcp, fromHex('0102')] })
  })

  it('that is empty has no addresses', () => {
    expect(decodePeerData(new Uint8Array())).to.deep.equal({ directAddresses: [], multiaddrs: [] })
    expect(hasExtension(new Uint8Array())).to.equal(false)
  })

  it('has direct addresses in the order of a Rust set, without doubles', () => {
    const hosts = ['::2', '10.0.0.2', '::1', '9.0.0.1', '10.0.0.2', '0:0::1', '10.0.0.2']
    const ports = [1, 9, 5, 70, 9, 5, 8]
    const data = encodePeerData({ directAddresses: hosts.map((host, i) => ({ host, port: ports[i] })), multiaddrs: [] })

    expect(decodePeerData(data).directAddresses).to.deep.equal([
      { host: '9.0.0.1', port: 70 },
      { host: '10.0.0.2', port: 8 },
      { host: '10.0.0.2', port: 9 },
      { host: '::1', port: 5 },
      { host: '::2', port: 1 }
    ])
  })

  it('is read in any order, with longer varints than needed', () => {
    expect(decodePeerData(fromHex('0002 00c00002028000 8000007f000001'.replaceAll(' ', ''))).directAddresses)
      .to.deep.equal([{ host: '192.0.2.2', port: 0 }, { host: '0.127.0.0', port: 1 }])
  })

  it('never exceeds its limit, and keeps all where there is room', () => {
    fc.assert(fc.property(peerData, fc.integer({ min: 7, max: 600 }), (data, maxBytes) => {
      const bytes = encodePeerData(data, maxBytes)
      const decoded = decodePeerData(bytes)

      expect(bytes.length).to.be.at.most(maxBytes)
      expect(hasExtension(bytes)).to.equal(true)
      expect(data.multiaddrs).to.deep.include.members(decoded.multiaddrs)

      // what came out fits again, byte for byte
      expect(encodePeerData(decoded, maxBytes)).to.deep.equal(bytes)

      const all = decodePeerData(encodePeerData(data, 10_000))
      expect(all.relayUrl).to.equal(data.relayUrl)
      expect(all.multiaddrs).to.deep.equal(data.multiaddrs)
      expect(all.directAddresses).to.deep.include.members(decoded.directAddresses)
    }), { numRuns: 500 })
  })

  it('leaves out the worst of each list in turns', () => {
    const directAddresses = Array.from({ length: 40 }, (_, i) => ({ host: `10.0.0.${i}`, port: 65_000 }))
    const multiaddrs = Array.from({ length: 40 }, (_, i) => Uint8Array.of(4, 10, 0, 0, i, 6, 0, 80))
    const bytes = encodePeerData({ relayUrl: 'https://relay.example/', directAddresses, multiaddrs })
    const decoded = decodePeerData(bytes)

    expect(MAX_PEER_DATA_BYTES).to.equal(256)
    expect(bytes.length).to.be.within(248, 256)
    expect(decoded.relayUrl).to.equal('https://relay.example/')
    // 23 of the relay and 7 of the empty lists leave room for 13 of 8 bytes and 13 of 9
    expect(decoded.directAddresses).to.deep.equal(directAddresses.slice(0, decoded.directAddresses.length))
    expect(decoded.directAddresses).to.have.length(13)
    expect(decoded.multiaddrs).to.deep.equal(multiaddrs.slice(0, 13))
  })

  it('passes over an entry that is too large for the ones behind it', () => {
    const decoded = decodePeerData(encodePeerData({
      relayUrl: `https://relay.example/${'a'.repeat(300)}`,
      directAddresses: [{ host: '10.0.0.1', port: 1 }],
      multiaddrs: [new Uint8Array(300).fill(1), tcp]
    }))

    expect(decoded).to.deep.equal({ directAddresses: [{ host: '10.0.0.1', port: 1 }], multiaddrs: [tcp] })
  })

  describe('with an extension that cannot be read', () => {
    const cases: Record<string, [extension: string, ours: boolean]> = {
      'another magic': ['6c69680100', false],
      'bytes of a later Rust field': ['0103616263', false],
      'half a magic': ['6c69', false],
      'no version': ['6c6967', true],
      'a later version': ['6c69670201020304', true],
      'a count over the data': ['6c696701ffffffff0f', true],
      'a length over the data': ['6c6967010105010203', true],
      'an empty multiaddr': ['6c69670102000101', true],
      'a cut-off second multiaddr': ['6c6967010202aabb02cc', true]
    }

    for (const [name, [extension, ours]] of Object.entries(cases)) {
      it(`${name}: the addresses before it hold`, () => {
        const bytes = fromHex(rust + extension)

        expect(decodePeerData(bytes)).to.deep.equal(decodePeerData(fromHex(rust)))
        expect(hasExtension(bytes)).to.equal(ours)
      })
    }

    it('bytes behind the list are left to later versions', () => {
      expect(decodePeerData(fromHex(`00006c6967010108${toHex(tcp)}ffff`)).multiaddrs).to.deep.equal([tcp])
    })
  })

  describe('that a Rust peer could not read', () => {
    const cases = {
      'a relay that is no URL': '010572656c617900',
      'a relay that is not UTF-8': '0102c0af00',
      'an unknown family': '00010200000000000001',
      'a port over 65,535': '000100c0000202ffff04',
      'an address cut off': '000100c00002',
      'a count over the data': '00ffffffff0f',
      'no count': '00',
      'option tag 2': '0200'
    }

    for (const [name, hex] of Object.entries(cases)) {
      it(`${name} is refused`, () => {
        expect(() => decodePeerData(fromHex(hex))).to.throw().with.property('name', 'InvalidMessageError')
        expect(hasExtension(fromHex(hex + emptyExtension))).to.equal(false)
      })
    }
  })

  it('of a hostile peer is addresses or an InvalidMessageError', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      damaged(peerData.map(data => encodePeerData(data))),
      damaged(fc.constant(fromHex(rust)))
    )

    fc.assert(fc.property(bytes, data => {
      hasExtension(data)

      try {
        const decoded = decodePeerData(data)

        expect(decodePeerData(encodePeerData(decoded, 10_000)).multiaddrs).to.deep.equal(decoded.multiaddrs)
      } catch (err) {
        expect(err).to.have.property('name', 'InvalidMessageError')
      }
    }), { numRuns: FUZZ_RUNS })
  }).timeout(FUZZ_TIMEOUT_MS)

  describe('hosts', () => {
    const hosts = {
      '::': '::',
      '::1': '::1',
      '1::': '1::',
      '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
      '2001:DB8::A': '2001:db8::a',
      '::ffff:192.0.2.1': '::ffff:c000:201',
      '1:2:3:4:5:6:7:8': '1:2:3:4:5:6:7:8',
      '255.255.255.255': '255.255.255.255',
      '0.0.0.0': '0.0.0.0'
    }

    for (const [host, canonical] of Object.entries(hosts)) {
      it(`${host} comes back as ${canonical}`, () => {
        expect(decodePeerData(encodePeerData({ directAddresses: [{ host, port: 1 }], multiaddrs: [] })).directAddresses)
          .to.deep.equal([{ host: canonical, port: 1 }])
      })
    }
  })

  describe('misuse', () => {
    const none: PeerData = { directAddresses: [], multiaddrs: [] }
    const cases: Record<string, () => Uint8Array> = {
      'a name': () => encodePeerData({ ...none, directAddresses: [{ host: 'example.com', port: 1 }] }),
      'a number too much': () => encodePeerData({ ...none, directAddresses: [{ host: '1.2.3.4.5', port: 1 }] }),
      'a number too large': () => encodePeerData({ ...none, directAddresses: [{ host: '1.2.3.256', port: 1 }] }),
      'octal digits': () => encodePeerData({ ...none, directAddresses: [{ host: '1.2.3.010', port: 1 }] }),
      'a zone': () => encodePeerData({ ...none, directAddresses: [{ host: 'fe80::1%eth0', port: 1 }] }),
      brackets: () => encodePeerData({ ...none, directAddresses: [{ host: '[::1]', port: 1 }] }),
      'a port over 65,535': () => encodePeerData({ ...none, directAddresses: [{ host: '::1', port: 65_536 }] }),
      'a relay that is no URL': () => encodePeerData({ ...none, relayUrl: 'relay.example' }),
      'an empty multiaddr': () => encodePeerData({ ...none, multiaddrs: [new Uint8Array()] }),
      'a limit without room for the empty lists': () => encodePeerData(none, 6)
    }

    for (const [name, encode] of Object.entries(cases)) {
      it(`${name} is refused`, () => {
        expect(encode).to.throw().with.property('name', 'InvalidParametersError')
      })
    }
  })
})
