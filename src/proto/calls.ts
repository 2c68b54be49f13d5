import { LazyMap } from './lazy-map.ts'
import { CALL_MS, CALL_PATIENCE_MS, MAX_KNOWN_PEERS, MAX_CALL_PAUSE_MS } from './limits.ts'
import type { Outbox } from './events.ts'
import type { Membership } from './hyparview.ts'
import type { PeerInfo, PeerKey } from './messages.ts'

/**
 * Looks for peers that fell out of the swarm and cannot return by themselves.
 *
 * A Rust peer asks others only when it loses a neighbor or gets a ShuffleReply.
 * One whose neighbors and remembered peers are all dead, took longer than half a
 * second to answer, or could once not be dialed (rule 10), asks nobody ever
 * again; and two that are each other's only neighbor are as much alone. So every
 * node calls one Rust peer that it knows and that is no neighbor: soon after
 * something happened that can leave a peer behind, then ever more rarely, each
 * in its turn.
 *
 * Where a slot is free, or a neighbor of our kind can make room, the call is a
 * Neighbor of low priority (rule 16): a Rust peer takes it if it has a slot left,
 * and who makes room hears of it first and finds another place. Else the call is
 * a Shuffle with ttl 0 (rule 21): a peer that knows nobody names in its reply only
 * whom the question named, and is asked then. An unasked ShuffleReply would wake
 * it too, but also make one with a free slot ask full peers without end (rule 18).
 */
export class Calls {
  private readonly shared: Membership
  /** Those that were called, the one called longest ago first. */
  private readonly called = new LazyMap<PeerKey, true>()
  private question?: { peer: PeerKey, named: ReadonlySet<PeerKey>, until: number }
  /** When the newest timer runs out. */
  private dueAt?: number
  private generation = 0
  private pauseMs = CALL_MS

  constructor (shared: Membership) {
    this.shared = shared
  }

  /** Peers that may be called, and those that were. */
  get size (): number {
    return this.called.size + this.shared.views.others.size
  }

  /** A neighbor was lost to a failure, or a peer refused or let go that may have no other link. */
  hurry (now: number, out: Outbox): void {
    this.pauseMs = CALL_MS

    if (this.dueAt !== undefined && this.dueAt - now > 2 * CALL_MS) {
      this.schedule(now, out)
    }
  }

  /** Schedules the next call if it is not yet; to be called while there are neighbors. */
  arm (now: number, out: Outbox): void {
    if (this.dueAt === undefined && this.shared.views.others.size > 0) {
      this.schedule(now, out)
    }
  }

  onCallTimer (generation: number, now: number, out: Outbox): void {
    const { views, healing } = this.shared

    if (generation !== this.generation) {
      return
    }

    this.dueAt = undefined
    this.pauseMs = Math.min(2 * this.pauseMs, MAX_CALL_PAUSE_MS)

    if (views.links.size === 0) {
      return
    }

    const peer = this.next()

    if (peer === undefined) {
      return
    }

    this.called.setNewest(peer.id, true, MAX_KNOWN_PEERS)
    views.known.learn(peer.id, peer.data, now, out)

    if (!views.isFull || this.replaceable() !== undefined) {
      healing.request(peer.id, 'call', 'low', now, out)
    } else {
      this.ask(peer.id, now, out)
    }
  }

  /** A ShuffleReply came: if it answers a question, and names nobody that we did not, its sender is alone. */
  onReply (from: PeerKey, nodes: PeerInfo[], now: number, out: Outbox): void {
    const { question } = this
    const { views, healing } = this.shared

    if (question?.peer !== from) {
      return
    }

    this.question = undefined

    if (now < question.until && nodes.every(({ id }) => question.named.has(id)) && !views.links.has(from) && !healing.isAsking(from)) {
      healing.request(from, 'rescue', 'low', now, out)
    }
  }

  /** The neighbor that makes room for a called peer: one that knows how to find another place. */
  replaceable (): PeerKey | undefined {
    const { views, rng } = this.shared

    return views.active.pick(rng, (id) => views.isOurKind(id))
  }

  sweep (now: number): void {
    this.shared.views.others.expireUntil(now)
  }

  private schedule (now: number, out: Outbox): void {
    const pause = Math.round(this.pauseMs * (0.75 + this.shared.rng.float() / 2))
    this.dueAt = now + pause
    out.schedule(pause, { type: 'call', generation: ++this.generation })
  }

  private ask (peer: PeerKey, now: number, out: Outbox): void {
    const { views, shuffles, peerData } = this.shared
    const question = shuffles.sound(peer, peerData, now)
    this.question = { peer, named: new Set(question.nodes.map(({ id }) => id)), until: now + CALL_PATIENCE_MS }
    views.known.recall(peer, out)
    out.send(peer, question)
    out.release(peer)
  }

  /** Somebody who was not called yet, or whose last call is longest ago. */
  private next (): PeerInfo | undefined {
    const { views, healing, rules, rng } = this.shared
    const callable = (id: PeerKey): boolean => {
      const data = views.others.get(id)

      return views.others.has(id) && !views.isOurKind(id) && !views.links.has(id) && !healing.isAsking(id) && !healing.isAvoided(id) &&
        rules.canDial(data === undefined ? { id } : { id, data })
    }
    const fresh = [...views.others.keys()].filter((id) => !this.called.has(id) && callable(id))
    const id = fresh.length > 0 ? fresh[rng.below(fresh.length)] : [...this.called.keys()].find(callable)

    return id === undefined ? undefined : { id, data: views.others.get(id) }
  }
}
