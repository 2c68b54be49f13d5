import { NotFoundError, peerRoutingSymbol } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { equals } from 'uint8arrays/equals'
import { endpointIdOf, peerIdOf, toMultiaddrs } from './iroh-address.ts'
import { decodePeerData, hasExtension } from './wire/index.ts'
import type { PeerKey } from './proto/messages.ts'
import type { PeerData } from './wire/index.ts'
import type { PeerId, PeerInfo, PeerRouting } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/** Milliseconds that an address stays usable after gossip last named it, as in iroh-gossip. */
const RETENTION_MS = 5 * 60_000

/** Milliseconds between two sweeps for what has expired, as in iroh-gossip. */
const EVICTION_INTERVAL_MS = 30_000

/** Peers whose addresses are kept; the one heard of longest ago goes first. */
const MAX_PEERS = 4096

/** Addresses kept of one peer; the newest come first. */
const MAX_ADDRESSES = 16

/** What a libp2p peer router finds, and whom it has it from. */
export interface LearnedPeerInfo extends PeerInfo {
  /** As an iroh address lookup names its source: nobody has checked that the peer is there. */
  provenance: 'gossip'
}

interface Entry {
  addresses: Multiaddr[]
  /** Whether the peer's own data says that it runs this implementation. */
  isOurs: boolean
  expires: number
  /** The data that the newest addresses are from, if they are from any. */
  data?: Uint8Array
}

/**
 * Addresses that gossip has brought, and a libp2p peer router over them.
 *
 * Bounded by number and age. The newest addresses of a peer come first; older
 * direct ones are kept behind them, an older relay is replaced. What is known
 * of a connected peer does not expire: it says its data only when that changes.
 */
export class AddressLookup {
  readonly #entries = new Map<PeerKey, Entry>()
  readonly #now: () => number
  readonly #isConnected: (peer: PeerKey) => boolean
  #nextEviction = 0

  /**
   * @param now - monotonic milliseconds
   */
  constructor (now: () => number, isConnected: (peer: PeerKey) => boolean = () => false) {
    this.#now = now
    this.#isConnected = isConnected
  }

  get size (): number {
    return this.#entries.size
  }

  /** Learns from a peer's data as it came in a message. Data that cannot be read is no news. */
  addPeerData (key: PeerKey, data: Uint8Array): void {
    const known = this.#entries.get(key)

    // each topic that shares the peer says the same
    if (known?.data != null && equals(known.data, data) && this.#isUsable(key, known)) {
      this.#set(key, known.addresses, known.isOurs, data)
      return
    }

    const addresses = addressesOf(key, data)
    const isOurs = hasExtension(data)

    if (addresses.length > 0 || isOurs) {
      this.#add(key, addresses, isOurs, data)
    }
  }

  /** Learns what the application says of a peer; each address ends in its `/p2p/` part. */
  addMultiaddrs (key: PeerKey, addresses: Multiaddr[]): void {
    this.#add(key, addresses, this.isOurs(key))
  }

  /** Whether the peer's data said that it runs this implementation: a Rust peer's never does. */
  isOurs (key: PeerKey): boolean {
    return this.#entries.get(key)?.isOurs === true
  }

  #add (key: PeerKey, learned: Multiaddr[], isOurs: boolean, data?: Uint8Array): void {
    const known = this.get(key)
    const hasRelay = learned.some(isRelay)
    const names = new Set(learned.map(String))
    const older = known.filter((address) => !names.has(address.toString()) && !(hasRelay && isRelay(address)))
    this.#set(key, [...learned, ...older].slice(0, MAX_ADDRESSES), isOurs, data)
  }

  #set (key: PeerKey, addresses: Multiaddr[], isOurs: boolean, data?: Uint8Array): void {
    const now = this.#now()
    // re-inserted, so that the map is ordered by the last news
    this.#entries.delete(key)
    this.#entries.set(key, { addresses, isOurs, expires: now + RETENTION_MS, data })
    this.#evict(now)
  }

  #isUsable (key: PeerKey, { expires }: Entry): boolean {
    return expires > this.#now() || this.#isConnected(key)
  }

  /** The addresses of a peer, newest first, each ending in its `/p2p/` part. */
  get (key: PeerKey): Multiaddr[] {
    const entry = this.#entries.get(key)

    return entry != null && this.#isUsable(key, entry) ? entry.addresses : []
  }

  clear (): void {
    this.#entries.clear()
  }

  /** Answers libp2p's question for a peer that it has no address of. */
  get [peerRoutingSymbol] (): Partial<PeerRouting> {
    return {
      findPeer: async (peerId: PeerId): Promise<LearnedPeerInfo> => {
        const addresses = peerId.type === 'Ed25519' ? this.get(endpointIdOf(peerId)) : []

        if (addresses.length === 0) {
          throw new NotFoundError(`Gossip knows no address of ${peerId}`)
        }

        return { id: peerId, multiaddrs: addresses, provenance: 'gossip' }
      }
    }
  }

  #evict (now: number): void {
    const [oldest] = this.#entries.keys()

    if (this.#entries.size > MAX_PEERS) {
      this.#entries.delete(oldest)
    }

    if (now < this.#nextEviction) {
      return
    }

    this.#nextEviction = now + EVICTION_INTERVAL_MS

    for (const [key, entry] of this.#entries) {
      if (entry.expires > now) {
        // the rest is newer
        break
      }

      this.#entries.delete(key)

      if (this.#isConnected(key)) {
        this.#entries.set(key, { ...entry, expires: now + RETENTION_MS })
      }
    }
  }
}

/**
 * Every address in a peer's data that this libp2p can express, iroh's own
 * first, each with the peer's id at its end. Never throws.
 */
export function addressesOf (key: PeerKey, data: Uint8Array): Multiaddr[] {
  let peerData: PeerData

  try {
    peerData = decodePeerData(data)
  } catch {
    return []
  }

  const peerId = peerIdOf(key)
  const addresses = toMultiaddrs(peerData, peerId)

  for (const bytes of peerData.multiaddrs) {
    try {
      const address = multiaddr(bytes)
      const inner = address.getComponents().findLast((component) => component.name === 'p2p')

      if (inner == null) {
        addresses.push(address.encapsulate(`/p2p/${peerId}`))
      } else if (inner.value === peerId.toString()) {
        addresses.push(address)
      } else if (address.toString().endsWith('/p2p-circuit')) {
        addresses.push(address.encapsulate(`/p2p/${peerId}`))
      }
    } catch {
      // a multiaddr with a protocol that this version does not know
    }
  }

  return addresses
}

function isRelay (address: Multiaddr): boolean {
  return address.getComponents().some((component) => component.name === 'http-path')
}
