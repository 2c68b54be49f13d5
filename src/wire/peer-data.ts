import { InvalidParametersError } from '@libp2p/interface'
import { InvalidMessageError } from '../errors.ts'
import { PostcardReader } from './postcard-reader.ts'
import { PostcardWriter, byteStringSize, varintSize } from './postcard-writer.ts'
import { MIN_SOCKET_ADDRESS_BYTES, compareSocketAddresses, parseSocketAddress, readSocketAddress, socketAddressSize, writeSocketAddress } from './socket-address.ts'
import type { SocketAddress, SocketAddressOctets } from './socket-address.ts'

/**
 * How a peer may be reached, as it tells the swarm.
 */
export interface PeerData {
  /** The relay server that the peer's iroh endpoint listens at. */
  relayUrl?: string
  /** Where iroh endpoints may dial it. Rust peers know these and the relay only. */
  directAddresses: SocketAddress[]
  /** Where libp2p nodes may dial it: multiaddrs in their binary form, without the peer's own `/p2p/…`. */
  multiaddrs: Uint8Array[]
}

/**
 * Bytes of our peer data, at most.
 *
 * Rust copies peer data unread into frames that name up to eight peers and
 * freezes when such a frame reaches its limit of 4,096 bytes; 470 bytes each
 * passed, 520 did not (rule 13).
 */
export const MAX_PEER_DATA_BYTES = 256

/**
 * Marks our extension. Not 0 or 1, with which an optional or boolean field
 * would begin that a later Rust release may append.
 */
const MAGIC = Uint8Array.of(0x6c, 0x69, 0x67)
const VERSION = 1

/** The option's tag and the count of direct addresses, then magic, version and the count of multiaddrs. */
const MIN_BYTES = 2 + MAGIC.length + 2

/** A multiaddr's length and one byte. */
const MIN_MULTIADDR_BYTES = 2

/**
 * Encodes our addresses as peer data.
 *
 * A Rust peer reads the relay and the direct addresses, ignores the rest and
 * passes all of it on unread. So our own extension follows, always, even
 * without multiaddrs: by it a node of this implementation is told from a Rust
 * peer (rule 19).
 *
 * @param data - each list best first. Where not all fits, the relay comes
 * first, then the best of either list in turns; whole entries are left out,
 * and a shorter one further down the list may still get in. On the wire direct
 * addresses are sorted and without doubles, as a Rust peer has them, so the
 * same set always gives the same bytes
 * @param maxBytes - of the whole result
 * @throws {InvalidParametersError} if a host is no IP address, a port out of
 * range, the relay no URL, a multiaddr empty, or `maxBytes` less than the 7
 * that the empty lists need
 */
export function encodePeerData (data: PeerData, maxBytes: number = MAX_PEER_DATA_BYTES): Uint8Array {
  if (!(maxBytes >= MIN_BYTES)) {
    throw new InvalidParametersError(`Peer data needs at least ${MIN_BYTES} bytes`)
  }

  const { relay, addresses, multiaddrs, size } = select(data, maxBytes)
  const bytes = new Uint8Array(size)
  const writer = new PostcardWriter(bytes)

  writer.bool(relay != null)

  if (relay != null) {
    writer.byteString(relay)
  }

  writer.varint(addresses.length)

  for (const address of addresses) {
    writeSocketAddress(writer, address)
  }

  writer.raw(MAGIC)
  writer.u8(VERSION)
  writer.varint(multiaddrs.length)

  for (const multiaddr of multiaddrs) {
    writer.byteString(multiaddr)
  }

  return bytes
}

/**
 * Decodes peer data, of a Rust peer or ours.
 *
 * Empty bytes are a peer without addresses. An extension that is unknown, of a
 * later version or garbled is ignored: the relay and the direct addresses
 * before it still hold.
 *
 * @returns relay and hosts in canonical form; multiaddrs as copies, not looked into
 * @throws {InvalidMessageError} if a Rust peer could not read the bytes either
 */
export function decodePeerData (bytes: Uint8Array): PeerData {
  if (bytes.length === 0) {
    return { directAddresses: [], multiaddrs: [] }
  }

  const reader = new PostcardReader(bytes)
  const info = readAddrInfo(reader)

  return { ...info, multiaddrs: readExtension(reader) }
}

/**
 * Whether peer data carries our extension, of whatever version: whether it was
 * made by this implementation. Never throws.
 */
export function hasExtension (bytes: Uint8Array): boolean {
  if (bytes.length < MIN_BYTES) {
    return false
  }

  const reader = new PostcardReader(bytes)

  try {
    readAddrInfo(reader)

    return readMagic(reader)
  } catch {
    return false
  }
}

interface Selection {
  relay?: Uint8Array
  addresses: SocketAddressOctets[]
  multiaddrs: Uint8Array[]
  /** Bytes of it all, encoded. */
  size: number
}

/** Takes what fits, best first. */
function select (data: PeerData, maxBytes: number): Selection {
  const selection: Selection = { addresses: [], multiaddrs: [], size: MIN_BYTES }
  const room = (entryBytes: number, entries: unknown[]): boolean => {
    // the count before the entries may take another byte too
    const added = entryBytes + varintSize(entries.length + 1) - varintSize(entries.length)

    if (selection.size + added > maxBytes) {
      return false
    }

    selection.size += added

    return true
  }

  if (data.relayUrl != null) {
    const relay = new TextEncoder().encode(canonicalRelay(data.relayUrl))

    if (room(byteStringSize(relay.length), [])) {
      selection.relay = relay
    }
  }

  const addresses = distinct(data.directAddresses.map(parseSocketAddress))

  for (let i = 0; i < Math.max(addresses.length, data.multiaddrs.length); i++) {
    const address = addresses[i]
    const multiaddr = data.multiaddrs[i]

    if (i < addresses.length && room(socketAddressSize(address), selection.addresses)) {
      selection.addresses.push(address)
    }

    if (i < data.multiaddrs.length) {
      if (multiaddr.length === 0) {
        throw new InvalidParametersError('A multiaddr is empty')
      }

      if (room(byteStringSize(multiaddr.length), selection.multiaddrs)) {
        selection.multiaddrs.push(multiaddr)
      }
    }
  }

  selection.addresses.sort(compareSocketAddresses)

  return selection
}

function distinct (addresses: SocketAddressOctets[]): SocketAddressOctets[] {
  return addresses.filter((address, i) => addresses.findIndex(other => compareSocketAddresses(address, other) === 0) === i)
}

function canonicalRelay (relayUrl: string): string {
  const url = URL.parse(relayUrl)

  if (url == null) {
    throw new InvalidParametersError(`${relayUrl} is no URL`)
  }

  return url.href
}

function readAddrInfo (reader: PostcardReader): Pick<PeerData, 'relayUrl' | 'directAddresses'> {
  const relayUrl = readRelay(reader)
  const count = reader.count(MIN_SOCKET_ADDRESS_BYTES)
  const directAddresses: SocketAddress[] = []

  for (let i = 0; i < count; i++) {
    directAddresses.push(readSocketAddress(reader))
  }

  return relayUrl == null ? { directAddresses } : { relayUrl, directAddresses }
}

function readRelay (reader: PostcardReader): string | undefined {
  if (!reader.bool('option tag of the relay')) {
    return undefined
  }

  const at = reader.offset
  const url = URL.parse(reader.string())

  if (url == null) {
    throw new InvalidMessageError('relay is no URL', at)
  }

  return url.href
}

function readMagic (reader: PostcardReader): boolean {
  return reader.remaining >= MAGIC.length && reader.raw(MAGIC.length).every((byte, i) => byte === MAGIC[i])
}

/** Empty unless there is a whole extension of a version that we know. Bytes after it are ignored. */
function readExtension (reader: PostcardReader): Uint8Array[] {
  const multiaddrs: Uint8Array[] = []

  try {
    if (!readMagic(reader) || reader.u8() !== VERSION) {
      return []
    }

    const count = reader.count(MIN_MULTIADDR_BYTES)

    for (let i = 0; i < count; i++) {
      const multiaddr = reader.byteString()

      if (multiaddr.length === 0) {
        return []
      }

      multiaddrs.push(multiaddr.slice())
    }
  } catch {
    return []
  }

  return multiaddrs
}
