import { generateKeyPair } from '@libp2p/crypto/keys'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect } from 'chai'
import { Uint8ArrayList } from 'uint8arraylist'
import { endpointIdOf } from '../../src/iroh-address.ts'
import { IncomingStreams } from '../../src/net/incoming-streams.ts'
import { decodeMessage, encodeFrame, encodeStreamHeader } from '../../src/wire/index.ts'
import type { IncomingStreamsInit } from '../../src/net/incoming-streams.ts'
import type { Message } from '../../src/wire/index.ts'
import type { Connection, Stream } from '@libp2p/interface'

/** What is looked at of an incoming stream: its messages and its end. */
class FakeStream extends EventTarget {
  readonly status = 'open'
  readonly log = defaultLogger().forComponent('test')
  maxReadBufferLength = 0

  async close (): Promise<void> {}

  /** The peer writes. */
  write (...parts: Array<Uint8Array | Uint8ArrayList>): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data: new Uint8ArrayList(...parts) }))
  }
}

describe('what comes in', () => {
  it('is passed on, of membership messages only as much as a correct peer sends', async () => {
    const remotePeer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    const origin = endpointIdOf(remotePeer)
    const frames: Array<Message['type']> = []
    let excess = 0
    const init: unknown = {
      maxMessageSize: 4_096,
      // it never moves on, so nothing is allowed again
      timers: { now: () => 0 },
      connections: { mayCarry: () => true },
      native: { of: () => undefined, onStream: () => {} },
      isKnown: () => true,
      onReset: () => {},
      onUnused: () => {},
      onFrame: (_peer: string, _topic: string, payload: Uint8Array) => { frames.push(decodeMessage(payload).type) },
      onExcess: () => { excess++ },
      onViolation: (_peer: string, error: Error) => { throw error },
      onPeerAvailable: () => {}
    }
    const incoming = new IncomingStreams(init as IncomingStreamsInit)
    const stream = new FakeStream()
    incoming.onStream(stream as unknown as Stream, { remotePeer, direct: true } as unknown as Connection)
    const shuffle = encodeFrame({ type: 'shuffle', origin, nodes: Array(100).fill({ id: origin }), ttl: 0 }).subarray()
    stream.write(encodeStreamHeader(new Uint8Array(32)))

    for (let i = 0; i < 200; i++) {
      stream.write(shuffle)
    }

    stream.write(encodeFrame({ type: 'prune' }))
    // 512 KiB at once
    const allowed = Math.floor(512 * 1024 / (shuffle.byteLength - 4))
    expect(frames).to.deep.equal([...Array(allowed).fill('shuffle'), 'prune'])
    expect(excess).to.equal(200 - allowed)
  })
})
