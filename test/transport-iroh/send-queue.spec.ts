import { expect } from 'chai'
import { loadNative } from '../../src/transport-iroh/native.ts'
import { SendQueue } from '../../src/transport-iroh/send-queue.ts'
import { until } from './support/nodes.ts'
import type { NativeBytes, NativeSendStream } from '../../src/transport-iroh/native.ts'
import type { SendFailure } from '../../src/transport-iroh/send-queue.ts'

/** A native stream under the test's control. */
class FakeStream implements NativeSendStream {
  readonly writes: NativeBytes[] = []
  readonly calls: string[] = []
  error: Error | undefined
  #gate: PromiseWithResolvers<unknown> | undefined

  /** Lets no write complete until `release`. */
  hold (): void {
    this.#gate = Promise.withResolvers<unknown>()
  }

  release (): void {
    this.#gate?.resolve(undefined)
    this.#gate = undefined
  }

  get bytes (): number[] {
    return this.writes.flatMap((write) => [...write])
  }

  async writeAll (bytes: NativeBytes): Promise<void> {
    // the binding copies in the call
    this.writes.push([...bytes])
    await this.#gate?.promise

    if (this.error != null) {
      throw this.error
    }
  }

  async finish (): Promise<void> {
    this.calls.push('finish')
  }

  async stopped (): Promise<null> {
    this.calls.push('stopped')
    return null
  }
}

interface Rig {
  queue: SendQueue
  stream: FakeStream
  failures: SendFailure[]
  opened (): number
  drained (): number
  allowOpen (): void
}

async function createQueue (): Promise<Rig> {
  const stream = new FakeStream()
  const failures: SendFailure[] = []
  const opening = Promise.withResolvers<NativeSendStream>()
  let opened = 0
  let drained = 0
  const queue = new SendQueue({
    native: await loadNative(),
    open: async () => {
      opened++
      return opening.promise
    },
    onDrain: () => { drained++ },
    onFailure: (failure) => { failures.push(failure) }
  })

  return { queue, stream, failures, opened: () => opened, drained: () => drained, allowOpen: () => { opening.resolve(stream) } }
}

describe('the send queue of a native stream', () => {
  it('opens no stream before there is something to write', async () => {
    const { queue, opened } = await createQueue()
    await queue.end()

    expect(opened()).to.equal(0)
  })

  it('joins what waits into one write', async () => {
    const { queue, stream, opened, allowOpen } = await createQueue()
    queue.push([Uint8Array.of(1, 2)])
    queue.push([Uint8Array.of(3), Uint8Array.of()])
    queue.push([Uint8Array.of(4, 5)])
    allowOpen()
    await queue.end()

    expect(opened()).to.equal(1)
    expect(stream.writes).to.deep.equal([[1, 2, 3, 4, 5]])
    expect(stream.calls).to.deep.equal(['finish', 'stopped'])
  })

  it('cuts what is large, and keeps the order', async () => {
    const { queue, stream, allowOpen } = await createQueue()
    const data = Uint8Array.from({ length: 100_003 }, (_, i) => i % 251)
    queue.push([data.subarray(0, 10), data.subarray(10, 70_000), data.subarray(70_000)])
    allowOpen()
    await queue.end()

    expect(stream.writes.length).to.be.greaterThan(1)
    expect(stream.bytes).to.deep.equal([...data])
  })

  it('asks for a pause when it is full and says when it is over', async () => {
    const { queue, stream, drained, allowOpen } = await createQueue()
    allowOpen()
    stream.hold()
    expect(queue.push([new Uint8Array(60_000)])).to.equal(true)
    expect(queue.push([new Uint8Array(60_000)])).to.equal(false)
    expect(drained()).to.equal(0)
    stream.release()
    await until('there is room', () => drained() === 1)
    expect(queue.push([new Uint8Array(10)])).to.equal(true)
    await queue.end()

    expect(stream.bytes).to.have.lengthOf(120_010)
    expect(drained()).to.equal(1)
  })

  it('writes what it has even if it is to end before the stream is open', async () => {
    const { queue, stream, allowOpen } = await createQueue()
    queue.push([Uint8Array.of(1, 2, 3)])
    const ended = queue.end()
    allowOpen()
    await ended

    expect(stream.bytes).to.deep.equal([1, 2, 3])
    expect(stream.calls).to.deep.equal(['finish', 'stopped'])
  })

  it('tells once that the remote reads no more', async () => {
    const { queue, stream, failures, allowOpen } = await createQueue()
    stream.error = new Error('Stopped(0)\n\nStack backtrace:\n 0: main')
    allowOpen()
    queue.push([Uint8Array.of(1)])
    await until('it is told', () => failures.length > 0)
    queue.push([Uint8Array.of(2)])
    await queue.end()

    expect(failures).to.deep.equal([{ type: 'stopped' }])
    expect(stream.writes).to.deep.equal([[1]])
  })

  it('tells that the connection is lost', async () => {
    const { queue, stream, failures, allowOpen } = await createQueue()
    stream.error = new Error('ConnectionLost(TimedOut)')
    allowOpen()
    queue.push([Uint8Array.of(1)])
    await until('it is told', () => failures.length > 0)
    await queue.end()

    expect(failures).to.deep.equal([{ type: 'connectionLost', message: 'ConnectionLost(TimedOut)' }])
  })
})
