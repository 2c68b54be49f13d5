import { isPrivate } from '@libp2p/utils'
import type { AddressManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

/** Our addresses are good for as long as iroh says so. */
const CONFIRMED_TTL_MS = Infinity

/**
 * Tells libp2p of public addresses and of the relay that they are ours. It
 * announces them only if somebody has verified them, and iroh has.
 */
export class Announcer {
  readonly #addressManager: AddressManager
  #confirmed = new Map<string, Multiaddr>()

  constructor (addressManager: AddressManager) {
    this.#addressManager = addressManager
  }

  /**
   * @param addresses - all that there are now; what is missing is ours no more
   */
  update (addresses: Multiaddr[]): void {
    const current = new Map(addresses.filter((ma) => !isPrivate(ma)).map((ma) => [ma.toString(), ma]))

    for (const [key, ma] of current) {
      if (!this.#confirmed.has(key)) {
        this.#addressManager.confirmObservedAddr(ma, { type: 'transport', ttl: CONFIRMED_TTL_MS })
      }
    }

    for (const [key, ma] of this.#confirmed) {
      if (!current.has(key)) {
        this.#addressManager.removeObservedAddr(ma)
      }
    }

    this.#confirmed = current
  }
}
