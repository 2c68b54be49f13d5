import { FIRST_SHUFFLE_MS, MAX_SOUNDED, NEARER_SHARE, SOUNDED_RETENTION_MS, SOUNDING_MS, SOUNDINGS_AT_ONCE, SWAP_INTERVAL_MS, UNBIASED_LINKS, YOUNG_SWAPS } from './limits.ts'
import { Rests } from './rests.ts'
import { TimeBoundCache } from './time-bound-cache.ts'
import type { Outbox } from './events.ts'
import type { Membership } from './hyparview.ts'
import type { PeerKey } from './messages.ts'

// the bounds are the same in every topic
const SOUNDED = { retentionMs: SOUNDED_RETENTION_MS, capacity: MAX_SOUNDED }
const ANSWERED = { retentionMs: SOUNDING_MS, capacity: MAX_SOUNDED }

/**
 * Exchanges far neighbors for near ones, so that a message arrives sooner.
 *
 * A node that is young in the topic sounds a few remembered peers: a Shuffle
 * that goes no further (ttl 0) is answered at once, and the time in between is
 * a round trip. The first to answer is the nearest; if it is nearer than the
 * farthest neighbor it is asked with low priority. It has measured the same
 * round trip, from its answer to our request, and even when full accepts if we
 * are nearer than its own farthest neighbor. Each side lets that one go once
 * the new link stands.
 *
 * Two links of each node are left out of it, as in X-BOT (Leitão and others,
 * SRDS 2009): an overlay in which everybody only knows near peers falls apart
 * into regions. Only peers of our kind are sounded: a Rust peer would be dialed
 * for nothing.
 */
export class Nearness {
  private readonly shared: Membership
  /** When each peer was sounded that has not answered, and those that were lately; the oldest is forgotten first. */
  private readonly sounded = new TimeBoundCache<PeerKey, number>(SOUNDED)
  /** When each sounding of another peer was answered. */
  private readonly answered = new TimeBoundCache<PeerKey, number>(ANSWERED)
  private armed = false
  private ticks = 0
  private readonly rests = new Rests()
  private askedAt = -Infinity

  constructor (shared: Membership) {
    this.shared = shared
  }

  get size (): number {
    return this.sounded.size + this.answered.size
  }

  /** Schedules the next sounding if it is not yet; to be called while there are neighbors. */
  arm (out: Outbox): void {
    if (this.armed) {
      return
    }

    const { config, rng } = this.shared
    const { shuffleIntervalMs } = config.membership
    const youngPause = this.ticks === 0 ? FIRST_SHUFFLE_MS : SWAP_INTERVAL_MS
    const pause = this.ticks < YOUNG_SWAPS ? youngPause : shuffleIntervalMs
    this.armed = true
    out.schedule(Math.round(pause * (0.9 + rng.float() / 5)), { type: 'sound' })
  }

  onSoundTimer (now: number, out: Outbox): void {
    const { views, shuffles, healing, rng, peerData } = this.shared
    this.armed = false

    if (views.links.size === 0) {
      return
    }

    this.ticks++

    if (this.ticks > YOUNG_SWAPS && !views.isWorthAWord(this.rests)) {
      return
    }

    const candidates = views.passive.sample(rng, SOUNDINGS_AT_ONCE, (id) =>
      views.isOurKind(id) && views.canDial(id) && !this.sounded.has(id) && !healing.isAsking(id) && !healing.isAvoided(id))

    for (const peer of candidates) {
      this.sounded.set(peer, now, now)
      views.known.recall(peer, out)
      out.send(peer, shuffles.sound(peer, peerData, now))
    }
  }

  /** Another peer's sounding was answered: unless it lets go of us, it may ask us next. */
  onAnswered (peer: PeerKey, now: number): void {
    this.answered.set(peer, now, now)
  }

  /** A ShuffleReply came; if it answers a sounding, its sender may be near. */
  onReply (from: PeerKey, now: number, out: Outbox): void {
    const { views, healing } = this.shared
    const sentAt = this.sounded.get(from)

    if (sentAt === undefined || now - sentAt >= SOUNDING_MS || now - this.askedAt < SWAP_INTERVAL_MS || views.links.has(from) || healing.isAsking(from)) {
      return
    }

    if (this.isWorthIt(now - sentAt)) {
      this.askedAt = now
      healing.request(from, 'nearer', 'low', now, out)
    }
  }

  /** Whether a peer that sounded us has a while to ask us: letting go of it at once would cut it off in the middle of its request. */
  mayBeAskedBy (peer: PeerKey): boolean {
    return this.answered.has(peer)
  }

  onPeerDisconnected (peer: PeerKey): void {
    this.answered.delete(peer)
  }

  /** The round trip in milliseconds to a peer that asks because it sounded us; `undefined` for all others. */
  roundTripTo (peer: PeerKey, now: number): number | undefined {
    const answeredAt = this.answered.get(peer)

    return answeredAt === undefined || now - answeredAt >= SOUNDING_MS ? undefined : now - answeredAt
  }

  /** Whether a peer so near would be a gain. */
  isWorthIt (roundTripMs: number): boolean {
    const { views } = this.shared

    if (!views.isFull && this.replaceable().length < this.shared.config.membership.activeViewCapacity - UNBIASED_LINKS) {
      return true
    }

    const farthest = this.farthest()

    return farthest !== undefined && roundTripMs < NEARER_SHARE * farthest.roundTripMs
  }

  /** The neighbor to give up for a nearer one. */
  farthest (): { peer: PeerKey, roundTripMs: number } | undefined {
    let farthest: { peer: PeerKey, roundTripMs: number } | undefined

    for (const { peer, roundTripMs } of this.replaceable()) {
      if (roundTripMs !== undefined && (farthest === undefined || roundTripMs > farthest.roundTripMs)) {
        farthest = { peer, roundTripMs }
      }
    }

    return farthest
  }

  /** Returns the peers that sounded us and had their time to ask. */
  sweep (now: number): PeerKey[] {
    this.sounded.expireUntil(now)

    const before = this.answered.size === 0 ? [] : [...this.answered.keys()]

    return this.answered.expireUntil(now) === 0 ? [] : before.filter((peer) => !this.answered.has(peer))
  }

  private replaceable (): Array<{ peer: PeerKey, roundTripMs?: number }> {
    return [...this.shared.views.links].filter(([, link]) => !link.unbiased).map(([peer, { roundTripMs }]) => ({ peer, roundTripMs }))
  }
}
