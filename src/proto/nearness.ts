import { FIRST_SHUFFLE_MS, MAX_SOUNDED, NEARER_SHARE, NEAR_ENOUGH_MS, OPEN_SHARE, SOUNDED_RETENTION_MS, SOUNDING_MS, SOUNDINGS_AT_ONCE, SWAP_INTERVAL_MS, UNBIASED_LINKS, YOUNG_SWAPS } from './limits.ts'
import { Rests } from './rests.ts'
import { TimeBoundCache } from './time-bound-cache.ts'
import type { Outbox } from './events.ts'
import type { Membership } from './hyparview.ts'
import type { PeerKey } from './messages.ts'
import type { Link } from './views.ts'

// the bounds are the same in every topic
const SOUNDED = { retentionMs: SOUNDED_RETENTION_MS, capacity: MAX_SOUNDED }
const OPEN = { retentionMs: SOUNDING_MS, capacity: MAX_SOUNDED }
const ANSWERED = { retentionMs: SOUNDING_MS, capacity: MAX_SOUNDED }

/** A sounding without answer. */
interface Sounding {
  readonly sentAt: number
  /** Whether an answer shows the round trip: to a peer that may have had to be dialed the second one does. */
  readonly measures: boolean
}

/**
 * Exchanges far neighbors for near ones, so that a message arrives sooner.
 *
 * A node that is young in the topic sounds a few remembered peers: a Shuffle
 * that goes no further (ttl 0) is answered at once, and the time in between is
 * a round trip, once the way is open: so another one follows the first answer. The
 * first to answer that is the nearest; if it is nearer than the
 * farthest neighbor it is asked with low priority. It has measured the same
 * round trip, from its answer to our request, and even when full accepts if we
 * are nearer than its own farthest neighbor. Each side lets that one go once
 * the new link stands.
 *
 * Before that a neighbor that is far, or was never measured, is sounded: where
 * all are near enough, in one data center or on one machine, nobody else is
 * asked, and nobody dialed. Nor are there soundings while the node is late for
 * its own timers: it would measure itself.
 *
 * Two links of each node are left out of it, as in X-BOT (Leitão and others,
 * SRDS 2009): an overlay in which everybody only knows near peers falls apart
 * into regions. Only peers of our kind are sounded: a Rust peer would be dialed
 * for nothing.
 */
export class Nearness {
  private readonly shared: Membership
  /** Those that were sounded lately, and what they have not answered; the oldest is forgotten first. */
  private readonly sounded = new TimeBoundCache<PeerKey, true>(SOUNDED)
  private readonly open = new TimeBoundCache<PeerKey, Sounding>(OPEN)
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
    return this.sounded.size + this.open.size + this.answered.size
  }

  /** Whether there were few soundings yet. */
  private get isYoung (): boolean {
    return this.ticks <= YOUNG_SWAPS
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
    const delayMs = Math.round(pause * (0.9 + rng.float() / 5))
    this.armed = true
    out.schedule(delayMs, { type: 'sound' })
  }

  onSoundTimer (now: number, out: Outbox): void {
    const { views: { links }, lateness } = this.shared
    this.armed = false

    if (links.size === 0 || lateness.isLate) {
      return
    }

    this.ticks++

    if (!this.isYoung && !this.shared.views.isWorthAWord(this.rests)) {
      return
    }

    const neighbor = this.toBeMeasured()

    if (neighbor !== undefined) {
      this.sound(neighbor, true, now, out)
    } else if ([...links.values()].some(isFar)) {
      this.soundOthers(now, out)
    }
  }

  /**
   * The neighbor of our kind that seems farthest, unless all are near enough;
   * first those that could be given up. A node that is no longer young measures
   * each once.
   */
  private toBeMeasured (): PeerKey | undefined {
    const { views } = this.shared
    const far = [...views.links].filter(([peer, link]) => isFar(link) && (this.isYoung || link.roundTripMs === undefined) && views.isOurKind(peer))
    const replaceable = far.filter(([, { unbiased }]) => !unbiased)
    const distance = ([, { roundTripMs = Number.MAX_VALUE }]: [PeerKey, Link]): number => roundTripMs

    return (replaceable.length > 0 ? replaceable : far).sort((a, b) => distance(b) - distance(a))[0]?.[0]
  }

  private soundOthers (now: number, out: Outbox): void {
    const { views, healing, rng } = this.shared
    const candidates = views.passive.sample(rng, this.isYoung ? SOUNDINGS_AT_ONCE : 1, (id) =>
      views.isOurKind(id) && views.canDial(id) && !this.sounded.has(id) && !healing.isAsking(id) && !healing.isAvoided(id))

    for (const peer of candidates) {
      this.sounded.set(peer, true, now)
      views.known.recall(peer, out)
      this.sound(peer, false, now, out)
    }
  }

  private sound (peer: PeerKey, measures: boolean, now: number, out: Outbox): void {
    const { shuffles, peerData } = this.shared
    this.open.set(peer, { sentAt: now, measures }, now)
    out.send(peer, shuffles.sound(peer, peerData, now))
  }

  /** Another peer's sounding was answered: unless it lets go of us, it may ask us next. */
  onAnswered (peer: PeerKey, now: number): void {
    this.answered.set(peer, now, now)
  }

  /** A ShuffleReply came; if it answers a sounding, its sender may be near. */
  onReply (from: PeerKey, now: number, out: Outbox): void {
    const { views, healing } = this.shared
    const sounding = this.open.get(from)
    const roundTripMs = now - (sounding?.sentAt ?? -Infinity)
    const link = views.links.get(from)
    this.open.delete(from)

    if (sounding === undefined || roundTripMs >= SOUNDING_MS || this.shared.lateness.isLate) {
      return
    }

    if (link !== undefined) {
      this.onMeasured(link, roundTripMs, now, out)
    } else if (now - this.askedAt < SWAP_INTERVAL_MS || healing.isAsking(from) || !this.isWorthIt(sounding.measures ? roundTripMs : OPEN_SHARE * roundTripMs)) {
      // one link at a time, and only for a gain
    } else if (sounding.measures) {
      this.askedAt = now
      healing.request(from, 'nearer', 'low', now, out)
    } else {
      this.sound(from, true, now, out)
    }
  }

  /** Whether a peer is to answer a sounding, or has a while to ask us after it sounded us: letting go of it would cut that off in the middle. */
  needs (peer: PeerKey): boolean {
    return this.answered.has(peer) || this.open.has(peer)
  }

  onPeerDisconnected (peer: PeerKey): void {
    this.answered.delete(peer)
    this.open.delete(peer)
  }

  /** The round trip in milliseconds to a peer that asks because it sounded us; `undefined` for all others. */
  roundTripTo (peer: PeerKey, now: number): number | undefined {
    const answeredAt = this.answered.get(peer)

    return answeredAt === undefined || now - answeredAt >= SOUNDING_MS ? undefined : now - answeredAt
  }

  /** What was measured before may include a dial, or the time that the node itself took. */
  private onMeasured (link: Link, roundTripMs: number, now: number, out: Outbox): void {
    link.roundTripMs = Math.min(link.roundTripMs ?? roundTripMs, roundTripMs)

    if (isFar(link)) {
      this.soundOthers(now, out)
    }
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

  /** Returns the peers that had their time to answer, or to ask. */
  sweep (now: number): PeerKey[] {
    this.sounded.expireUntil(now)

    const before = [...this.answered.keys(), ...this.open.keys()]

    return this.answered.expireUntil(now) + this.open.expireUntil(now) === 0 ? [] : before.filter((peer) => !this.needs(peer))
  }

  private replaceable (): Array<{ peer: PeerKey, roundTripMs?: number }> {
    return [...this.shared.views.links].filter(([, link]) => !link.unbiased).map(([peer, { roundTripMs }]) => ({ peer, roundTripMs }))
  }
}

/** Whether a link may be longer than what is near enough. */
function isFar ({ roundTripMs }: Link): boolean {
  return roundTripMs === undefined || roundTripMs >= NEAR_ENOUGH_MS
}
