import { expect } from 'chai'
import { TopicStream } from '../../src/net/topic-stream.ts'
import type { OpenedStream } from '../../src/net/topic-stream.ts'
import type { Uint8ArrayList } from 'uint8arraylist'

const TOPIC = 'aa'.repeat(32)
/** The length of what follows in four bytes, and the topic. */
const HEADER = [0, 0, 0, 32, ...new Uint8Array(32).fill(0xaa)]
const [FIRST, SECOND, THIRD] = [2, 3, 4].map((byte) => Uint8Array.of(byte))

/** A stream that takes everything, and whose end is acknowledged when the test says so. */
class FakeStream extends EventTarget {
  /** What was written, each write apart, and `end`. */
  readonly writes: unknown[] = []
  readonly writableNeedsDrain = false
  readonly #closed = Promise.withResolvers<unknown>()

  send (data: Uint8Array | Uint8ArrayList): void {
    this.writes.push([...data.slice()])
  }

  async close (): Promise<void> {
    this.writes.push('end')
    await this.#closed.promise
  }

  /** The peer has all of it. */
  acknowledge (): void {
    this.#closed.resolve(undefined)
  }
}

/** The side of one topic that the test drives: streams open when it says so. */
class Rig {
  readonly streams: FakeStream[] = []
  readonly topic: TopicStream
  readonly failures: Error[] = []
  readonly #opening: Array<PromiseWithResolvers<OpenedStream>> = []

  constructor () {
    this.topic = new TopicStream({
      openStream: async () => {
        const opening = Promise.withResolvers<OpenedStream>()
        this.#opening.push(opening)

        return opening.promise
      },
      onDequeued: () => {},
      onStreamFailed: (_stream, error) => { this.failures.push(error) },
      onIdle: () => {}
    }, TOPIC)
  }

  /** How often a stream was asked for. */
  get asked (): number {
    return this.#opening.length
  }

  send (frame: Uint8Array, last = false): void {
    this.topic.enqueue(frame, last)
    this.topic.flush()
  }

  async open (index: number, greeting?: Uint8Array): Promise<FakeStream> {
    const stream = new FakeStream()
    this.streams.push(stream)
    this.#opening[index].resolve({ stream, connection: { direct: true }, greeting } as unknown as OpenedStream)
    await settled()

    return stream
  }
}

/** Lets every promise settle that can. */
async function settled (): Promise<void> {
  await new Promise((resolve) => { setImmediate(resolve) })
}

describe('our stream of a topic', () => {
  it('begins with header, greeting and first frames in one write, and is not opened before', async () => {
    const rig = new Rig()
    rig.topic.flush()
    expect(rig.asked).to.equal(0)
    rig.send(FIRST)
    rig.send(SECOND)
    const stream = await rig.open(0, THIRD)
    expect(stream.writes).to.deep.equal([[...HEADER, 4, 2, 3]])
  })

  it('that opens after it was given up gets its header and an end, and is not reset', async () => {
    const rig = new Rig()
    rig.send(FIRST)
    rig.topic.discard()
    const stream = await rig.open(0)
    expect(stream.writes).to.deep.equal([HEADER, 'end'])
    expect(rig.failures).to.deep.equal([])
  })

  it('is opened anew after its last frame only when the end was acknowledged', async () => {
    const rig = new Rig()
    rig.send(FIRST, true)
    const stream = await rig.open(0)
    rig.send(SECOND)
    await settled()
    expect(stream.writes).to.deep.equal([[...HEADER, 2], 'end'])
    expect(rig.asked).to.equal(1)
    stream.acknowledge()
    await settled()
    expect(rig.asked).to.equal(2)
    const next = await rig.open(1)
    expect(next.writes).to.deep.equal([[...HEADER, 3]])
  })
})
