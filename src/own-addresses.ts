import { isLoopback, isPrivate } from '@libp2p/utils'
import { fromMultiaddr, isIrohAddress } from './iroh-address.ts'
import { encodePeerData } from './wire/index.ts'
import type { PeerData } from './wire/index.ts'
import type { PeerId } from '@libp2p/interface'
import type { AddressManager, TransportManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface OwnAddressesComponents {
  peerId: PeerId
  transportManager: TransportManager
  addressManager: AddressManager
}

/**
 * Where others may dial us.
 *
 * Taken from the listeners rather than from `getMultiaddrs()`, which leaves out
 * public and relay addresses until AutoNAT has confirmed them; addresses that
 * the user configured to be announced replace them.
 */
export function ownAddresses ({ transportManager, addressManager }: OwnAddressesComponents): Multiaddr[] {
  const announced = addressManager.getAnnounceAddrs()

  return announced.length > 0 ? announced : [...transportManager.getAddrs(), ...addressManager.getAddresses()]
}

/**
 * Our own addresses as peer data: those that native iroh peers can dial in the
 * part that Rust reads, all others behind it.
 *
 * @param maxBytes - of the whole; the best addresses come first, the rest is left out
 */
export function ownPeerData (components: OwnAddressesComponents, maxBytes?: number): Uint8Array {
  const addresses = ownAddresses(components)
  const suffix = `/p2p/${components.peerId}`
  const peerData: PeerData = { directAddresses: [], multiaddrs: [] }
  const seen = new Set<string>()

  for (const address of addresses.sort((a, b) => reach(a) - reach(b))) {
    const own = address.toString().endsWith(suffix) ? address.decapsulate(suffix) : address

    if (seen.has(own.toString())) {
      continue
    }

    seen.add(own.toString())

    if (isIrohAddress(own)) {
      const { relayUrl, directAddresses } = fromMultiaddr(own)
      peerData.relayUrl ??= relayUrl
      // an address with a zone means nothing to anybody else
      peerData.directAddresses.push(...directAddresses.filter(({ host }) => !host.includes('%')))
    } else {
      peerData.multiaddrs.push(own.bytes)
    }
  }

  return encodePeerData(peerData, maxBytes)
}

/** Orders addresses: public ones first, loopback last. */
function reach (address: Multiaddr): number {
  try {
    if (isLoopback(address)) {
      return 2
    }

    return isPrivate(address) ? 1 : 0
  } catch {
    return 1
  }
}
