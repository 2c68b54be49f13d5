import { addressesOf } from './address-lookup.ts'
import { isIrohAddress } from './iroh-address.ts'
import { hasExtension } from './wire/index.ts'
import type { AddressLookup } from './address-lookup.ts'
import type { Network } from './net/network.ts'
import type { Rules } from './proto/config.ts'
import type { PeerInfo, PeerKey } from './proto/messages.ts'
import type { TransportManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * What the core must know of the network: whom we can dial, and whom we may
 * name to whom.
 */
export class ReachabilityRules implements Rules {
  readonly #transportManager: TransportManager
  readonly #network: Network
  readonly #lookup: AddressLookup
  /** Peer data is passed around as it came, so each is read once. */
  readonly #addresses = new WeakMap<Uint8Array, Multiaddr[]>()

  constructor (transportManager: TransportManager, network: Network, lookup: AddressLookup) {
    this.#transportManager = transportManager
    this.#network = network
    this.#lookup = lookup
  }

  readonly canDial = (peer: PeerInfo): boolean => {
    return this.#addressesOf(peer).some((address) => this.#transportManager.dialTransportForMultiaddr(address) != null) ||
      this.#network.isConnected(peer.id)
  }

  readonly isConnected = (peer: PeerKey): boolean => this.#network.isConnected(peer)

  /**
   * A Rust peer that is told of somebody without an iroh address fails to dial
   * it, and never dials it again (rule 10). Nodes of this implementation look
   * themselves, and so does whoever is connected by another transport alone; a
   * stranger that is yet to be dialed may be a Rust peer.
   */
  readonly mayTell = (to: PeerKey, peer: PeerInfo): boolean => {
    return this.#addressesOf(peer).some(isIrohAddress) || !this.#mayBeRust(to)
  }

  readonly understandsRefusal = (data: Uint8Array | undefined): boolean => {
    return data != null && hasExtension(data)
  }

  #mayBeRust (key: PeerKey): boolean {
    return !this.#lookup.isOurs(key) && (this.#network.isNative(key) || !this.#network.isConnected(key))
  }

  #addressesOf (peer: PeerInfo): Multiaddr[] {
    if (peer.data == null) {
      return this.#lookup.get(peer.id)
    }

    let addresses = this.#addresses.get(peer.data)

    if (addresses == null) {
      addresses = addressesOf(peer.id, peer.data)
      this.#addresses.set(peer.data, addresses)
    }

    return addresses
  }
}
