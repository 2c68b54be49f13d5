import { InvalidMessageError } from '../errors.ts'
import { ENDPOINT_ID_BYTES, checkedPeerKey } from './endpoint-id.ts'
import { PostcardReader } from './postcard-reader.ts'
import { sharedCopy } from './shared-copies.ts'
import { FAMILY, GOSSIP, MESSAGE_ID_BYTES, PRIORITY, SCOPE, SWARM } from './tags.ts'
import type { DeliveryScope, GossipMessage, Graft, IHaveEntry, Message, PeerInfo, PeerKey, Priority, SwarmMessage } from '../proto/messages.ts'

/** An id and the tag of absent data. */
const MIN_PEER_INFO_BYTES = ENDPOINT_ID_BYTES + 1

/** An id and a round below 128. */
const MIN_I_HAVE_ENTRY_BYTES = MESSAGE_ID_BYTES + 1

const NOTHING = new Uint8Array(0)

/** The first byte of the tags that peers may follow; a longer varint than needed begins with its highest bit. */
const NAMING = new Set(Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte !== SWARM.join && byte !== SWARM.neighbor && byte !== SWARM.disconnect))

/** One for all payloads: decoding never waits, so no two are read at a time. */
const reader = new PostcardReader(NOTHING)

/**
 * Decodes one message, as it follows a frame's length.
 *
 * Bytes after a whole message are ignored, as by Rust peers. `content` and
 * message ids are views of the payload, so a forwarded message keeps its bytes;
 * peer data is copied, since it is remembered for hours and a view would keep
 * the whole received chunk alive. Equal data is mostly one copy: it must not be
 * written to.
 *
 * @param payload - must not be written to afterwards
 * @throws {InvalidMessageError} if the payload is no message, or names a peer
 * whose id is no Ed25519 public key; never another error
 */
export function decodeMessage (payload: Uint8Array): Message {
  reader.reset(payload)
  const family = reader.u32()

  switch (family) {
    case FAMILY.gossip:
      return gossipMessage()
    case FAMILY.swarm:
      return swarmMessage()
    default:
      throw new InvalidMessageError(`unknown message family ${family}`, 0)
  }
}

/**
 * Whether a payload is a membership message that may name peers, at no more cost
 * than reading its tags: what may be limited in rate before it is decoded,
 * because each id in it may cost a check of the curve (rule 15).
 */
export function mayNamePeers (payload: Uint8Array): boolean {
  // a longer varint than needed is legal and reads as 0x80 … 0x00
  for (let i = 0; i < payload.length && i < 5; i++) {
    if (payload[i] !== 0x80) {
      return payload[i] === FAMILY.swarm && NAMING.has(payload[i + 1])
    }
  }

  return false
}

function swarmMessage (): SwarmMessage {
  const at = reader.offset
  const tag = reader.u32()

  switch (tag) {
    case SWARM.join: {
      const data = peerData()

      return data == null ? { type: 'join' } : { type: 'join', data }
    }
    case SWARM.forwardJoin: {
      const peer = peerInfo()

      return { type: 'forwardJoin', peer, ttl: reader.u16() }
    }
    case SWARM.shuffle: {
      const origin = peerKey()
      const nodes = peerInfos()

      return { type: 'shuffle', origin, nodes, ttl: reader.u16() }
    }
    case SWARM.shuffleReply:
      return { type: 'shuffleReply', nodes: peerInfos() }
    case SWARM.neighbor: {
      const priority = readPriority()
      const data = peerData()

      return data == null ? { type: 'neighbor', priority } : { type: 'neighbor', priority, data }
    }
    case SWARM.disconnect: {
      const alive = reader.bool('alive')

      return { type: 'disconnect', alive, respond: reader.bool('respond') }
    }
    default:
      throw new InvalidMessageError(`unknown membership message ${tag}`, at)
  }
}

function gossipMessage (): GossipMessage {
  const at = reader.offset
  const tag = reader.u32()

  switch (tag) {
    case GOSSIP.gossip: {
      const id = reader.raw(MESSAGE_ID_BYTES)
      const content = reader.byteString()

      return { type: 'gossip', id, content, scope: deliveryScope() }
    }
    case GOSSIP.prune:
      return { type: 'prune' }
    case GOSSIP.graft:
      return graft()
    case GOSSIP.iHave:
      return { type: 'iHave', messages: iHaveEntries() }
    default:
      throw new InvalidMessageError(`unknown broadcast message ${tag}`, at)
  }
}

function graft (): Graft {
  if (reader.bool('option tag of the message id')) {
    const id = reader.raw(MESSAGE_ID_BYTES)

    return { type: 'graft', id, round: reader.u16() }
  }

  return { type: 'graft', round: reader.u16() }
}

function iHaveEntries (): IHaveEntry[] {
  const count = reader.count(MIN_I_HAVE_ENTRY_BYTES)
  const entries: IHaveEntry[] = []

  for (let i = 0; i < count; i++) {
    const id = reader.raw(MESSAGE_ID_BYTES)
    entries.push({ id, round: reader.u16() })
  }

  return entries
}

function deliveryScope (): DeliveryScope {
  const at = reader.offset
  const tag = reader.u32()

  switch (tag) {
    case SCOPE.swarm:
      return { type: 'swarm', round: reader.u16() }
    case SCOPE.neighbors:
      return { type: 'neighbors' }
    default:
      throw new InvalidMessageError(`unknown delivery scope ${tag}`, at)
  }
}

function readPriority (): Priority {
  const at = reader.offset
  const tag = reader.u32()

  switch (tag) {
    case PRIORITY.high:
      return 'high'
    case PRIORITY.low:
      return 'low'
    default:
      throw new InvalidMessageError(`unknown priority ${tag}`, at)
  }
}

function peerInfos (): PeerInfo[] {
  const count = reader.count(MIN_PEER_INFO_BYTES)
  const peers: PeerInfo[] = []

  for (let i = 0; i < count; i++) {
    peers.push(peerInfo())
  }

  return peers
}

function peerInfo (): PeerInfo {
  const id = peerKey()
  const data = peerData()

  return data == null ? { id } : { id, data }
}

function peerKey (): PeerKey {
  const at = reader.offset
  const key = checkedPeerKey(reader.raw(ENDPOINT_ID_BYTES))

  if (key === undefined) {
    throw new InvalidMessageError('peer id is no Ed25519 public key', at)
  }

  return key
}

function peerData (): Uint8Array | undefined {
  return reader.bool('option tag of the peer data') ? sharedCopy(reader.byteString()) : undefined
}
