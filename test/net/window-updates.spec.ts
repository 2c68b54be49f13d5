import { multiaddrConnectionPair } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { expect } from 'chai'
import { receive } from '../../src/net/receive.ts'
import { encodeFrame, encodeStreamHeader } from '../../src/wire/index.ts'
import { bytes, until } from '../support/nodes.ts'
import type { Stream, StreamMuxer } from '@libp2p/interface'

const YAMUX_HEADER_BYTES = 12
const MAX_MESSAGE_SIZE = 128 * 1024

interface Link {
  sender: Stream
  /** Payloads that were read. */
  read: Uint8Array[]
  /** Bytes of each chunk that the reading muxer has sent. */
  answers: number[]
  reader: Stream
}

/** A gossip stream over yamux, without encryption: what goes back can be counted. */
async function createLink (adapt: (stream: Stream) => Stream = (stream) => stream, multiplexer?: string): Promise<Link> {
  const [outbound, inbound] = multiaddrConnectionPair()
  const answers: number[] = []
  const read: Uint8Array[] = []
  const near = createMuxer(outbound)
  const far = createMuxer(inbound)
  outbound.addEventListener('message', ({ data }) => { answers.push(data.byteLength) })

  const incoming = Promise.withResolvers<Stream>()
  far.addEventListener('stream', ({ detail }) => {
    const reader = adapt(detail)
    incoming.resolve(reader)
    receive(reader, { multiplexer: multiplexer ?? far.protocol }, MAX_MESSAGE_SIZE, {
      onFrame: (_, payload) => { read.push(payload) },
      onViolation: (err) => { throw err }
    })
  })

  const sender = await near.createStream()
  sender.send(encodeStreamHeader(new Uint8Array(32)))
  const reader = await incoming.promise
  await until('both ends have opened it', () => answers.length > 0)
  answers.length = 0

  return { sender, read, answers, reader }
}

function createMuxer (connection: ReturnType<typeof multiaddrConnectionPair>[0]): StreamMuxer {
  return yamux({ enableKeepAlive: false })().createStreamMuxer(connection)
}

function frame (content: Uint8Array): ReturnType<typeof encodeFrame> {
  return encodeFrame({ type: 'gossip', id: new Uint8Array(32), content, scope: { type: 'neighbors' } })
}

async function sendOneByOne ({ sender, read }: Link, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    sender.send(frame(bytes(`message ${i}`)))
    await until(`message ${i} has come`, () => read.length > i)
  }
}

describe('a gossip stream over yamux', () => {
  it('answers no frame with a window update', async () => {
    const link = await createLink()

    await sendOneByOne(link, 20)

    expect(link.answers).to.deep.equal([])
  })

  it('answers as many frames as before where the muxer is another one', async () => {
    const link = await createLink(undefined, '/other/1.0.0')

    await sendOneByOne(link, 20)

    expect(link.answers).to.deep.equal(Array.from({ length: 20 }, () => YAMUX_HEADER_BYTES))
  })

  it('hands over many times the window, with few updates', async () => {
    const link = await createLink()
    const content = new Uint8Array(100_000)
    const count = 50

    for (let i = 0; i < count; i++) {
      link.sender.send(frame(content))
    }

    await until('all have come', () => link.read.length === count)
    expect(link.read.every((payload) => payload.byteLength > content.byteLength)).to.equal(true)
    // each update stands for 64 KiB at least; two where yamux makes the window larger
    expect(link.answers.length).to.be.within(1, 2 * count * content.byteLength / 65_536)
  })

  it('is read to its end', async () => {
    const link = await createLink()
    let isEnded = false
    link.reader.addEventListener('end', () => { isEnded = true })

    await sendOneByOne(link, 3)
    await link.sender.close()

    await until('the end is seen', () => isEnded)
    expect(link.read).to.have.lengthOf(3)
  })

  it('goes on as it was where libp2p does not let the status be set', async () => {
    const link = await createLink((stream) => new Proxy(stream, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target)

        return typeof value === 'function' ? value.bind(target) : value
      },
      set: (target, name, value) => name !== 'readStatus' && Reflect.set(target, name, value, target)
    }))

    await sendOneByOne(link, 5)

    expect(link.read).to.have.lengthOf(5)
    expect(link.answers.length).to.be.at.least(5)
  })
})
