import { NATIVE_TAG, NATIVE_TAG_VALUE } from '../constants.ts'
import type { PeerKey } from '../proto/messages.ts'
import type { Logger, PeerId, PeerStore } from '@libp2p/interface'

/** Peers tagged at a time: whoever opens more connections than that takes no one else's place. */
const MAX_TAGGED = 128

/**
 * Keeps libp2p's pruner away from native connections, neighbors or not: a Rust
 * peer whose connection is closed without a goodbye loses what it has to say
 * to us until we dial it (rules 6 and 7). The pruner takes connections of
 * peers without a value first.
 */
export class NativeTags {
  readonly #peerStore: PeerStore
  readonly #log: Logger
  readonly #tagged = new Map<PeerKey, PeerId>()

  constructor (peerStore: PeerStore, log: Logger) {
    this.#peerStore = peerStore
    this.#log = log
  }

  /** The peer has a native connection. Beyond 128 such peers a further one gets no tag. */
  add (key: PeerKey, id: PeerId): void {
    if (!this.#tagged.has(key) && this.#tagged.size < MAX_TAGGED) {
      this.#tagged.set(key, id)
      this.#merge(id, { value: NATIVE_TAG_VALUE })
    }
  }

  /** The peer's last native connection is gone. */
  remove (key: PeerKey): void {
    const id = this.#tagged.get(key)

    if (id != null) {
      this.#tagged.delete(key)
      this.#merge(id, undefined)
    }
  }

  clear (): void {
    for (const key of [...this.#tagged.keys()]) {
      this.remove(key)
    }
  }

  #merge (id: PeerId, tag: { value: number } | undefined): void {
    this.#peerStore.merge(id, { tags: { [NATIVE_TAG]: tag } }).catch((err) => {
      this.#log('could not tag %p - %e', id, err)
    })
  }
}
