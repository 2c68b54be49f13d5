import { InvalidParametersError } from '@libp2p/interface'
import { InvalidMessageError } from '../errors.ts'
import { varintSize } from './postcard-writer.ts'
import type { PostcardReader } from './postcard-reader.ts'
import type { PostcardWriter } from './postcard-writer.ts'

/** An IP address and UDP port at which a peer's endpoint may be reached. */
export interface SocketAddress {
  /** IPv4 in dotted decimals, or IPv6 as RFC 5952 writes it, without brackets or zone. */
  host: string
  /** 0 to 65,535. */
  port: number
}

/** Bytes of the shortest: the family's tag, IPv4, a port below 128. */
export const MIN_SOCKET_ADDRESS_BYTES = 6

const V4 = 0
const V6 = 1
const V4_BYTES = 4
const V6_BYTES = 16

/** An address as octets, which is how it goes on the wire and how it is compared. */
export interface SocketAddressOctets {
  octets: Uint8Array
  port: number
}

/**
 * @throws {InvalidParametersError} if the host is no IP address or the port out of range
 */
export function parseSocketAddress (address: SocketAddress): SocketAddressOctets {
  const { host, port } = address

  if (!Number.isInteger(port) || port < 0 || port > 0xffff) {
    throw new InvalidParametersError(`${port} is no port`)
  }

  const octets = host.includes(':') ? parseV6(host) : parseV4(host)

  if (octets == null) {
    throw new InvalidParametersError(`${host} is no IP address`)
  }

  return { octets, port }
}

/** The order of a Rust `BTreeSet<SocketAddr>`: IPv4 first, then by address, then by port. */
export function compareSocketAddresses (a: SocketAddressOctets, b: SocketAddressOctets): number {
  if (a.octets.length !== b.octets.length) {
    return a.octets.length - b.octets.length
  }

  for (let i = 0; i < a.octets.length; i++) {
    if (a.octets[i] !== b.octets[i]) {
      return a.octets[i] - b.octets[i]
    }
  }

  return a.port - b.port
}

export function socketAddressSize (address: SocketAddressOctets): number {
  return 1 + address.octets.length + varintSize(address.port)
}

export function writeSocketAddress (writer: PostcardWriter, address: SocketAddressOctets): void {
  writer.u8(address.octets.length === V4_BYTES ? V4 : V6)
  writer.raw(address.octets)
  writer.u16(address.port)
}

export function readSocketAddress (reader: PostcardReader): SocketAddress {
  const at = reader.offset
  const family = reader.u32()

  if (family !== V4 && family !== V6) {
    throw new InvalidMessageError(`unknown address family ${family}`, at)
  }

  const octets = reader.raw(family === V4 ? V4_BYTES : V6_BYTES)

  return { host: family === V4 ? octets.join('.') : formatV6(octets), port: reader.u16() }
}

function parseV4 (host: string): Uint8Array | undefined {
  const parts = host.split('.')

  if (parts.length !== V4_BYTES || !parts.every(part => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) {
    return undefined
  }

  return Uint8Array.from(parts, Number)
}

function parseV6 (host: string): Uint8Array | undefined {
  const canonical = canonicalV6(host)

  if (canonical == null) {
    return undefined
  }

  const [head, tail] = canonical.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail == null || tail === '' ? [] : tail.split(':')
  const zeros = new Array<string>(V6_BYTES / 2 - before.length - after.length).fill('0')

  return Uint8Array.from([...before, ...zeros, ...after].flatMap(group => {
    const value = parseInt(group, 16)

    return [value >> 8, value & 0xff]
  }))
}

function formatV6 (octets: Uint8Array): string {
  const groups: string[] = []

  for (let i = 0; i < octets.length; i += 2) {
    groups.push((octets[i] << 8 | octets[i + 1]).toString(16))
  }

  const full = groups.join(':')

  return canonicalV6(full) ?? full
}

/**
 * Shortened by the rules of RFC 5952, which is what every URL parser does with
 * an IPv6 host.
 */
function canonicalV6 (host: string): string | undefined {
  if (!/^[0-9a-fA-F:.]+$/.test(host)) {
    return undefined
  }

  return URL.parse(`http://[${host}]`)?.hostname.slice(1, -1)
}
