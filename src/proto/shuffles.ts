import { MAX_HELD_REPLIES, MAX_SHUFFLE_NODES, MAX_UNANSWERED_SHUFFLES, SHUFFLE_REPLY_MS, SOUNDING_NODES } from './limits.ts'
import { shuffleFixedBytes, trimNodes } from './sizes.ts'
import { TimeBoundCache } from './time-bound-cache.ts'
import type { Config, Rules } from './config.ts'
import type { PeerInfo, PeerKey, Shuffle, ShuffleReply } from './messages.ts'
import type { Views } from './views.ts'

// the same in every topic
const HELD = { retentionMs: SHUFFLE_REPLY_MS, capacity: MAX_HELD_REPLIES }

/**
 * Builds Shuffles and their replies, and decides which replies to believe.
 *
 * A reply comes from a stranger at the walk's end, so it is believed from
 * anyone, but once for each Shuffle of ours, soon, and with no more peers than
 * we named. One that nobody asked for is believed when its sender's next
 * message is a Disconnect: it is then the sender's goodbye (rule 21).
 */
export class Shuffles {
  private readonly views: Views
  private readonly config: Config
  private readonly rules: Rules
  private readonly me: PeerKey
  private readonly unanswered: Array<{ until: number, nodes: number }> = []
  private readonly held = new TimeBoundCache<PeerKey, PeerInfo[]>(HELD)

  constructor (me: PeerKey, config: Config, rules: Rules, views: Views) {
    this.me = me
    this.config = config
    this.rules = rules
    this.views = views
  }

  /** Shuffles that wait for their reply, and replies that wait for a Disconnect. */
  get size (): number {
    return this.unanswered.length + this.held.size
  }

  /**
   * A Shuffle of ours. It names at most eight peers, or a Rust peer's frame
   * would grow too large. Where the neighbor must not be told how to reach us
   * it answers itself (ttl 0), over the connection that there is.
   */
  create (to: PeerKey, myData: Uint8Array | undefined, now: number): Shuffle {
    const { shuffleActiveViewCount, shufflePassiveViewCount, shuffleRandomWalkLength } = this.config.membership
    const wanted = Math.min(shuffleActiveViewCount + shufflePassiveViewCount, MAX_SHUFFLE_NODES - 1)
    const me: PeerInfo = myData === undefined ? { id: this.me } : { id: this.me, data: myData }
    const mayNameUs = this.rules.mayTell(to, me)
    const ttl = mayNameUs ? shuffleRandomWalkLength : 0
    const nodes = this.views.sample(to, wanted, shuffleActiveViewCount, false)
    // first, so that trimming does not take the one that matters most
    const named = trimNodes(mayNameUs ? [me, ...nodes] : nodes, shuffleFixedBytes(ttl), this.config.maxMessageSize)

    this.expect(named.length, now)

    return { type: 'shuffle', origin: this.me, nodes: named, ttl }
  }

  /**
   * A Shuffle to somebody who is no neighbor, answered on the spot: to measure a
   * round trip. It carries few peers, and is not empty, since that means goodbye.
   */
  sound (to: PeerKey, myData: Uint8Array | undefined, now: number): Shuffle {
    const me: PeerInfo = myData === undefined ? { id: this.me } : { id: this.me, data: myData }
    const nodes = [...this.views.tellable(to, [me]), ...this.views.sample(to, SOUNDING_NODES, 0, true)]
    const named = trimNodes(nodes, shuffleFixedBytes(0), this.config.maxMessageSize)
    this.expect(named.length, now)

    return { type: 'shuffle', origin: this.me, nodes: named, ttl: 0 }
  }

  /** Another peer's Shuffle as it goes on to `to`. */
  forward (shuffle: Shuffle, to: PeerKey, ttl: number): Shuffle {
    const nodes = trimNodes(this.views.tellable(to, shuffle.nodes), shuffleFixedBytes(ttl), this.config.maxMessageSize)

    return { type: 'shuffle', origin: shuffle.origin, nodes, ttl }
  }

  /** As many peers as the Shuffle named, remembered ones first: neighbors circulate by themselves. */
  reply (to: PeerKey, count: number): ShuffleReply {
    return this.fit(this.views.sample(to, Math.min(count, this.config.membership.passiveViewCapacity), 0, true))
  }

  /**
   * Where a peer that we let go or refuse could turn to: it may have no other
   * link, so some of our neighbors, which are alive, come first; before them
   * `successor`, who has slots left.
   */
  alternatives (to: PeerKey, successor?: PeerKey): ShuffleReply {
    const { shuffleActiveViewCount } = this.config.membership
    const nodes = this.views.sample(to, this.goodbyeCount(), shuffleActiveViewCount, true)
    const first = successor === undefined ? [] : this.views.tellable(to, [this.views.info(successor)])

    return this.fit([...first, ...nodes.filter(({ id }) => id !== successor)].slice(0, this.goodbyeCount()))
  }

  /**
   * The peers of a reply that are to be believed now, `undefined` if the reply
   * was not asked for; then it is held back for `takeHeld`.
   */
  believe (from: PeerKey, reply: ShuffleReply, now: number): PeerInfo[] | undefined {
    this.expireUnanswered(now)
    const index = this.unanswered.findIndex((shuffle) => reply.nodes.length <= shuffle.nodes)

    if (index === -1) {
      this.held.set(from, reply.nodes, now)

      return undefined
    }

    this.unanswered.splice(index, 1)

    return reply.nodes
  }

  /** Whether a reply of this peer is held back. */
  isHeld (from: PeerKey): boolean {
    return this.held.size > 0 && this.held.has(from)
  }

  /** The peers of a held reply whose sender's Disconnect has come; `undefined` if there is none, or it names too many. */
  takeHeld (from: PeerKey): PeerInfo[] | undefined {
    const nodes = this.held.get(from)
    this.held.delete(from)

    return nodes !== undefined && nodes.length <= this.goodbyeCount() ? nodes : undefined
  }

  sweep (now: number): void {
    this.held.expireUntil(now)
    this.expireUnanswered(now)
  }

  private expect (nodes: number, now: number): void {
    this.unanswered.push({ until: now + SHUFFLE_REPLY_MS, nodes })

    if (this.unanswered.length > MAX_UNANSWERED_SHUFFLES) {
      this.unanswered.shift()
    }
  }

  private expireUnanswered (now: number): void {
    while (this.unanswered.length > 0 && this.unanswered[0].until <= now) {
      this.unanswered.shift()
    }
  }

  private goodbyeCount (): number {
    return this.config.membership.shuffleActiveViewCount + this.config.membership.shufflePassiveViewCount
  }

  private fit (nodes: PeerInfo[]): ShuffleReply {
    return { type: 'shuffleReply', nodes: trimNodes(nodes, 0, this.config.maxMessageSize) }
  }
}
