import type { PeerKey, TopicKey } from './proto/messages.ts'

/** Pairs of peer and topic that are remembered; the one asked about longest ago goes first. */
const MAX_DECISIONS = 4_096

/** Frames in either direction that wait for one decision; what comes beyond is dropped. */
const MAX_WAITING = 64

interface Pending {
  /** What is to be done once it is decided. */
  waiting: Array<(isAllowed: boolean) => void>
}

/**
 * Asks the application whether a peer may be in a topic with us, once for each
 * pair while the peer is connected. What happens meanwhile waits in order.
 */
export class Admission {
  readonly #ask: (peer: PeerKey, topic: TopicKey) => boolean | Promise<boolean>
  readonly #decisions = new Map<PeerKey, Map<TopicKey, boolean | Pending>>()
  #count = 0

  /**
   * @param ask - must not throw and not reject
   */
  constructor (ask: (peer: PeerKey, topic: TopicKey) => boolean | Promise<boolean>) {
    this.#ask = ask
  }

  /** Calls `act` with the decision: at once if there is one, or else when it is made. */
  decide (peer: PeerKey, topic: TopicKey, act: (isAllowed: boolean) => void): void {
    const known = this.#decisions.get(peer)?.get(topic)

    if (typeof known === 'boolean') {
      act(known)
      return
    }

    if (known != null) {
      if (known.waiting.length < MAX_WAITING) {
        known.waiting.push(act)
      }

      return
    }

    const answer = this.#ask(peer, topic)

    if (typeof answer === 'boolean') {
      this.#remember(peer, topic, answer)
      act(answer)
      return
    }

    const pending: Pending = { waiting: [act] }
    this.#remember(peer, topic, pending)

    void answer.then((isAllowed) => {
      // the peer may be gone by now, or the question have been asked anew
      if (this.#decisions.get(peer)?.get(topic) === pending) {
        this.#remember(peer, topic, isAllowed)
        pending.waiting.forEach((waiting) => { waiting(isAllowed) })
      }
    })
  }

  /** The peer is gone: it is asked about again when it returns. */
  forget (peer: PeerKey): void {
    this.#count -= this.#decisions.get(peer)?.size ?? 0
    this.#decisions.delete(peer)
  }

  #remember (peer: PeerKey, topic: TopicKey, decision: boolean | Pending): void {
    let topics = this.#decisions.get(peer)

    if (topics == null) {
      topics = new Map()
      this.#decisions.set(peer, topics)
    }

    this.#count += topics.has(topic) ? 0 : 1
    topics.set(topic, decision)

    const [oldest] = this.#decisions.keys()

    if (this.#count > MAX_DECISIONS) {
      this.forget(oldest)
    }
  }
}
