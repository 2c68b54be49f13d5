import { InvalidParametersError } from '@libp2p/interface'
import { ENDPOINT_ID_BYTES, writePeerKey } from './endpoint-id.ts'
import { PostcardWriter, byteStringSize, varintSize } from './postcard-writer.ts'
import { FAMILY, GOSSIP, MESSAGE_ID_BYTES, PRIORITY, SCOPE, SWARM } from './tags.ts'
import type { DeliveryScope, Message, MessageId, PeerInfo } from '../proto/messages.ts'

/** The family's tag and the message's. */
const TAG_BYTES = 2

/**
 * Encodes one message, as it follows a frame's length.
 *
 * @returns a fresh array that shares nothing with the message
 * @throws {InvalidParametersError} if a peer key is not 64 lower-case hex
 * characters, a message id not 32 bytes, or a round or ttl no unsigned 16-bit
 * integer
 */
export function encodeMessage (message: Message): Uint8Array {
  const bytes = new Uint8Array(encodedSize(message))
  writeMessage(message, bytes, 0)

  return bytes
}

/**
 * Bytes of the payload that `encodeMessage` makes of this message, at the cost
 * of a few additions: nothing is written.
 */
export function encodedSize (message: Message): number {
  switch (message.type) {
    case 'join':
      return TAG_BYTES + optionSize(message.data)
    case 'forwardJoin':
      return TAG_BYTES + peerInfoSize(message.peer) + varintSize(message.ttl)
    case 'shuffle':
      return TAG_BYTES + ENDPOINT_ID_BYTES + peerInfosSize(message.nodes) + varintSize(message.ttl)
    case 'shuffleReply':
      return TAG_BYTES + peerInfosSize(message.nodes)
    case 'neighbor':
      return TAG_BYTES + 1 + optionSize(message.data)
    case 'disconnect':
      return TAG_BYTES + 2
    case 'gossip':
      return TAG_BYTES + MESSAGE_ID_BYTES + byteStringSize(message.content.length) + scopeSize(message.scope)
    case 'prune':
      return TAG_BYTES
    case 'graft':
      return TAG_BYTES + 1 + (message.id == null ? 0 : MESSAGE_ID_BYTES) + varintSize(message.round)
    case 'iHave': {
      let size = TAG_BYTES + varintSize(message.messages.length)

      for (const entry of message.messages) {
        size += MESSAGE_ID_BYTES + varintSize(entry.round)
      }

      return size
    }
    default:
      return unknownMessage(message)
  }
}

/**
 * Writes a message's payload into a buffer that has room for its
 * {@link encodedSize}.
 *
 * @returns the offset behind it
 */
export function writeMessage (message: Message, into: Uint8Array, offset: number): number {
  const writer = new PostcardWriter(into, offset)

  switch (message.type) {
    case 'join':
      writeTags(writer, FAMILY.swarm, SWARM.join)
      writeOption(writer, message.data)
      break
    case 'forwardJoin':
      writeTags(writer, FAMILY.swarm, SWARM.forwardJoin)
      writePeerInfo(writer, into, message.peer)
      writer.u16(message.ttl)
      break
    case 'shuffle':
      writeTags(writer, FAMILY.swarm, SWARM.shuffle)
      writePeerKey(message.origin, into, writer.offset)
      writer.offset += ENDPOINT_ID_BYTES
      writePeerInfos(writer, into, message.nodes)
      writer.u16(message.ttl)
      break
    case 'shuffleReply':
      writeTags(writer, FAMILY.swarm, SWARM.shuffleReply)
      writePeerInfos(writer, into, message.nodes)
      break
    case 'neighbor':
      writeTags(writer, FAMILY.swarm, SWARM.neighbor)
      writer.u8(PRIORITY[message.priority])
      writeOption(writer, message.data)
      break
    case 'disconnect':
      writeTags(writer, FAMILY.swarm, SWARM.disconnect)
      writer.bool(message.alive)
      writer.bool(message.respond)
      break
    case 'gossip':
      writeGossipHead(writer, message.id, message.content.length)
      writer.raw(message.content)
      writeScope(writer, message.scope)
      break
    case 'prune':
      writeTags(writer, FAMILY.gossip, GOSSIP.prune)
      break
    case 'graft':
      writeTags(writer, FAMILY.gossip, GOSSIP.graft)
      writer.bool(message.id != null)

      if (message.id != null) {
        writeMessageId(writer, message.id)
      }

      writer.u16(message.round)
      break
    case 'iHave':
      writeTags(writer, FAMILY.gossip, GOSSIP.iHave)
      writer.varint(message.messages.length)

      for (const entry of message.messages) {
        writeMessageId(writer, entry.id)
        writer.u16(entry.round)
      }

      break
    default:
      unknownMessage(message)
  }

  return writer.offset
}

/** What precedes a payload's content, and needs {@link gossipHeadSize} bytes. */
export function writeGossipHead (writer: PostcardWriter, id: MessageId, contentLength: number): void {
  writeTags(writer, FAMILY.gossip, GOSSIP.gossip)
  writeMessageId(writer, id)
  writer.varint(contentLength)
}

/** Bytes of a gossip message before its content. */
export function gossipHeadSize (contentLength: number): number {
  return TAG_BYTES + MESSAGE_ID_BYTES + varintSize(contentLength)
}

/** What follows a payload's content, and needs {@link scopeSize} bytes. */
export function writeScope (writer: PostcardWriter, scope: DeliveryScope): void {
  writer.u8(SCOPE[scope.type])

  if (scope.type === 'swarm') {
    writer.u16(scope.round)
  }
}

/** Bytes of a gossip message after its content. */
export function scopeSize (scope: DeliveryScope): number {
  return scope.type === 'swarm' ? 1 + varintSize(scope.round) : 1
}

function writeTags (writer: PostcardWriter, family: number, tag: number): void {
  writer.u8(family)
  writer.u8(tag)
}

function writeMessageId (writer: PostcardWriter, id: MessageId): void {
  if (id.length !== MESSAGE_ID_BYTES) {
    throw new InvalidParametersError('A message id has 32 bytes')
  }

  writer.raw(id)
}

function writeOption (writer: PostcardWriter, data: Uint8Array | undefined): void {
  writer.bool(data != null)

  if (data != null) {
    writer.byteString(data)
  }
}

function optionSize (data: Uint8Array | undefined): number {
  return data == null ? 1 : 1 + byteStringSize(data.length)
}

function writePeerInfo (writer: PostcardWriter, into: Uint8Array, peer: PeerInfo): void {
  writePeerKey(peer.id, into, writer.offset)
  writer.offset += ENDPOINT_ID_BYTES
  writeOption(writer, peer.data)
}

function writePeerInfos (writer: PostcardWriter, into: Uint8Array, peers: PeerInfo[]): void {
  writer.varint(peers.length)

  for (const peer of peers) {
    writePeerInfo(writer, into, peer)
  }
}

function peerInfoSize (peer: PeerInfo): number {
  return ENDPOINT_ID_BYTES + optionSize(peer.data)
}

function peerInfosSize (peers: PeerInfo[]): number {
  let size = varintSize(peers.length)

  for (const peer of peers) {
    size += peerInfoSize(peer)
  }

  return size
}

function unknownMessage (message: never): never {
  throw new InvalidParametersError(`Unknown message type: ${JSON.stringify(message)}`)
}
