import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { InvalidParametersError, UnsupportedKeyTypeError } from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { CODE_DNS, CODE_DNS4, CODE_DNS6, CODE_HTTP, CODE_HTTP_PATH, CODE_HTTPS, CODE_IP4, CODE_IP6, CODE_P2P, CODE_QUIC_V1, CODE_SNI, CODE_TCP, CODE_UDP, multiaddr } from '@multiformats/multiaddr'
import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'
import type { SocketAddress } from './wire/socket-address.ts'
import type { Ed25519PeerId, PeerId } from '@libp2p/interface'
import type { Component, Multiaddr } from '@multiformats/multiaddr'

/**
 * Where an iroh endpoint can be reached.
 */
export interface AddrInfo {
  /** The relay server that the endpoint listens at, as a URL. */
  relayUrl?: string
  /** Where it receives QUIC directly. */
  directAddresses: SocketAddress[]
}

/**
 * The TLS name under which iroh authenticates raw public keys ends in this. As
 * a multiaddr component it tells an iroh endpoint from any other QUIC server,
 * in codes that every libp2p node can parse.
 */
export const IROH_SNI = 'iroh.invalid'

/** Last segment of the path at which a relay server speaks the relay protocol. */
const RELAY_SEGMENT = '/relay'

const DNS_CODES: number[] = [CODE_DNS4, CODE_DNS6, CODE_DNS]

/**
 * Whether an iroh endpoint can be dialed at the multiaddr, directly or through
 * its relay; with or without `/p2p/…` at the end.
 */
export function isIrohAddress (ma: Multiaddr): boolean {
  return read(ma) != null
}

/**
 * Whether the multiaddr is an IP address and UDP port of an iroh endpoint:
 * `/ip4/192.0.2.2/udp/38963/quic-v1/sni/iroh.invalid`, with or without `/p2p/…`.
 */
export function isDirectIrohAddress (ma: Multiaddr): boolean {
  const info = read(ma)
  return info != null && info.relayUrl == null
}

/**
 * Reads one iroh multiaddr.
 *
 * @returns either a relay or exactly one direct address; canonical, as iroh writes it
 * @throws {InvalidParametersError} if it is no iroh address
 */
export function fromMultiaddr (ma: Multiaddr): AddrInfo {
  const info = read(ma)

  if (info == null) {
    throw new InvalidParametersError(`${ma} is not the address of an iroh endpoint`)
  }

  return info
}

/**
 * Writes the addresses of an iroh endpoint as multiaddrs, the direct ones first.
 *
 * What a multiaddr cannot express is left out: a relay URL that has a query, a
 * user or another scheme than http and https, and a host that is no IP address.
 *
 * @param peerId - appended as `/p2p/…`; without it the multiaddrs cannot be dialed
 */
export function toMultiaddrs (info: AddrInfo, peerId?: PeerId): Multiaddr[] {
  const addresses = [
    ...info.directAddresses.map(directMultiaddr),
    info.relayUrl == null ? undefined : relayMultiaddr(info.relayUrl)
  ].filter((ma) => ma != null)

  return peerId == null ? addresses : addresses.map((ma) => ma.encapsulate(`/p2p/${peerId}`))
}

/**
 * The socket address as Rust and Node write it: `192.0.2.2:38963`, `[2001:db8::1]:38963`.
 */
export function formatSocketAddress ({ host, port }: SocketAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/**
 * Reads what {@link formatSocketAddress} writes.
 *
 * @throws {InvalidParametersError} if there is no port
 */
export function parseSocketAddressText (text: string): SocketAddress {
  const match = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(text)

  if (match == null) {
    throw new InvalidParametersError(`${text} is no socket address`)
  }

  return { host: match[1] ?? match[2], port: Number(match[3]) }
}

/** One string for each peer id: it is asked for with each stream, and every topic keeps it. */
const endpointIds = new WeakMap<PeerId, string>()

/**
 * The iroh endpoint id of a libp2p peer: the same Ed25519 public key, as 64
 * lower-case hex characters.
 *
 * @throws {UnsupportedKeyTypeError} if the peer's key is of another type
 */
export function endpointIdOf (peerId: PeerId): string {
  if (peerId.type !== 'Ed25519' || peerId.publicKey == null) {
    throw new UnsupportedKeyTypeError(`${peerId} has no Ed25519 key, so it is no iroh endpoint`)
  }

  let endpointId = endpointIds.get(peerId)

  if (endpointId == null) {
    endpointId = toString(peerId.publicKey.raw, 'base16')
    endpointIds.set(peerId, endpointId)
  }

  return endpointId
}

/**
 * The libp2p peer of an iroh endpoint id.
 *
 * @param endpointId - 64 hex characters
 * @throws {InvalidParametersError} if it is anything else; whether the key is a
 * point of the curve is not checked
 */
export function peerIdOf (endpointId: string): Ed25519PeerId {
  if (!/^[0-9a-f]{64}$/i.test(endpointId)) {
    throw new InvalidParametersError(`"${endpointId}" is no endpoint id: 64 hex characters are`)
  }

  const publicKey = publicKeyFromRaw(fromString(endpointId.toLowerCase(), 'base16'))
  const peerId = peerIdFromPublicKey(publicKey)

  if (peerId.type !== 'Ed25519') {
    // cannot happen: of the raw keys that the library tells apart by their length only Ed25519's has 32 bytes
    throw new UnsupportedKeyTypeError('A key of 32 bytes is an Ed25519 key')
  }

  return peerId
}

function read (ma: Multiaddr): AddrInfo | undefined {
  const components = ma.getComponents()

  if (components.at(-1)?.code === CODE_P2P) {
    components.pop()
  }

  return readDirect(components) ?? readRelay(components)
}

function readDirect (components: Component[]): AddrInfo | undefined {
  const [ip, udp, quic, sni] = components

  if (components.length !== 4 || (ip.code !== CODE_IP4 && ip.code !== CODE_IP6) || ip.value == null || udp.code !== CODE_UDP) {
    return undefined
  }

  if (quic.code === CODE_QUIC_V1 && sni.code === CODE_SNI && sni.value === IROH_SNI) {
    return { directAddresses: [{ host: ip.value, port: Number(udp.value) }] }
  }

  return undefined
}

function readRelay (components: Component[]): AddrInfo | undefined {
  const [host, tcp, scheme, path] = components
  const isHost = components.length === 4 && (host.code === CODE_IP4 || host.code === CODE_IP6 || DNS_CODES.includes(host.code))

  if (!isHost || tcp.code !== CODE_TCP || (scheme.code !== CODE_HTTPS && scheme.code !== CODE_HTTP)) {
    return undefined
  }

  if (path.code !== CODE_HTTP_PATH || path.value?.endsWith(RELAY_SEGMENT) !== true) {
    return undefined
  }

  const authority = host.code === CODE_IP6 ? `[${host.value}]` : host.value
  const pathname = path.value.slice(0, -RELAY_SEGMENT.length)

  try {
    // the URL drops the scheme's default port, as the Rust side does, for which a relay is its URL
    return { relayUrl: new URL(`${scheme.code === CODE_HTTPS ? 'https' : 'http'}://${authority}:${tcp.value}${pathname}`).href, directAddresses: [] }
  } catch {
    // a host name that no URL may have
    return undefined
  }
}

function directMultiaddr ({ host, port }: SocketAddress): Multiaddr | undefined {
  try {
    return multiaddr(`/${host.includes(':') ? 'ip6' : 'ip4'}/${host}/udp/${port}/quic-v1/sni/${IROH_SNI}`)
  } catch {
    // an IPv6 zone has a meaning on one machine only
    return undefined
  }
}

function relayMultiaddr (relayUrl: string): Multiaddr | undefined {
  const url = URL.parse(relayUrl)
  const scheme = url?.protocol.slice(0, -1)

  if (url == null || (scheme !== 'https' && scheme !== 'http') || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    return undefined
  }

  const defaultPort = scheme === 'https' ? '443' : '80'
  const port = url.port === '' ? defaultPort : url.port
  // the path of the relay's own URL is kept in front, so that the URL can be read back
  const path = `${url.pathname === '/' ? '' : url.pathname}${RELAY_SEGMENT}`

  try {
    return multiaddr(`/${hostText(url.hostname)}/tcp/${port}/${scheme}/http-path/${encodeURIComponent(path.slice(1))}`)
  } catch {
    // a host name that no multiaddr may have
    return undefined
  }
}

function hostText (hostname: string): string {
  if (hostname.startsWith('[')) {
    return `ip6/${hostname.slice(1, -1)}`
  }

  return /^\d+\.\d+\.\d+\.\d+$/.test(hostname) ? `ip4/${hostname}` : `dns4/${hostname}`
}
