import { Calls } from './calls.ts'
import { Healing } from './healing.ts'
import { REMINDER_DELAY_MS, UPKEEP_INTERVAL_MS } from './limits.ts'
import { askNeighbor } from './links.ts'
import { Nearness } from './nearness.ts'
import { Neighborship } from './neighborship.ts'
import { usableData } from './peer-data.ts'
import { EvictionBudget } from './refusals.ts'
import { Shuffles } from './shuffles.ts'
import { Strangers } from './strangers.ts'
import { Views } from './views.ts'
import { Walks } from './walks.ts'
import type { Config, Rules } from './config.ts'
import type { DisconnectReason, Outbox, TimerKind } from './events.ts'
import type { Lateness } from './lateness.ts'
import type { Message, PeerKey, SwarmMessage } from './messages.ts'
import type { Patience } from './patience.ts'
import type { Rng } from './rng.ts'
import type { Link } from './views.ts'

export interface HyParViewInit {
  me: PeerKey
  peerData?: Uint8Array
  config: Config
  rules: Rules
  rng: Rng
  /** Tells this stay in the topic from all others of the node. */
  epoch: number
  /** How long answers take, in all topics. */
  patience: Patience
  lateness: Lateness
}

/** What the parts of membership share. */
export interface Membership {
  readonly me: PeerKey
  /** Our own address data, as it is now. */
  peerData?: Uint8Array
  readonly config: Config
  readonly rules: Rules
  readonly rng: Rng
  readonly views: Views
  /** How late the node is, in all topics. */
  readonly lateness: Lateness
  readonly healing: Healing
  readonly shuffles: Shuffles
  readonly evictions: EvictionBudget
  readonly nearness: Nearness
  readonly calls: Calls
}

/** The timers that belong to membership. */
export type MembershipTimer = Extract<TimerKind, {
  type: 'shuffle' | 'sound' | 'call' | 'pendingNeighborRequest' | 'joinContact' | 'nextContact' | 'rejoin' | 'refillActiveView' | 'refuse' | 'upkeep' | 'remind'
}>

/** Entries of each map of membership. */
export interface MembershipSizes {
  passiveView: number
  knownPeers: number
  neighborRequests: number
  refusals: number
  strangers: number
  /** Peers not to be asked for a while, and neighbors lost to failures. */
  remembered: number
  /** Shuffles without reply, and replies without Shuffle. */
  shuffles: number
  /** Peers sounded lately, and those that sounded us. */
  sounded: number
  /** Peers that may be called because they may have fallen out, and those that were. */
  called: number
}

/**
 * HyParView: who our neighbors are, and who could replace them.
 *
 * Page numbers, here and in the parts, are those of the DSN 2007 paper. Where
 * they depart from it or from the Rust crate, the reason stands beside.
 */
export class HyParView {
  readonly views: Views
  private readonly links: ReadonlyMap<PeerKey, Link>
  private readonly shared: Membership
  private readonly healing: Healing
  private readonly shuffles: Shuffles
  private readonly neighborship: Neighborship
  private readonly walks: Walks
  private readonly strangers = new Strangers()
  private upkeepArmed = false

  constructor (init: HyParViewInit) {
    const { me, config, rules, rng, patience, lateness } = init
    const views = new Views({
      me,
      config: config.membership,
      rules,
      rng,
      busyWith: (peer) => this.healing.isAsking(peer) || this.neighborship.refusals.has(peer)
    })
    this.views = views
    this.links = views.links
    this.shuffles = new Shuffles(me, config, rules, views)
    this.healing = new Healing({ me, config: config.membership, rules, rng, views, epoch: init.epoch, patience, lateness, myData: () => this.shared.peerData })
    const shared = { me, config, rules, rng, views, lateness, healing: this.healing, shuffles: this.shuffles, evictions: new EvictionBudget() }
    // the parts know each other through what they share
    this.shared = Object.assign(shared, { nearness: new Nearness(shared as Membership), calls: new Calls(shared as Membership) })
    this.walks = new Walks(this.shared)
    this.neighborship = new Neighborship(this.shared, this.walks)
    this.updatePeerData(init.peerData)
  }

  get sizes (): MembershipSizes {
    return {
      passiveView: this.views.passive.size,
      knownPeers: this.views.known.size,
      neighborRequests: this.healing.requests.size,
      refusals: this.neighborship.refusals.size,
      strangers: this.strangers.size,
      remembered: this.healing.size,
      shuffles: this.shuffles.size,
      sounded: this.shared.nearness.size,
      called: this.shared.calls.size
    }
  }

  /** Whether a connection to the peer is of use: it is a neighbor, or something is being asked by either. */
  needs (peer: PeerKey): boolean {
    return this.views.links.has(peer) || this.healing.isAsking(peer) || this.neighborship.refusals.has(peer) || this.shared.nearness.needs(peer)
  }

  /** Our address data from now on. Data that nobody may pass on is not sent at all. */
  updatePeerData (data: Uint8Array | undefined): void {
    this.shared.peerData = usableData(data) ? data : undefined
  }

  join (peers: PeerKey[], now: number, out: Outbox): void {
    this.healing.joining.join(peers, now, out)
    this.settle(now, out)
  }

  found (peers: PeerKey[], now: number, out: Outbox): void {
    this.healing.joining.found(peers, now, out)
    this.settle(now, out)
  }

  /** Tells everybody who counts us as neighbor, or soon will. */
  quit (out: Outbox): void {
    this.neighborship.quit(out)
  }

  /**
   * Notes a sign of life; to be called for each message.
   *
   * @returns whether the sender is a neighbor
   */
  heard (from: PeerKey, message: Message, now: number): boolean {
    const link = this.links.get(from)

    if (link === undefined) {
      return false
    }

    if (comesFromNeighborsOnly(from, message)) {
      link.heardAt = Math.floor(now)
      link.probes = 0
    }

    return true
  }

  handleMessage (from: PeerKey, message: SwarmMessage, now: number, out: Outbox): void {
    if (message.type !== 'disconnect') {
      this.dropHeldReply(from, out)
    }

    switch (message.type) {
      case 'join': this.neighborship.onJoin(from, message.data, now, out); break
      case 'forwardJoin': this.walks.onForwardJoin(from, message, now, out); break
      case 'shuffle': this.walks.onShuffle(from, message, now, out); break
      case 'shuffleReply': this.walks.onShuffleReply(from, message, now, out); break
      case 'neighbor': this.neighborship.onNeighbor(from, message, now, out); break
      case 'disconnect': this.neighborship.onDisconnect(from, message, now, out); break
      default: message satisfies never
    }

    if (!this.needs(from)) {
      out.release(from)
    }

    this.settle(now, out)
  }

  /** A neighbor sends broadcast messages: what it said before was no goodbye. */
  onBroadcastMessage (from: PeerKey, out: Outbox): void {
    this.dropHeldReply(from, out)
  }

  /**
   * A peer that is no neighbor sends broadcast messages, so it counts us as
   * one. PlumTree in Rust never asks, so the one-sided link would last. If it
   * goes on it is told, and both sides agree again (rule 24).
   */
  onStranger (from: PeerKey, now: number, out: Outbox): void {
    this.dropHeldReply(from, out)

    if (!this.needs(from) && this.strangers.isDue(from, now)) {
      this.neighborship.sendDisconnect(from, true, out)
    }

    this.settle(now, out)
  }

  /** No connection to the peer is left. */
  onPeerDisconnected (peer: PeerKey, reason: DisconnectReason, now: number, out: Outbox): void {
    this.shared.nearness.onPeerDisconnected(peer)
    this.neighborship.onPeerDisconnected(peer, reason, now, out)
    this.settle(now, out)
  }

  handleTimer (timer: MembershipTimer, now: number, out: Outbox): void {
    switch (timer.type) {
      case 'shuffle': this.walks.onShuffleTimer(now, out); break
      case 'sound': this.shared.nearness.onSoundTimer(now, out); break
      case 'call': this.shared.calls.onCallTimer(timer.generation, now, out); break
      case 'pendingNeighborRequest': this.healing.onPendingNeighborRequestTimer(timer.peer, timer.generation, now, out); break
      case 'joinContact': this.healing.joining.onJoinContactTimer(timer.peer, timer.generation, now, out); break
      case 'nextContact': this.healing.joining.onNextContactTimer(timer.generation, now, out); break
      case 'rejoin': this.healing.onRejoinTimer(now, out); break
      case 'refillActiveView': this.healing.onRefillTimer(now, out); break
      case 'refuse': this.neighborship.onRefuseTimer(timer.peer, timer.generation, now, out); break
      case 'upkeep': this.onUpkeepTimer(now, out); break
      case 'remind': this.remind(timer.peer, now, out); break
      default: timer satisfies never
    }

    this.settle(now, out)
  }

  /**
   * Another topic that we share with a neighbor has ended: a Rust peer has
   * dropped what it sends with in all topics, and counts us again only when it
   * receives a frame (rule 9). A peer of our kind has dropped nothing: with
   * hundreds of topics in common, reminders would outnumber all else.
   *
   * @param sent - whether the Disconnect was ours: on its own stream a reminder could overtake it
   */
  onParted (peer: PeerKey, sent: boolean, now: number, out: Outbox): void {
    if (this.views.isOurKind(peer)) {
      return
    }

    if (sent) {
      out.schedule(REMINDER_DELAY_MS, { type: 'remind', peer })
    } else {
      this.remind(peer, now, out)
    }
  }

  /**
   * A stream or one of several connections to the peer was lost. A Rust peer
   * whose chosen connection ends removes us from all topics though another one
   * lives (rule 8): the link is asked for again, never just resumed.
   */
  onLinkBroken (peer: PeerKey, now: number, out: Outbox): void {
    this.remind(peer, now, out)
  }

  private remind (peer: PeerKey, now: number, out: Outbox): void {
    const link = this.views.links.get(peer)

    if (link !== undefined) {
      askNeighbor(peer, link, 'low', this.shared.peerData, now, out)
    }
  }

  /** Probes silent neighbors and forgets what is too old. */
  private onUpkeepTimer (now: number, out: Outbox): void {
    this.upkeepArmed = false
    this.neighborship.probe(now, out)
    this.views.known.sweep(now)
    this.shuffles.sweep(now)

    // they may have been answered, and nothing else ends what was opened for that
    for (const peer of [...this.strangers.sweep(now), ...this.shared.nearness.sweep(now)]) {
      if (!this.needs(peer)) {
        out.release(peer)
      }
    }

    this.healing.sweep(now)
    this.shared.calls.sweep(now)
    this.healing.refill(now, out)
  }

  /** After every event: timers that run as long as there is something for them to do. */
  private settle (now: number, out: Outbox): void {
    this.healing.settle(out)

    if (this.views.links.size > 0) {
      this.walks.armShuffle(out)
      this.shared.nearness.arm(out)
      this.shared.calls.arm(now, out)
    }

    const { views, shuffles, strangers, healing, shared } = this

    if (!this.upkeepArmed && views.links.size + views.known.size + shuffles.size + strangers.size + healing.size + shared.nearness.size + shared.calls.size > 0) {
      this.upkeepArmed = true
      out.schedule(UPKEEP_INTERVAL_MS, { type: 'upkeep' })
    }
  }

  private dropHeldReply (from: PeerKey, out: Outbox): void {
    if (this.shuffles.isHeld(from)) {
      this.shuffles.takeHeld(from)
      out.violation(from, 'unexpectedShuffleReply')
    }
  }
}

/**
 * Whether a message shows that its sender counts us as neighbor. Walks are
 * answered by strangers, and strangers get a Prune for what they send twice:
 * that alone would hide for ever that a link is one-sided.
 */
function comesFromNeighborsOnly (from: PeerKey, message: Message): boolean {
  switch (message.type) {
    case 'shuffleReply':
    case 'prune':
      return false
    case 'shuffle':
      return message.origin !== from || message.ttl > 0
    default:
      return true
  }
}
