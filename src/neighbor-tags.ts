import { GOSSIP_PROTOCOL, NEIGHBOR_TAG, NEIGHBOR_TAG_VALUE } from './constants.ts'
import type { Logger, PeerId, PeerStore } from '@libp2p/interface'

/**
 * Keeps libp2p from pruning the connection of a neighbor, which would never
 * dial again (rule 7); in a network of its own by a tag of its own.
 */
export class NeighborTags {
  readonly #peerStore: PeerStore
  readonly #log: Logger
  readonly #tag: string

  /**
   * @param protocol - of this network
   */
  constructor (peerStore: PeerStore, protocol: string, log: Logger) {
    this.#peerStore = peerStore
    this.#log = log
    this.#tag = protocol === GOSSIP_PROTOCOL ? NEIGHBOR_TAG : `${NEIGHBOR_TAG}${protocol}`
  }

  /**
   * A neighbor came or went.
   *
   * @param shared - topics in which the peer is a neighbor now
   */
  onNeighbor (peerId: PeerId, isUp: boolean, shared: number): void {
    if (shared !== (isUp ? 1 : 0)) {
      return
    }

    this.#peerStore.merge(peerId, {
      tags: { [this.#tag]: isUp ? { value: NEIGHBOR_TAG_VALUE } : undefined }
    }).catch((err) => {
      this.#log('could not tag %p - %e', peerId, err)
    })
  }
}
