import { generateKeyPair } from '@libp2p/crypto/keys'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect } from 'chai'
import { endpointIdOf } from '../../src/iroh-address.ts'
import { RemotePeer } from '../../src/net/remote-peer.ts'
import type { RemotePeerOwner } from '../../src/net/remote-peer.ts'
import type { ScheduledTask, Timers } from '../../src/net/timers.ts'
import type { Connection, Stream } from '@libp2p/interface'

/** A stream that takes everything, and whose end is acknowledged at once. */
class FakeStream extends EventTarget {
  readonly log = defaultLogger().forComponent('test')
  readonly writableNeedsDrain = false
  bytes = 0
  closed = false

  send (data: { byteLength: number }): boolean {
    this.bytes += data.byteLength
    return true
  }

  async close (): Promise<void> {
    this.closed = true
  }
}

/** Time that only the test moves. */
class FakeTimers implements Pick<Timers, 'now' | 'schedule' | 'cancel'> {
  time = 0
  tasks: Array<{ at: number, task: ScheduledTask }> = []

  now (): number {
    return this.time
  }

  schedule (delayMs: number, run: () => void): ScheduledTask {
    const task = { task: run }
    this.tasks.push({ at: this.time + delayMs, task })
    return task
  }

  cancel (task: ScheduledTask): void {
    task.task = undefined
  }

  advance (ms: number): void {
    this.time += ms
    const due = this.tasks.filter(({ at }) => at <= this.time)
    this.tasks = this.tasks.filter(({ at }) => at > this.time)
    due.forEach(({ task }) => task.task?.())
  }
}

async function setUp (): Promise<{ peer: RemotePeer, streams: FakeStream[], timers: FakeTimers, send (topic: number): Promise<void> }> {
  const streams: FakeStream[] = []
  const timers = new FakeTimers()
  const owner: RemotePeerOwner = {
    log: defaultLogger().forComponent('test'),
    timers: timers as unknown as Timers,
    maxQueueBytes: 1024 * 1024,
    stallTimeoutMs: 10_000,
    openStream: async () => {
      const stream = new FakeStream()
      streams.push(stream)
      return { stream: stream as unknown as Stream, connection: { direct: true } as unknown as Connection }
    },
    hasConnection: () => true,
    onCongestion: () => false,
    onStreamReopened: () => {},
    onPeerFailed: () => {},
    onPeerReleased: () => {}
  }
  const id = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  const peer = new RemotePeer(owner, endpointIdOf(id), id)
  const send = async (topic: number): Promise<void> => {
    peer.enqueue(topic.toString(16).padStart(64, '0'), Uint8Array.of(0, 0, 0, 1, 7), false)
    peer.flush()
    // a turn of the event loop: all promises that could go on have done so
    await new Promise((resolve) => { setImmediate(resolve) })
  }

  return { peer, streams, timers, send }
}

describe('streams to a peer', () => {
  it('that were quiet for a while are finished, the oldest first, all but eight', async () => {
    const { peer, streams, timers, send } = await setUp()

    for (let topic = 0; topic < 20; topic++) {
      await send(topic)
    }

    expect(peer.openStreams).to.equal(20)
    timers.advance(10_000)
    // the others were opened within that time
    expect(peer.openStreams).to.equal(19)
    await send(3)
    timers.advance(10_000)

    expect(peer.openStreams).to.equal(8)
    expect(streams.map(({ closed }, i) => closed ? i : -1).filter((i) => i !== -1)).to.deep.equal([0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  })

  it('are opened again by the next frame, header first', async () => {
    const { peer, streams, timers, send } = await setUp()

    for (let topic = 0; topic < 9; topic++) {
      await send(topic)
    }

    timers.advance(10_000)
    timers.advance(10_000)
    await send(0)

    expect(streams).to.have.lengthOf(10)
    expect(streams[0].closed).to.equal(true)
    // the header's frame, and ours
    expect([streams[9].closed, streams[9].bytes]).to.deep.equal([false, 4 + 32 + 5])
    expect(peer.openStreams).to.equal(9)
  })

  it('leave no timer while there are few', async () => {
    const { timers, send } = await setUp()

    for (let topic = 0; topic < 8; topic++) {
      await send(topic)
    }

    timers.advance(10_000)
    expect(timers.tasks).to.deep.equal([])
  })
})
