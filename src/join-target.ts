import { InvalidParametersError, isPeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { isMultiaddr } from '@multiformats/multiaddr'
import type { JoinTarget } from './topic.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/** A dial target, taken apart. */
export interface ResolvedTarget {
  /** Absent where the addresses do not say. */
  peerId?: PeerId
  addresses: Multiaddr[]
}

/**
 * @throws {InvalidParametersError} neither a peer id nor addresses of one peer, or a peer that cannot speak the protocol
 */
export function resolveTarget (target: JoinTarget): ResolvedTarget {
  if (isPeerId(target)) {
    return checked({ peerId: target, addresses: [] })
  }

  const addresses = Array.isArray(target) ? target : [target]

  if (addresses.length === 0 || !addresses.every((address) => isMultiaddr(address))) {
    throw new InvalidParametersError(`A peer to join through is a PeerId, a Multiaddr or a list of them, got ${String(target)}`)
  }

  const ids = new Set(addresses.flatMap((address) => address.getComponents().findLast((component) => component.name === 'p2p')?.value ?? []))

  if (ids.size > 1) {
    throw new InvalidParametersError(`The addresses of one peer name several: ${[...ids].join(', ')}`)
  }

  const [id] = ids

  if (id != null) {
    return checked({
      peerId: peerIdFromString(id),
      addresses: addresses.map((address) => address.getComponents().at(-1)?.name === 'p2p' ? address : address.encapsulate(`/p2p/${id}`))
    })
  }

  return { addresses }
}

function checked (target: ResolvedTarget): ResolvedTarget {
  if (target.peerId != null && target.peerId.type !== 'Ed25519') {
    throw new InvalidParametersError(`Gossip peers have Ed25519 keys, ${target.peerId} is ${target.peerId.type}`)
  }

  return target
}
