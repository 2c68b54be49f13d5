import type { PeerKey } from './proto/messages.ts'

/** What may keep messages from arriving. */
export type TroubleKind =
  /** We could not open a connection to the peer. */
  | 'dialFailed'
  /** The peer sent a frame larger than we take: our sizes differ. */
  | 'oversizedFrame'
  /** The peer sent bytes that are no frame of ours. */
  | 'invalidFrame'

/** The last trouble of its kind with one peer. */
export interface Trouble {
  peer: PeerKey
  kind: TroubleKind
  /** What went wrong, in words. */
  reason: string
  /** Monotonic milliseconds. */
  at: number
  /** How often it happened. */
  count: number
}

/** Troubles that are remembered; the one that happened longest ago goes first. */
const MAX_TROUBLES = 128

/** What went wrong with peers lately, for whoever asks why nothing arrives. */
export class Troubles {
  readonly #now: () => number
  readonly #troubles = new Map<string, Trouble>()

  /**
   * @param now - monotonic milliseconds
   */
  constructor (now: () => number) {
    this.#now = now
  }

  add (peer: PeerKey, kind: TroubleKind, reason: string): void {
    const key = `${kind}/${peer}`
    const count = (this.#troubles.get(key)?.count ?? 0) + 1
    // re-inserted, so that the map is ordered by the last time
    this.#troubles.delete(key)
    this.#troubles.set(key, { peer, kind, reason, at: this.#now(), count })

    const [oldest] = this.#troubles.keys()

    if (this.#troubles.size > MAX_TROUBLES) {
      this.#troubles.delete(oldest)
    }
  }

  /** The trouble is over. */
  forget (peer: PeerKey, kind: TroubleKind): void {
    this.#troubles.delete(`${kind}/${peer}`)
  }

  /** All of a kind, the one that happened longest ago first. */
  of (kind: TroubleKind): Trouble[] {
    return [...this.#troubles.values()].filter((trouble) => trouble.kind === kind)
  }
}
