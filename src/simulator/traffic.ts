import { ed25519 } from '@noble/curves/ed25519.js'
import { FRAME_LENGTH_BYTES, decodeMessage, encodeMessage, encodedSize } from '../wire/index.ts'
import type { Message, PeerKey } from '../proto/index.ts'

/** What was sent of one type of message. */
export interface TrafficOfType {
  messages: number
  /** Frames with their length, without stream headers and whatever the transport adds. */
  bytes: number
}

/**
 * Counts what is sent, by the real codec. With `encode` every message also goes
 * through it: what a node receives was bytes on the way.
 */
export class Traffic {
  private readonly byType = new Map<string, TrafficOfType>()
  /** Whether messages go through the codec. */
  readonly encode: boolean
  private readonly keys: PeerKey[] = []
  private point = ed25519.Point.ZERO
  private lastPayload?: { message: Message, sent: Message }

  constructor (init: { encode: boolean }) {
    this.encode = init.encode
  }

  /** The key of a node: an Ed25519 public key where messages are encoded, or else a short string. */
  keyOf (index: number): PeerKey {
    if (!this.encode) {
      return String(index)
    }

    while (this.keys.length <= index) {
      this.point = this.point.add(ed25519.Point.BASE)
      this.keys.push(this.point.toHex())
    }

    return this.keys[index]
  }

  /** Counts a message and returns what arrives. */
  carry (message: Message): Message {
    this.count(message.type, 1, this.bytesOf(message))

    if (!this.encode) {
      return message
    }

    // a payload for several neighbors is one object, encoded once
    if (this.lastPayload?.message !== message) {
      this.lastPayload = { message, sent: decodeMessage(encodeMessage(message)) }
    }

    return this.lastPayload.sent
  }

  /** Bytes of the frame that carries a message. */
  bytesOf (message: Message): number {
    return FRAME_LENGTH_BYTES + encodedSize(message)
  }

  /** Counts what another one has counted. */
  add (report: Readonly<Record<string, TrafficOfType>>): void {
    for (const [type, { messages, bytes }] of Object.entries(report)) {
      this.count(type, messages, bytes)
    }
  }

  /** All that was sent so far, by type of message. */
  report (): Record<string, TrafficOfType> {
    return Object.fromEntries([...this.byType].sort(([a], [b]) => a < b ? -1 : 1).map(([type, counted]) => [type, { ...counted }]))
  }

  private count (type: string, messages: number, bytes: number): void {
    const counted = this.byType.get(type)

    if (counted === undefined) {
      this.byType.set(type, { messages, bytes })
    } else {
      counted.messages += messages
      counted.bytes += bytes
    }
  }
}
