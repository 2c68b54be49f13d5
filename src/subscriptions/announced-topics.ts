import type { PeerKey } from '../proto/messages.ts'

/** A topic as announcements name it: its tag in hex. */
export type TopicTag = string

/** Topics remembered of one peer; who is in more is not known to be absent from any. */
const MAX_TOPICS_PER_PEER = 16_384

/** Topics remembered of all peers together; beyond, what is new is not noted. */
const MAX_TOPICS = 262_144

interface Announced {
  /** Tag and, where it was told, name. */
  readonly topics: Map<TopicTag, string | undefined>
  /** Whether the peer has said everything. */
  isComplete: boolean
  /** Whether something that it said was not noted, for want of room. */
  isCut: boolean
}

/** Which topics connected peers have said that they are in, whether we are in them or not. */
export class AnnouncedTopics {
  readonly #peers = new Map<PeerKey, Announced>()
  readonly #byTag = new Map<TopicTag, Set<PeerKey>>()
  #count = 0

  /** The peer starts to say what it is in, or starts over: what it said before stays until it is taken out. */
  start (peer: PeerKey): void {
    this.#peers.set(peer, { topics: this.#peers.get(peer)?.topics ?? new Map(), isComplete: false, isCut: false })
  }

  /** The peer has said everything. */
  complete (peer: PeerKey): void {
    const announced = this.#peers.get(peer)

    if (announced != null) {
      announced.isComplete = !announced.isCut
    }
  }

  /**
   * The peer is in the topic.
   *
   * @returns whether that was news
   */
  add (peer: PeerKey, tag: TopicTag, name: string | undefined): boolean {
    const announced = this.#peers.get(peer)

    if (announced == null) {
      return false
    }

    const isNew = !announced.topics.has(tag)

    if (isNew && (announced.topics.size >= MAX_TOPICS_PER_PEER || this.#count >= MAX_TOPICS)) {
      announced.isCut = true
      announced.isComplete = false

      return false
    }

    const isNamed = name != null && announced.topics.get(tag) == null
    announced.topics.set(tag, name ?? announced.topics.get(tag))

    if (isNew) {
      this.#count++
      const peers = this.#byTag.get(tag)

      if (peers == null) {
        this.#byTag.set(tag, new Set([peer]))
      } else {
        peers.add(peer)
      }
    }

    return isNew || isNamed
  }

  delete (peer: PeerKey, tag: TopicTag): void {
    const peers = this.#byTag.get(tag)

    if (this.#peers.get(peer)?.topics.delete(tag) === true && peers?.delete(peer) === true) {
      this.#count--

      if (peers.size === 0) {
        this.#byTag.delete(tag)
      }
    }
  }

  /** Nothing is known of the peer any more. */
  forget (peer: PeerKey): void {
    for (const [tag] of this.topicsOf(peer)) {
      this.delete(peer, tag)
    }

    this.#peers.delete(peer)
  }

  /** What a peer is in: tags, and names where they were told. A copy. */
  topicsOf (peer: PeerKey): Array<[TopicTag, string | undefined]> {
    return [...this.#peers.get(peer)?.topics ?? []]
  }

  has (peer: PeerKey, tag: TopicTag): boolean {
    return this.#peers.get(peer)?.topics.has(tag) === true
  }

  /** What the peer calls a topic that it is in. */
  nameOf (peer: PeerKey, tag: TopicTag): string | undefined {
    return this.#peers.get(peer)?.topics.get(tag)
  }

  peersIn (tag: TopicTag): PeerKey[] {
    return [...this.#byTag.get(tag) ?? []]
  }

  /** Whether the peer has said what it is in, and the topic was not among it. */
  isAbsent (peer: PeerKey, tag: TopicTag): boolean {
    const announced = this.#peers.get(peer)

    return announced?.isComplete === true && !announced.topics.has(tag)
  }
}
