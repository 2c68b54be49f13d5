import { LazyMap } from './lazy-map.ts'
import { GRAFT_PAUSE_MS, LATE_COPY_MS, MAX_GRAFTS_AT_ONCE } from './limits.ts'
import { MissingMessages } from './missing-messages.ts'
import type { BroadcastConfig } from './config.ts'
import type { Outbox } from './events.ts'
import type { IHaveEntry, PeerKey } from './messages.ts'
import type { Announcement, MissingMessage } from './missing-messages.ts'
import type { Pace } from './pace.ts'
import type { PushPeers } from './push-peers.ts'

/** Messages that came the same way in a row after which there seems to be one sender. */
const MIN_IN_A_ROW = 32
/** Rounds between announcement and forwarded payload of a path that is one hop shorter. */
const NEARER = 2
/** Milliseconds between two that are tried: whoever makes messages has their ids, and so their number, in its hand. */
const MIN_SHORTCUT_MS = 250

/**
 * Asks for announced messages that do not come, and mends the tree by it
 * (PlumTree p. 8).
 */
export class Repair {
  private readonly config: BroadcastConfig
  private readonly peers: PushPeers
  private readonly missing = new MissingMessages()
  /** The message that a peer was asked for last. */
  private readonly asked = new LazyMap<PeerKey, string>()
  private readonly pace: Pace
  private armedAt = Infinity
  /** A message that was fetched over a lazy link, and when: it comes over the tree as well, if the tree is whole. */
  private fetched: { key: string, at: number } | undefined
  /** Who brought the last message and in which round, and how many came so in a row. */
  private bringer: PeerKey | undefined
  private round = 0
  private inARow = 0
  /** A shorter path that was asked for, and the link that it replaces once the copy over that comes second. */
  private shortcut: { over: PeerKey, instead: PeerKey } | undefined
  private triedAt = -Infinity

  constructor (config: BroadcastConfig, peers: PushPeers, pace: Pace) {
    this.config = config
    this.peers = peers
    this.pace = pace
  }

  /** Announced messages that have not come. */
  get size (): number {
    return this.missing.size
  }

  /**
   * A message that was not received was announced: waits for the eager copy.
   *
   * @returns false if there are too many; `arm` is to be called after the last
   */
  announce (from: PeerKey, key: string, entry: IHaveEntry, now: number): boolean {
    return this.missing.announce(from, key, entry, now + this.config.graftTimeout1Ms)
  }

  /** The message has come: forgets it and returns what was known. */
  take (key: string, from: PeerKey, round: number, now: number): MissingMessage | undefined {
    const message = this.missing.take(key)

    if (from === this.bringer && round === this.round) {
      this.inARow++
    } else {
      this.bringer = from
      this.round = round
      this.inARow = 1
    }

    if (this.inARow === MIN_IN_A_ROW && from === this.shortcut?.over) {
      // nothing comes over the old link any more
      this.takeShortcut()
    }

    if (message?.asked === from && this.fetched === undefined && this.peers.lazy.has(from)) {
      this.fetched = { key, at: now }
    }

    return message
  }

  /** A message has come once more. */
  onSecondCopy (key: string, from: PeerKey): void {
    if (this.fetched?.key === key && this.peers.eager.has(from)) {
      this.fetched = undefined
    }
  }

  /** Nothing is to be asked of the peer any more. */
  removePeer (peer: PeerKey): void {
    this.missing.removePeer(peer)
    this.asked.delete(peer)
    this.onCut(peer)
  }

  /** The link does not bring payloads any more: the shorter path has to, if there is one, or is none. */
  onCut (peer: PeerKey): void {
    if (this.shortcut?.instead === peer) {
      this.takeShortcut()
    } else if (this.shortcut?.over === peer) {
      this.shortcut = undefined
    }
  }

  private takeShortcut (): void {
    this.shortcut !== undefined && this.peers.addEager(this.shortcut.over)
    this.shortcut = undefined
  }

  /** Whether the message is the one that the peer was asked for last: its link carries payloads for no other reason. */
  wasAsked (peer: PeerKey, key: string): boolean {
    return this.asked.get(peer) === key
  }

  /**
   * "When a GRAFT message is sent, another timer is started to expire after a
   * certain timeout, to ensure that the message will be requested to another
   * neighbor" (p. 9). One timer serves all missing messages.
   */
  onTimer (at: number, now: number, out: Outbox): void {
    // what the timer was armed for is due, however the sum was rounded
    const due = Math.max(at, now)
    const againAt = now + this.config.graftTimeout2Ms

    if (this.armedAt <= due) {
      this.armedAt = Infinity
    }

    for (let sent = 0; sent < MAX_GRAFTS_AT_ONCE; sent++) {
      // each Graft to somebody new adds a link that may close a cycle
      const next = this.missing.nextDue(due, againAt, (peer) => this.peers.eager.has(peer))

      if (next === undefined) {
        break
      }

      const { key, message, announcement: { peer, round } } = next
      const isLazy = this.peers.lazy.has(peer)
      out.send(peer, { type: 'graft', id: message.id, round })

      if (isLazy && this.pace.isBurst && !this.isLinkMissing(now)) {
        // in a burst most of what seems missing is late only, and over one link more hundreds would come twice
        out.send(peer, { type: 'prune' })
        continue
      }

      if (isLazy) {
        this.asked.set(peer, key)
      }

      this.peers.addEager(peer)
    }

    this.arm(now, out, now + GRAFT_PAUSE_MS)
  }

  /** Whether a message that was fetched has not come over the tree; says so once. */
  private isLinkMissing (now: number): boolean {
    const isMissing = this.fetched !== undefined && now - this.fetched.at >= LATE_COPY_MS

    if (isMissing) {
      this.fetched = undefined
    }

    return isMissing
  }

  /** Arms the timer for the next message that is to be asked for, not before `earliest`. */
  arm (now: number, out: Outbox, earliest = now): void {
    const next = this.missing.nextAt

    if (next === undefined) {
      return
    }

    const at = Math.max(next, earliest)

    if (at < this.armedAt) {
      this.armedAt = at
      out.schedule(at - now, { type: 'sendGraft', at })
    }
  }

  /**
   * A message came over a link and a shorter path that is to replace it: the
   * one over which it came second is to be cut.
   *
   * Until then the shorter path counts as lazy: what still comes over the old
   * link must not go back to where it came from, for whom it would look like a cycle.
   */
  decide (first: PeerKey, second: PeerKey): PeerKey | undefined {
    const { over, instead } = this.shortcut ?? {}

    if (first === instead && second === over && this.peers.eager.has(first)) {
      this.shortcut = undefined

      return second
    }

    if (first === over && second === instead) {
      this.takeShortcut()

      return second
    }

    return undefined
  }

  /**
   * PlumTree p. 12: a neighbor that announced the message much nearer to its
   * origin takes the place of the one that delivered it.
   *
   * With further messages under way both links stay until a copy comes second:
   * cut at once, the old one would leave a gap. And then it is done for a single
   * sender only, whose messages all come the same way: what is nearer to one is
   * farther from another. For that a little nearer is enough, since trees that
   * grew in other times may be twice as deep as need be.
   */
  optimizeTree (from: PeerKey, missing: MissingMessage, round: number, now: number, out: Outbox): void {
    let best: Announcement | undefined

    for (const announcement of missing.announcements) {
      if (this.peers.has(announcement.peer) && (best === undefined || announcement.round < best.round)) {
        best = announcement
      }
    }

    if (best === undefined || best.peer === from) {
      return
    }

    if (this.pace.overlaps) {
      round - best.round >= NEARER && this.tryShortcut(best, from, now, out)
    } else if (round - best.round >= this.config.optimizationThreshold) {
      if (this.peers.lazy.has(best.peer)) {
        out.send(best.peer, { type: 'graft', round: best.round })
      }

      this.peers.addEager(best.peer)
      this.peers.addLazy(from)
      this.onCut(from)
      out.send(from, { type: 'prune' })
    }
  }

  private tryShortcut ({ peer, round }: Announcement, instead: PeerKey, now: number, out: Outbox): void {
    if (this.inARow < MIN_IN_A_ROW || now - this.triedAt < MIN_SHORTCUT_MS) {
      return
    }

    if (this.shortcut !== undefined && this.shortcut.over !== peer) {
      // one at a time: of two only one would be cut
      out.send(this.shortcut.over, { type: 'prune' })
    }

    this.triedAt = now
    this.shortcut = { over: peer, instead }
    out.send(peer, { type: 'graft', round })
  }
}
