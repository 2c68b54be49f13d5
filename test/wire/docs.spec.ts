import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { FrameDecoder, decodePeerData, encodePeerData } from '../../src/wire/index.ts'
import { fromHex, toHex, vectorPayload } from './wire-vectors.ts'

const page = readFileSync(new URL('../../docs/wire-format.md', import.meta.url), 'utf8')

/** The page's examples: their names, and the bytes before the words of each line. */
const examples = [...page.matchAll(/^```wire (?<name>.+)\n(?<lines>[^`]+)```$/gm)].map(({ groups }) => ({
  name: groups?.name ?? '',
  bytes: (groups?.lines ?? '').split('\n').map(line => line.split(/ {2,}/)[0].replaceAll(' ', '')).join('')
}))

describe('docs/wire-format.md', () => {
  it('has an example of every message', () => {
    expect(examples.map(({ name }) => name)).to.have.length(12)
  })

  for (const { name, bytes } of examples) {
    if (name === 'stream' || name === 'peer data') {
      continue
    }

    it(`shows "${name}" as Rust has it`, () => {
      expect(bytes).to.equal(toHex(vectorPayload(name)))
    })
  }

  it('shows a stream', () => {
    const seen: string[] = []
    const decoder = new FrameDecoder({
      maxMessageSize: 4_096,
      onHeader: topicId => seen.push(toHex(topicId)),
      onFrame: payload => seen.push(toHex(payload)),
      onViolation: err => seen.push(err.message)
    })
    decoder.push(fromHex(examples.find(({ name }) => name === 'stream')?.bytes ?? ''))
    decoder.end()

    expect(seen).to.deep.equal(['aa'.repeat(32), toHex(vectorPayload('join, one IPv4'))])
  })

  it('shows our peer data', () => {
    const bytes = examples.find(({ name }) => name === 'peer data')?.bytes ?? ''
    const data = {
      relayUrl: 'https://relay.example/',
      directAddresses: [{ host: '127.0.0.1', port: 80 }, { host: '2001:db8::1', port: 4433 }],
      multiaddrs: [fromHex('047f000001060050')]
    }

    expect(decodePeerData(fromHex(bytes))).to.deep.equal(data)
    expect(toHex(encodePeerData(data))).to.equal(bytes)
  })
})
