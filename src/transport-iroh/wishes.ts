import type { PeerId } from '@libp2p/interface'

/** Which protocol a dial to a peer is for, as long as somebody says so. */
export class Wishes {
  readonly #byPeer = new Map<string, string[]>()

  /** Returns a function that takes the wish back. */
  add (peer: PeerId, protocol: string): () => void {
    const key = peer.toString()
    this.#byPeer.set(key, [...this.of(peer), protocol])

    return () => {
      const left = [...this.of(peer)]
      const index = left.indexOf(protocol)

      if (index !== -1) {
        left.splice(index, 1)
      }

      if (left.length === 0) {
        this.#byPeer.delete(key)
      } else {
        this.#byPeer.set(key, left)
      }
    }
  }

  /** What is wished for, the oldest wish first. */
  of (peer: PeerId): readonly string[] {
    return this.#byPeer.get(peer.toString()) ?? []
  }
}
