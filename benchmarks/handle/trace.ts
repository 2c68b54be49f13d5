import { ed25519 } from '@noble/curves/ed25519.js'
import { Rng } from '../../src/proto/index.ts'
import { decodeMessage, encodeMessage } from '../../src/wire/index.ts'
import type { InEvent, Message, MessageId, TopicKey } from '../../src/proto/index.ts'

/** The topic of every trace, as `interop/rust-bench` has it too. */
export const TOPIC: TopicKey = '07'.repeat(32)

const NEIGHBORS = 5
const CONTENT_BYTES = 256
/** Announced messages that are missing at a time. */
const AT_A_TIME = 100

/** What one node is given, in virtual time. */
export interface Trace {
  name: string
  peers: Uint8Array[]
  steps: Step[]
}

/** `payload` is a frame's, or the content of a broadcast of our own. */
export interface Step {
  atMs: number
  kind: 'received' | 'broadcast'
  from: number
  payload: Uint8Array
}

/** An endpoint id that is a curve point; the same for the same index. */
export function endpointId (index: number): Uint8Array {
  const seed = new Uint8Array(32).fill(9)
  new DataView(seed.buffer).setUint32(0, index)

  return ed25519.getPublicKey(seed)
}

class Recorder {
  readonly steps: Step[] = []
  atMs = 0

  receive (from: number, message: Message): void {
    this.steps.push({ atMs: this.atMs, kind: 'received', from, payload: encodeMessage(message) })
  }

  broadcast (content: Uint8Array): void {
    this.steps.push({ atMs: this.atMs, kind: 'broadcast', from: 0, payload: content })
  }
}

/** Inputs of a node with five neighbors, of several kinds, `messages` of each. */
export function traces (messages: number, hash: (content: Uint8Array) => MessageId): Trace[] {
  const peers = Array.from({ length: 40 }, (_, i) => endpointId(i + 1))
  const keys = peers.map((id) => Buffer.from(id).toString('hex'))
  const rng = new Rng(1)
  const waiting: Uint8Array[] = []
  let serial = 0

  const content = (): Uint8Array => {
    const bytes = new Uint8Array(CONTENT_BYTES)
    new DataView(bytes.buffer).setUint32(0, ++serial)

    return bytes
  }
  const gossip = (bytes: Uint8Array): Message => ({ type: 'gossip', id: hash(bytes), content: bytes, scope: { type: 'swarm', round: 2 } })
  const iHave = (bytes: Uint8Array): Message => ({ type: 'iHave', messages: [{ id: hash(bytes), round: 2 }] })
  const kinds: Record<string, (recorder: Recorder) => void> = {
    // one neighbor brings every message, the others get it
    forward: (recorder) => { recorder.receive(0, gossip(content())) },
    // the tree has its shape: one brings the message, three announce it
    tree: (recorder) => {
      const bytes = content()
      recorder.receive(0, gossip(bytes))
      recorder.receive(2, iHave(bytes))
      recorder.receive(3, iHave(bytes))
      recorder.receive(4, iHave(bytes))
    },
    // every message comes from two
    duplicates: (recorder) => {
      const message = gossip(content())
      recorder.receive(0, message)
      recorder.receive(1, message)
    },
    broadcast: (recorder) => { recorder.broadcast(content()) },
    // announced, never pushed: grafted, then brought; many at a time, or the other neighbors are silent for so long that we would give them up
    missing: (recorder) => {
      waiting.push(content())

      if (waiting.length === AT_A_TIME) {
        waiting.forEach((bytes) => { recorder.receive(1, iHave(bytes)) })
        recorder.atMs += 90
        waiting.splice(0).forEach((bytes) => { recorder.receive(1, gossip(bytes)) })
      }
    },
    shuffles: (recorder) => {
      const nodes = Array.from({ length: 8 }, () => ({ id: keys[10 + Math.floor(rng.float() * 30)] }))
      recorder.receive(serial++ % NEIGHBORS, { type: 'shuffle', origin: keys[5 + serial % 5], nodes, ttl: 6 })
    }
  }

  return Object.entries(kinds).map(([name, step]) => {
    const recorder = new Recorder()

    for (let i = 0; i < NEIGHBORS; i++) {
      recorder.receive(i, { type: 'join' })
    }

    // the tree: the first message comes from everybody, so that all but one are pruned
    if (name === 'tree') {
      const first = gossip(content())
      Array.from({ length: NEIGHBORS }, (_, i) => i).forEach((i) => { recorder.receive(i, first) })
      recorder.receive(2, { type: 'prune' })
      recorder.receive(3, { type: 'prune' })
      recorder.receive(4, { type: 'prune' })
    }

    for (let i = 0; i < messages; i++) {
      recorder.atMs += 2
      step(recorder)
    }

    return { name, peers, steps: recorder.steps }
  })
}

/** The trace as the file that `interop/rust-bench/src/trace.rs` describes. */
export function traceFile ({ peers, steps }: Trace, me: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [me, Uint8Array.of(peers.length), ...peers]

  for (const { atMs, kind, from, payload } of steps) {
    const head = new Uint8Array(10)
    const view = new DataView(head.buffer)
    head[0] = kind === 'received' ? 0 : 1
    head[1] = from
    view.setUint32(2, atMs)
    view.setUint32(6, payload.length)
    parts.push(head, payload)
  }

  return Buffer.concat(parts)
}

/** The events of a trace for our state machine; what a frame brings is decoded when its event is asked for. */
export function traceEvents ({ peers, steps }: Trace, payloads: Uint8Array[]): Array<{ atMs: number, event (): InEvent }> {
  const keys = peers.map((id) => Buffer.from(id).toString('hex'))

  return steps.map(({ atMs, kind, from }, i) => ({
    atMs,
    event: kind === 'received'
      ? () => ({ type: 'receiveMessage', from: keys[from], topic: TOPIC, message: decodeMessage(payloads[i]) })
      : () => ({ type: 'command', topic: TOPIC, command: { type: 'broadcast', content: payloads[i], scope: 'swarm' } })
  }))
}
