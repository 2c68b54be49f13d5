import { append } from './append.ts'
import { KNOWN_PEER_RETENTION_MS } from './limits.ts'
import { equal, usableData } from './peer-data.ts'
import type { Outbox } from './events.ts'
import type { PeerInfo, PeerKey } from './messages.ts'

/**
 * What is kept of a peer in four numbers: its neighbors in the order of hearing,
 * when it was heard of, whether it is doubted.
 */
const STRIDE = 4
const [OLDER, NEWER, HEARD_AT_S, DOUBTED] = [0, 1, 2, 3]
/** Times are seconds, of which the lowest 16 bits are kept: 18 hours, far beyond what any peer is remembered. */
const TIME_MASK = 0xffff
const RETENTION_S = KNOWN_PEER_RETENTION_MS / 1000
/** Slots of the table for each place, at least. */
const SLOTS = 1.5
/** The place before the first and after the last peer of the order. */
const END = 0
const MIN_PLACES = 8
const FEW_PLACES = 64

/**
 * Peers that were heard of, and what they said, or others said of them, about
 * how to reach them.
 *
 * Those in use (a view, a request) stay; of the others the one heard of longest
 * ago goes first when there are too many, and each after a while. A topic may
 * know hundreds, and a node be in thousands of topics: so this is a hash table
 * with open addressing whose entries are numbers in one typed array, a twentieth
 * of the bytes that a `Map` of objects takes.
 */
export class KnownPeers {
  private readonly capacity: number
  private readonly inUse: (peer: PeerKey) => boolean
  /** By place; the first place stands for no peer. Without gaps. */
  private infos: Array<PeerInfo | undefined> = [undefined]
  /**
   * `STRIDE` numbers for each place; behind them the table: places by hash, 0 is
   * free. One array, since each takes 400 bytes besides its numbers.
   */
  private entries: Uint16Array | Uint32Array
  /** Places that there is room for. */
  private places = 0
  /** Slots of the table: a power of two. */
  private slots = 0
  private doubted = 0

  /**
   * @param capacity - at least as many as can be in use
   */
  constructor (capacity: number, inUse: (peer: PeerKey) => boolean) {
    this.capacity = capacity
    this.inUse = inUse
    // numbers are places, or smaller
    this.entries = capacity < 0x8000 ? new Uint16Array(0) : new Uint32Array(0)
  }

  get size (): number {
    return this.infos.length - 1
  }

  /** Those that may be asked when nobody else is left: all but the doubted. */
  get trusted (): number {
    return this.size - this.doubted
  }

  /** The peer with the newest data known. The object is shared: it must not be changed. */
  info (id: PeerKey): PeerInfo {
    return this.infos[this.placeOf(id)] ?? { id }
  }

  /**
   * A peer was heard of, with or without data. Tells of data that is new.
   *
   * @returns the peer as {@link info} has it from now on
   */
  hear (peer: PeerInfo, now: number, out: Outbox): PeerInfo {
    const { id, data } = peer
    const usable = usableData(data)
    const slot = this.places === 0 ? 0 : this.slotOf(id)
    const place = this.places === 0 ? END : this.entries[slot]

    if (place === END) {
      const info = usable || !('data' in peer) ? peer : { id }
      this.append(info, slot, now)

      if (usable) {
        out.peerData(id, data)
      }

      if (this.size > this.capacity) {
        this.evict(now)
      }

      return info
    }

    let known = this.infos[place] ?? peer

    if (usable && (known.data === undefined || !equal(known.data, data))) {
      known = peer
      this.infos[place] = peer
      out.peerData(id, data)
    }

    this.trust(place)
    this.renew(place, now)

    return known
  }

  /** Keeps the data and tells of it if it is new; does nothing without usable data. */
  learn (id: PeerKey, data: Uint8Array | undefined, now: number, out: Outbox): void {
    if (usableData(data)) {
      this.hear({ id, data }, now, out)
    }
  }

  /** Tells again what is known of a peer that is about to be dialed. */
  recall (id: PeerKey, out: Outbox): void {
    const { data } = this.info(id)

    if (data !== undefined) {
      out.peerData(id, data)
    }
  }

  /** The peer did not answer: it is not to be asked before it is heard of again. */
  doubt (id: PeerKey): void {
    const place = this.placeOf(id)

    if (place !== END && this.entries[place * STRIDE + DOUBTED] === 0) {
      this.entries[place * STRIDE + DOUBTED] = 1
      this.doubted++
    }
  }

  forget (id: PeerKey): void {
    const place = this.placeOf(id)

    if (place !== END) {
      this.remove(place)
    }
  }

  /** Those that are not doubted, the one heard of last first. Must not be changed meanwhile. */
  * newestFirst (): Generator<PeerInfo> {
    for (let place = this.older(END); place !== END; place = this.older(place)) {
      const info = this.infos[place]

      if (info !== undefined && this.entries[place * STRIDE + DOUBTED] === 0) {
        yield info
      }
    }
  }

  /** Forgets those heard of too long ago. */
  sweep (now: number): void {
    const seconds = secondsOf(now)

    for (let oldest = this.newer(END); oldest !== END && ((seconds - this.entries[oldest * STRIDE + HEARD_AT_S]) & TIME_MASK) >= RETENTION_S; oldest = this.newer(END)) {
      this.removeUnlessUsed(oldest, now)
    }
  }

  /** Makes room for one more. */
  private evict (now: number): void {
    for (let tries = this.size; tries > 0; tries--) {
      if (this.removeUnlessUsed(this.newer(END), now)) {
        return
      }
    }
  }

  /** A peer in use counts as heard of now. */
  private removeUnlessUsed (place: number, now: number): boolean {
    const info = this.infos[place]

    if (info !== undefined && this.inUse(info.id)) {
      this.renew(place, now)

      return false
    }

    this.remove(place)

    return true
  }

  private older (place: number): number {
    return this.size === 0 ? END : this.entries[place * STRIDE + OLDER]
  }

  private newer (place: number): number {
    return this.size === 0 ? END : this.entries[place * STRIDE + NEWER]
  }

  /**
   * @param slot - the free slot that was found for it
   */
  private append (peer: PeerInfo, slot: number, now: number): void {
    const place = this.infos.length

    if (place < this.places) {
      this.infos = append(this.infos, peer)
      this.entries[slot] = place
    } else {
      this.grow()
      this.infos = append(this.infos, peer)
      this.entries[this.freeSlotFor(peer.id)] = place
    }

    this.entries[place * STRIDE + DOUBTED] = 0
    this.link(place, now)
  }

  /** Makes a peer the newest. */
  private renew (place: number, now: number): void {
    if (this.older(END) !== place) {
      this.unlink(place)
      this.link(place, now)
    } else {
      this.entries[place * STRIDE + HEARD_AT_S] = secondsOf(now)
    }
  }

  private trust (place: number): void {
    this.doubted -= this.entries[place * STRIDE + DOUBTED]
    this.entries[place * STRIDE + DOUBTED] = 0
  }

  private link (place: number, now: number): void {
    const { entries } = this
    const newest = entries[END * STRIDE + OLDER]
    entries[place * STRIDE + OLDER] = newest
    entries[place * STRIDE + NEWER] = END
    entries[place * STRIDE + HEARD_AT_S] = secondsOf(now)
    entries[newest * STRIDE + NEWER] = place
    entries[END * STRIDE + OLDER] = place
  }

  private unlink (place: number): void {
    const { entries } = this
    const [older, newer] = [entries[place * STRIDE + OLDER], entries[place * STRIDE + NEWER]]
    entries[older * STRIDE + NEWER] = newer
    entries[newer * STRIDE + OLDER] = older
  }

  /** Takes a peer out, and puts the one at the last place into the gap. */
  private remove (place: number): void {
    const { entries, infos } = this
    const last = infos.length - 1
    this.trust(place)
    this.unlink(place)
    this.clearSlot(place)

    if (place !== last) {
      const slot = this.slotOf(this.idAt(last))
      const [from, to] = [last * STRIDE, place * STRIDE]
      entries.copyWithin(to, from, from + STRIDE)
      entries[entries[to + OLDER] * STRIDE + NEWER] = place
      entries[entries[to + NEWER] * STRIDE + OLDER] = place
      infos[place] = infos[last]
      entries[slot] = place
    }

    infos.pop()
  }

  private grow (): void {
    // a few take little; whoever knows many will soon know as many as it may, and a few above that are in use
    const places = this.places < FEW_PLACES
      ? Math.max(MIN_PLACES, this.places * 2)
      : Math.max(Math.min(this.places * 4, this.capacity), this.places) + MIN_PLACES
    const slots = 2 ** Math.ceil(Math.log2(places * SLOTS))
    const length = places * STRIDE + slots
    const entries = this.entries instanceof Uint16Array ? new Uint16Array(length) : new Uint32Array(length)
    entries.set(this.entries.subarray(0, this.places * STRIDE))
    this.entries = entries
    this.places = places
    this.slots = slots

    for (let place = 1; place < this.infos.length; place++) {
      entries[this.freeSlotFor(this.idAt(place))] = place
    }
  }

  /** Where the table has room for a peer that it does not have. */
  private freeSlotFor (id: PeerKey): number {
    const { entries } = this
    const begin = this.places * STRIDE
    const mask = this.slots - 1
    let slot = hashOf(id) & mask

    while (entries[begin + slot] !== END) {
      slot = (slot + 1) & mask
    }

    return begin + slot
  }

  /** The place of a peer, `END` if it is not known. */
  private placeOf (id: PeerKey): number {
    return this.places === 0 ? END : this.entries[this.slotOf(id)]
  }

  /** Where the table has the peer, or would have it: an index of the array. */
  private slotOf (id: PeerKey): number {
    const { entries } = this
    const begin = this.places * STRIDE
    const mask = this.slots - 1
    let slot = hashOf(id) & mask

    while (entries[begin + slot] !== END && this.idAt(entries[begin + slot]) !== id) {
      slot = (slot + 1) & mask
    }

    return begin + slot
  }

  /** Frees the slot of a place, and closes the gap for those that were pushed on by it. */
  private clearSlot (place: number): void {
    const { entries } = this
    const begin = this.places * STRIDE
    const mask = this.slots - 1
    let gap = this.slotOf(this.idAt(place)) - begin
    entries[begin + gap] = END

    for (let slot = (gap + 1) & mask; entries[begin + slot] !== END; slot = (slot + 1) & mask) {
      const wanted = hashOf(this.idAt(entries[begin + slot])) & mask

      if (((slot - wanted) & mask) >= ((slot - gap) & mask)) {
        entries[begin + gap] = entries[begin + slot]
        entries[begin + slot] = END
        gap = slot
      }
    }
  }

  private idAt (place: number): PeerKey {
    const info = this.infos[place]

    if (info === undefined) {
      // places run from 1 to the number of peers without a gap
      throw new Error(`nobody at place ${place}`)
    }

    return info.id
  }
}

/** A time as it is kept. */
function secondsOf (now: number): number {
  return Math.floor(now / 1000) & TIME_MASK
}

/** Of the last eight characters: keys are hexadecimal and random. Who makes keys of equal hashes makes a search as long as the table. */
function hashOf (id: PeerKey): number {
  let hash = 0x811c9dc5

  for (let i = Math.max(0, id.length - 8); i < id.length; i++) {
    hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  }

  return hash ^ hash >>> 15
}
