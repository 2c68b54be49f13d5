import { IndexedSet } from './indexed-set.ts'
import { KnownPeers } from './known-peers.ts'
import { KNOWN_PEER_RETENTION_MS, MAX_KNOWN_PEERS, MIN_EXTRA_KNOWN_PEERS } from './limits.ts'
import { withUsableData } from './peer-data.ts'
import { TimeBoundCache } from './time-bound-cache.ts'
import type { MembershipConfig, Rules } from './config.ts'
import type { Outbox } from './events.ts'
import type { PeerInfo, PeerKey } from './messages.ts'
import type { Rests } from './rests.ts'
import type { Rng } from './rng.ts'

// the bounds are the same in every topic
const OTHERS = { retentionMs: KNOWN_PEER_RETENTION_MS, capacity: MAX_KNOWN_PEERS }

/** What is known of a neighbor. */
export interface Link {
  /** When it became a neighbor, and when it was last heard: whole milliseconds, which take no memory of their own. */
  readonly since: number
  heardAt: number
  /** Whether we asked first. Such links outlive those that others chose. */
  readonly chosenByUs: boolean
  /**
   * What the next Neighbor from it is: a request (`none`), the answer to ours
   * (`asked`) or the last word after our answer (`answered`).
   */
  handshake: 'none' | 'asked' | 'answered'
  handshakeUntil: number
  /** Questions since it was last heard. */
  probes: number
  /** Milliseconds from a Neighbor to its answer, where one was measured; may include the time to connect. */
  roundTripMs?: number
  /** Not to be given up for a nearer one: such links keep the overlay together. */
  readonly unbiased: boolean
}

export interface ViewsInit {
  me: PeerKey
  config: MembershipConfig
  rules: Rules
  rng: Rng
  /** Whether something is being asked of a peer that is in neither view. */
  busyWith (peer: PeerKey): boolean
}

/**
 * The two partial views of HyParView: neighbors, and peers to replace them.
 *
 * They are disjoint, bounded, and never hold ourselves. A full passive view
 * loses a random peer to a new one; who leaves the active view is the
 * membership's decision.
 */
export class Views {
  /** Neighbors, with a link each. */
  readonly active = new IndexedSet<PeerKey>()
  readonly links = new Map<PeerKey, Link>()
  /** Peers without a connection that we could dial. */
  readonly passive = new IndexedSet<PeerKey>()
  /** Peers that were heard of, in either view or not, with their data. */
  readonly known: KnownPeers

  /** Peers that were heard of and do not run this package's rules, as far as is known, with their data. */
  readonly others = new TimeBoundCache<PeerKey, Uint8Array | undefined>(OTHERS)

  /** Another number whenever a peer came into a view or left the active one. */
  changes = 0

  private readonly init: ViewsInit

  constructor (init: ViewsInit) {
    const { activeViewCapacity, passiveViewCapacity } = init.config
    this.init = init
    this.known = new KnownPeers(
      Math.max(MAX_KNOWN_PEERS, activeViewCapacity + passiveViewCapacity + MIN_EXTRA_KNOWN_PEERS),
      (peer) => this.links.has(peer) || this.passive.has(peer) || init.busyWith(peer)
    )
  }

  get isFull (): boolean {
    return this.active.size >= this.init.config.activeViewCapacity
  }

  /** Milliseconds to the farthest neighbor and back; 0 where nothing was measured. */
  get longestRoundTripMs (): number {
    let longest = 0

    for (const { roundTripMs = 0 } of this.links.values()) {
      longest = Math.max(longest, roundTripMs)
    }

    return longest
  }

  info (peer: PeerKey): PeerInfo {
    return this.known.info(peer)
  }

  /**
   * Whether a task that keeps views fresh should take this turn: more rarely
   * where views do not change, but never so beside Rust peers, which ask others
   * only when a ShuffleReply reminds them.
   */
  isWorthAWord (rests: Rests): boolean {
    return this.others.size > 0 || rests.isDue(this.changes, this.knowsOnlyNeighbors)
  }

  /** Whether the swarm seems to be us and our neighbors: nobody else was heard of. */
  get knowsOnlyNeighbors (): boolean {
    return this.passive.size === 0 && this.others.size === 0
  }

  /** Whether the peer may be remembered: whoever is named to a Rust peer and cannot be dialed is lost to it (rule 10). */
  canDial (peer: PeerKey): boolean {
    return this.init.rules.canDial(this.info(peer))
  }

  /** Whether the peer runs this package's rules, as far as its address data tells. */
  isOurKind (peer: PeerKey): boolean {
    return this.init.rules.understandsRefusal(this.info(peer).data)
  }

  addActive (peer: PeerKey, link: Link): void {
    this.changes++
    this.passive.delete(peer)
    this.active.add(peer)
    this.links.set(peer, link)
  }

  removeActive (peer: PeerKey): void {
    this.changes++
    this.active.delete(peer)
    this.links.delete(peer)
  }

  /**
   * Remembers a peer and its data, unless it is us, a neighbor, or nobody whom
   * we could dial: it would circulate, and stop a Rust peer from ever dialing it.
   */
  addPassive (peer: PeerInfo, now: number, out: Outbox): void {
    const { me, config, rules, rng } = this.init

    if (peer.id === me) {
      return
    }

    const known = this.known.hear(peer, now, out)
    this.noteOther(known, now)

    if (config.passiveViewCapacity === 0 || this.links.has(peer.id) || this.passive.has(peer.id) || !rules.canDial(known)) {
      return
    }

    if (this.passive.size >= config.passiveViewCapacity) {
      this.passive.deleteRandom(rng)
    }

    this.changes++
    this.passive.add(peer.id)
  }

  /** Notes a peer that came by, unless it runs this package's rules: others may one day need help to return. */
  noteOther (peer: PeerInfo, now: number): void {
    const data = peer.data ?? this.known.info(peer.id).data

    if (peer.id !== this.init.me && !this.init.rules.understandsRefusal(data)) {
      this.others.set(peer.id, data, now)
    } else {
      // its data came later than its name
      this.others.delete(peer.id)
    }
  }

  /** A peer that does not answer in time is not to be asked again; one that does not run our rules may still be called. */
  setAside (peer: PeerKey): void {
    this.passive.delete(peer)
    this.known.doubt(peer)
  }

  /** A peer that is gone is not to be asked again. */
  forget (peer: PeerKey): void {
    this.setAside(peer)
    this.others.delete(peer)
  }

  /** A random neighbor that may be told of `peer`, and is none of `without`. */
  pickNeighbor (without: PeerKey[], peer?: PeerInfo): PeerKey | undefined {
    return this.active.pick(this.init.rng, (id) =>
      !without.includes(id) && (peer === undefined || this.init.rules.mayTell(id, peer)))
  }

  /**
   * Peers that `to` may be told of, in random order within each view.
   *
   * @param activeFirst - neighbors that come first; then come remembered peers
   * @param fill - whether further neighbors fill what is left
   */
  sample (to: PeerKey, count: number, activeFirst: number, fill: boolean): PeerInfo[] {
    const { rng, rules } = this.init
    let taken: PeerInfo[] = []
    const take = (id: PeerKey): boolean => {
      const info = id === to ? undefined : this.info(id)
      const isTellable = info !== undefined && rules.mayTell(to, info)

      if (isTellable) {
        taken.push(info)
      }

      return isTellable
    }

    this.active.sample(rng, fill ? count : Math.min(activeFirst, count), take)
    const active = taken
    const rest = active.splice(activeFirst)
    taken = []
    this.passive.sample(rng, count - active.length, take)
    active.push(...taken)

    for (let i = 0; i < rest.length && active.length < count; i++) {
      active.push(rest[i])
    }

    return active
  }

  /** Those of the peers that `to` may be told of, without data that must not go on. */
  tellable (to: PeerKey, peers: PeerInfo[]): PeerInfo[] {
    const { rules } = this.init

    // mostly nothing is to be left out
    return peers.every((peer) => peer.id !== to && withUsableData(peer) === peer && rules.mayTell(to, peer))
      ? peers
      : peers.map(withUsableData).filter((peer) => peer.id !== to && rules.mayTell(to, peer))
  }
}
