import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

const IROH_MULTIADDR = /^\/ip4\/([\d.]+)\/udp\/(\d+)\/quic-v1\/sni\/iroh\.invalid\//

/** Where libp2p with the iroh transport dials an endpoint that listens on `ip:port`. */
export function irohMultiaddr (endpointId: string, address: string): Multiaddr {
  const [ip, port] = address.split(':')
  const peer = peerIdFromPublicKey(publicKeyFromRaw(fromString(endpointId, 'hex')))

  return multiaddr(`/ip4/${ip}/udp/${port}/quic-v1/sni/iroh.invalid/p2p/${peer}`)
}

/** The `ip:port` of native iroh multiaddrs; others are left out. */
export function irohAddresses (multiaddrs: Multiaddr[]): string[] {
  return multiaddrs.flatMap((address) => {
    const [, ip, port] = IROH_MULTIADDR.exec(address.toString()) ?? []

    return ip == null ? [] : [`${ip}:${port}`]
  })
}

/** The 64 hex characters under which iroh knows a peer. */
export function endpointIdOf (peer: PeerId | { endpointId: string }): string {
  if ('endpointId' in peer) {
    return peer.endpointId
  }

  if (peer.type !== 'Ed25519') {
    throw new Error(`${peer} has no Ed25519 key`)
  }

  return toString(peer.publicKey.raw, 'hex')
}
