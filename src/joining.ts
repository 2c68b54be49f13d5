import { endpointIdOf } from './iroh-address.ts'
import { resolveTarget } from './join-target.ts'
import type { AddressLookup } from './address-lookup.ts'
import type { Discovery } from './discovery.ts'
import type { Driver } from './driver.ts'
import type { Gatekeeper } from './gatekeeper.ts'
import type { PeerKey } from './proto/messages.ts'
import type { TopicEntry, TopicRegistry } from './topic-registry.ts'
import type { JoinTarget } from './topic.ts'
import type { AbortOptions, Logger, PeerId } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

/** Through what peers are asked to let us in. */
export interface JoiningInit {
  /** Ourselves. */
  peerId: PeerId
  connectionManager: ConnectionManager
  addresses: AddressLookup
  topics: TopicRegistry
  gatekeeper: Gatekeeper
  discovery: Discovery
  driver: Driver
  log: Logger
}

/**
 * Asks peers to let us into a topic: those that the application named, those
 * that were found, or those that happen to be connected.
 */
export class Joining {
  readonly #init: JoiningInit

  constructor (init: JoiningInit) {
    this.#init = init
  }

  /**
   * Asks peers that the application named; without any, those that are connected.
   *
   * @param options - a signal that ends the dial of an address which does not say whose it is
   * @throws {InvalidParametersError} a target that is none
   * @throws {AbortError} the signal has fired before
   */
  joinPeers (entry: TopicEntry, targets: JoinTarget[], options: AbortOptions = {}): void {
    options.signal?.throwIfAborted()
    const { addresses: lookup, discovery } = this.#init
    const peers: PeerKey[] = []

    for (const { peerId, addresses } of targets.map(resolveTarget)) {
      if (peerId == null) {
        this.#joinAt(entry, addresses, options)
      } else {
        if (addresses.length > 0) {
          lookup.addMultiaddrs(endpointIdOf(peerId), addresses)
        }

        peers.push(endpointIdOf(peerId))
      }
    }

    entry.hasBootstrap ||= targets.length > 0

    if (peers.length > 0) {
      this.join(entry, peers)
    } else if (!entry.hasBootstrap) {
      discovery.search(entry)
    }
  }

  /** Asks peers, but for those that are banned. */
  join (entry: TopicEntry, peers: PeerKey[]): void {
    const allowed = peers.filter((peer) => !this.#init.gatekeeper.isBanned(peer))

    if (allowed.length > 0) {
      this.#init.driver.command(entry.id.toString(), { type: 'join', peers: allowed })
    }
  }

  /** Peers that are connected, and may be in the topic: as many are asked as neighbors are missing. */
  found (entry: TopicEntry, peers: PeerKey[]): void {
    const allowed = peers.filter((peer) => !this.#init.gatekeeper.isBanned(peer))

    if (allowed.length > 0) {
      this.#init.driver.command(entry.id.toString(), { type: 'found', peers: allowed })
    }
  }

  /** Asks a peer that content routing has found. */
  joinFound (entry: TopicEntry, peerId: PeerId, addresses: Multiaddr[]): void {
    if (this.#init.topics.get(entry.id.toString()) !== entry || peerId.equals(this.#init.peerId)) {
      return
    }

    if (addresses.length > 0) {
      this.#init.addresses.addMultiaddrs(endpointIdOf(peerId), addresses)
    }

    this.join(entry, [endpointIdOf(peerId)])
  }

  /** Asks whoever answers at addresses that do not say whose they are: libp2p finds out. */
  #joinAt (entry: TopicEntry, addresses: Multiaddr[], options: AbortOptions): void {
    const { connectionManager, topics, log } = this.#init
    const key = entry.id.toString()

    connectionManager.openConnection(addresses, options)
      .then((connection) => {
        if (topics.get(key) === entry && connection.remotePeer.type === 'Ed25519') {
          this.join(entry, [endpointIdOf(connection.remotePeer)])
        }
      })
      .catch((err) => {
        log('could not join topic %s through %s - %e', key, addresses, err)
      })
  }
}
