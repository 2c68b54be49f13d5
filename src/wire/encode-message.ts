import { InvalidParametersError } from '@libp2p/interface'
import { ENDPOINT_ID_BYTES, writePeerKey } from './endpoint-id.ts'
import { PostcardWriter, byteStringSize, varintSize } from './postcard-writer.ts'
import { FAMILY, GOSSIP, MESSAGE_ID_BYTES, PRIORITY, SCOPE, SWARM } from './tags.ts'
import type { DeliveryScope, IHaveEntry, Message, MessageId, PeerInfo } from '../proto/messages.ts'

/** The family's tag and the message's. */
const TAG_BYTES = 2

/** One for all messages: encoding never waits, so no two are written at a time. */
const writer = new PostcardWriter(new Uint8Array(0))

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
    case 'gossip':
      return gossipHeadSize(message.content.length) + message.content.length + scopeSize(message.scope)
    case 'iHave':
      return TAG_BYTES + iHaveEntriesSize(message.messages)
    case 'graft':
      return TAG_BYTES + 1 + (message.id == null ? 0 : MESSAGE_ID_BYTES) + varintSize(message.round)
    case 'prune':
      return TAG_BYTES
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
  writer.reset(into, offset)

  switch (message.type) {
    case 'gossip':
      writeGossipHead(writer, message.id, message.content.length)
      writer.raw(message.content)
      writeScope(writer, message.scope)
      break
    case 'iHave':
      writeTags(FAMILY.gossip, GOSSIP.iHave)
      writeIHaveEntries(message.messages)
      break
    case 'graft':
      writeTags(FAMILY.gossip, GOSSIP.graft)
      writer.bool(message.id != null)

      if (message.id != null) {
        writeMessageId(writer, message.id)
      }

      writer.u16(message.round)
      break
    case 'prune':
      writeTags(FAMILY.gossip, GOSSIP.prune)
      break
    case 'join':
      writeTags(FAMILY.swarm, SWARM.join)
      writeOption(message.data)
      break
    case 'forwardJoin':
      writeTags(FAMILY.swarm, SWARM.forwardJoin)
      writePeerInfo(into, message.peer)
      writer.u16(message.ttl)
      break
    case 'shuffle':
      writeTags(FAMILY.swarm, SWARM.shuffle)
      writeId(into, message.origin)
      writePeerInfos(into, message.nodes)
      writer.u16(message.ttl)
      break
    case 'shuffleReply':
      writeTags(FAMILY.swarm, SWARM.shuffleReply)
      writePeerInfos(into, message.nodes)
      break
    case 'neighbor':
      writeTags(FAMILY.swarm, SWARM.neighbor)
      writer.u8(PRIORITY[message.priority])
      writeOption(message.data)
      break
    case 'disconnect':
      writeTags(FAMILY.swarm, SWARM.disconnect)
      writer.bool(message.alive)
      writer.bool(message.respond)
      break
    default:
      unknownMessage(message)
  }

  return writer.offset
}

/** What precedes a payload's content, and needs {@link gossipHeadSize} bytes. */
export function writeGossipHead (into: PostcardWriter, id: MessageId, contentLength: number): void {
  into.u8(FAMILY.gossip)
  into.u8(GOSSIP.gossip)
  writeMessageId(into, id)
  into.varint(contentLength)
}

/** Bytes of a gossip message before its content. */
export function gossipHeadSize (contentLength: number): number {
  return TAG_BYTES + MESSAGE_ID_BYTES + varintSize(contentLength)
}

/** What follows a payload's content, and needs {@link scopeSize} bytes. */
export function writeScope (into: PostcardWriter, scope: DeliveryScope): void {
  if (scope.type === 'swarm') {
    into.u8(SCOPE.swarm)
    into.u16(scope.round)
  } else {
    into.u8(SCOPE.neighbors)
  }
}

/** Bytes of a gossip message after its content. */
export function scopeSize (scope: DeliveryScope): number {
  return scope.type === 'swarm' ? 1 + varintSize(scope.round) : 1
}

function writeTags (family: number, tag: number): void {
  writer.u8(family)
  writer.u8(tag)
}

function writeMessageId (into: PostcardWriter, id: MessageId): void {
  if (id.length !== MESSAGE_ID_BYTES) {
    throw new InvalidParametersError('A message id has 32 bytes')
  }

  into.raw(id)
}

function writeIHaveEntries (entries: IHaveEntry[]): void {
  writer.varint(entries.length)

  for (let i = 0; i < entries.length; i++) {
    writeMessageId(writer, entries[i].id)
    writer.u16(entries[i].round)
  }
}

function iHaveEntriesSize (entries: IHaveEntry[]): number {
  let size = varintSize(entries.length) + entries.length * MESSAGE_ID_BYTES

  for (let i = 0; i < entries.length; i++) {
    size += varintSize(entries[i].round)
  }

  return size
}

function writeOption (data: Uint8Array | undefined): void {
  writer.bool(data != null)

  if (data != null) {
    writer.byteString(data)
  }
}

function optionSize (data: Uint8Array | undefined): number {
  return data == null ? 1 : 1 + byteStringSize(data.length)
}

function writeId (into: Uint8Array, peer: string): void {
  writePeerKey(peer, into, writer.offset)
  writer.offset += ENDPOINT_ID_BYTES
}

function writePeerInfo (into: Uint8Array, peer: PeerInfo): void {
  writeId(into, peer.id)
  writeOption(peer.data)
}

function writePeerInfos (into: Uint8Array, peers: PeerInfo[]): void {
  writer.varint(peers.length)

  for (let i = 0; i < peers.length; i++) {
    writePeerInfo(into, peers[i])
  }
}

function peerInfoSize (peer: PeerInfo): number {
  return ENDPOINT_ID_BYTES + optionSize(peer.data)
}

function peerInfosSize (peers: PeerInfo[]): number {
  let size = varintSize(peers.length)

  for (let i = 0; i < peers.length; i++) {
    size += peerInfoSize(peers[i])
  }

  return size
}

function unknownMessage (message: never): never {
  throw new InvalidParametersError(`Unknown message type: ${JSON.stringify(message)}`)
}
