import { blake3 } from '@noble/hashes/blake3.js'
import { Uint8ArrayList } from 'uint8arraylist'
import { GOSSIP_PROTOCOL, TopicId } from '../../src/index.ts'
import { FrameDecoder, decodeMessage, encodeFrame, encodeStreamHeader } from '../../src/wire/index.ts'
import { bytes, createBareNode } from './nodes.ts'
import type { TestNode } from './nodes.ts'
import type { Message } from '../../src/wire/index.ts'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'

/** The topic in which a hand-made peer speaks. */
export const topicId = TopicId.fromName('fruit')

/** A message as it goes over a stream. */
export function frameOf (message: Message): Uint8Array {
  return new Uint8ArrayList(encodeFrame(message)).subarray()
}

/** A payload as its author sends it. */
export function gossip (content: string): Extract<Message, { type: 'gossip' }> {
  return { type: 'gossip', id: blake3(bytes(content)), content: bytes(content), scope: { type: 'swarm', round: 0 } }
}

/** A frame that announces `length` bytes, followed by as many as are given. */
export function rawFrame (length: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + payload.byteLength)
  new DataView(frame.buffer).setUint32(0, length)
  frame.set(payload, 4)

  return frame
}

/** A peer made by hand: it says what a test lets it say, and keeps what it is told. */
export class HandMadePeer {
  readonly node: Libp2p
  readonly connection: Connection
  readonly told: Array<{ topic: string, message: Message }> = []
  readonly incoming: Stream[] = []
  #out: Stream | undefined

  private constructor (node: Libp2p, connection: Connection) {
    this.node = node
    this.connection = connection
  }

  static async connect (to: TestNode, listen: (peer: HandMadePeer, stream: Stream) => void = (peer, stream) => { peer.listen(stream) }): Promise<HandMadePeer> {
    const node = await createBareNode()
    const connection = await node.dial(to.getMultiaddrs())
    const peer = new HandMadePeer(node, connection)
    await node.handle(GOSSIP_PROTOCOL, (stream) => {
      peer.incoming.push(stream)
      listen(peer, stream)
    }, { maxInboundStreams: 100, maxOutboundStreams: 100 })

    return peer
  }

  listen (stream: Stream): void {
    let topic = ''
    const decoder = new FrameDecoder({
      maxMessageSize: 4096,
      onHeader: (id) => { topic = TopicId.fromBytes(id).toString() },
      onFrame: (payload) => { this.told.push({ topic, message: decodeMessage(payload) }) },
      onViolation: (err) => { throw err }
    })
    stream.addEventListener('message', (evt) => { decoder.push(evt.data) })
  }

  async open (): Promise<Stream> {
    return this.connection.newStream(GOSSIP_PROTOCOL, { maxOutboundStreams: 100 })
  }

  /** Says something on the stream of the topic, opened where it is missing. */
  async say (...messages: Message[]): Promise<void> {
    if (this.#out == null) {
      this.#out = await this.open()
      this.#out.send(encodeStreamHeader(topicId.bytes))
    }

    for (const message of messages) {
      this.#out.send(frameOf(message))
    }
  }

  heard (type: Message['type']): Message[] {
    return this.told.map(({ message }) => message).filter((message) => message.type === type)
  }
}
