import { MAX_FORMING_MS, MAX_PAYMENT_BYTES, MAX_WAITING_MESSAGES, MAX_SETTLE_MS, MIN_CONTESTANTS, MIN_SETTLE_MS, MIN_UNDECIDED_LINKS, WAITING_PAUSE_MS } from './limits.ts'
import { gossipBytes } from './sizes.ts'
import type { Outbox } from './events.ts'
import type { PeerKey } from './messages.ts'
import type { Pace } from './pace.ts'
import type { Outgoing, PushPeers } from './push-peers.ts'

export interface TreeFormingInit {
  readonly me: PeerKey
  /** Milliseconds to the farthest neighbor and back; 0 where nothing was measured. */
  longestRoundTripMs (): number
}

interface Waiting {
  readonly message: Outgoing
  readonly from: PeerKey
}

/**
 * One tree for all, where many nodes send at once in an overlay without a tree.
 *
 * There each message would be a flood (the paper has one sender at a time), and
 * if each cut what is double, as in the Rust crate, they would cut the same
 * cycle at different places. So one message decides alone: the one with the
 * lowest id, which all nodes take for the lowest as soon as they have it.
 *
 * A node whose links are undecided (none was ever cut, asked for, or taken by
 * such a message) lets the first message lead, and from then on each one whose
 * id is lower than the leader's.
 *
 * A leader goes to all neighbors, whatever earlier leaders cut, and only second
 * copies of it cut. Over a link that is one too many copies go both ways, so
 * both ends know by themselves; Prunes follow in the end, since one that is
 * under way would be taken for the next leader's.
 *
 * Other messages wait until no new leader has come for a round trip, then they
 * take the tree. Our own go out at once: nobody has them yet.
 *
 * While all messages come over the same link, as from a single sender, there is
 * nothing to agree upon, and nothing waits; nor while there are only two.
 */
export class TreeForming {
  private readonly init: TreeFormingInit
  private readonly peers: PushPeers
  private readonly pace: Pace
  /** The message that decides, and remains the one that did. */
  private leader = ''
  /** Who brought the first message. */
  private bringer = ''
  /** Whether the messages since then came over several links, and how many they are. */
  private overSeveralLinks = false
  private messages = 0
  private startedAt = -Infinity
  /** For how long no new leader must come. */
  private settleMs = MIN_SETTLE_MS
  private settledAt = -Infinity
  private waiting: Waiting[] = []
  /** Links that the leader found to be one too many, whose other ends hear of it in the end. */
  private readonly spare = new Set<PeerKey>()
  private armedAt = Infinity

  constructor (init: TreeFormingInit, peers: PushPeers, pace: Pace) {
    this.init = init
    this.peers = peers
    this.pace = pace
  }

  /** Messages that wait for the tree. */
  get size (): number {
    return this.waiting.length
  }

  /** Sends a message on, or lets it wait. */
  push (message: Outgoing, from: PeerKey, now: number, out: Outbox): void {
    this.pace.onMessage(now)

    if (this.isForming(now)) {
      this.messages++
      this.overSeveralLinks ||= from !== this.bringer
    } else if (this.isUndecided()) {
      this.start(message.key, from, now)
    }

    if (this.isForming(now)) {
      if (message.key < this.leader) {
        this.lead(message.key, now)
      } else if (this.mustWait(message.key, from, now)) {
        this.waiting.push({ message, from })
        this.arm(this.settledAt, now, out)

        return
      }
    }

    this.peers.push(message, from, now, out)
  }

  /** Whether second copies of a message are to cut links, or must not; `undefined` where the usual rule applies. */
  judge (key: string, now: number): 'cut' | 'keep' | undefined {
    if (key === this.leader) {
      return 'cut'
    }

    return this.isAgreeing(now) ? 'keep' : undefined
  }

  /** Makes a link lazy; its other end is told, a neighbor in the end if the tree is forming. */
  cut (peer: PeerKey, now: number, out: Outbox): void {
    this.peers.addLazy(peer)

    if (this.isAgreeing(now) && this.peers.has(peer)) {
      this.spare.add(peer)
      this.arm(this.settledAt, now, out)
    } else {
      out.send(peer, { type: 'prune' })
    }
  }

  /** The tree stands, unless another leader has come meanwhile: links are cut, messages leave, not too many at a time. */
  onTimer (at: number, now: number, out: Outbox): void {
    // what the timer was armed for is due, however the sum was rounded
    const due = Math.max(at, now)

    if (due < this.armedAt) {
      return
    }

    this.armedAt = Infinity

    if (due < this.settledAt) {
      this.arm(this.settledAt, now, out)

      return
    }

    for (const peer of this.spare) {
      if (this.peers.lazy.has(peer)) {
        out.send(peer, { type: 'prune' })
      }
    }

    this.spare.clear()
    this.sendWaiting(now, out)
  }

  private sendWaiting (now: number, out: Outbox): void {
    let sent = 0
    let bytes = 0

    while (sent < this.waiting.length && bytes < MAX_PAYMENT_BYTES) {
      const { message, from } = this.waiting[sent++]
      bytes += gossipBytes(message.payload.content.byteLength, message.payload.scope)
      this.peers.push(message, from, now, out)
    }

    this.waiting = this.waiting.slice(sent)

    if (this.waiting.length > 0) {
      this.arm(now + WAITING_PAUSE_MS, now, out)
    }
  }

  private isForming (now: number): boolean {
    return now < this.settledAt
  }

  /** Whether there is something to agree upon. */
  private get isContested (): boolean {
    return this.overSeveralLinks && this.messages >= MIN_CONTESTANTS
  }

  private isAgreeing (now: number): boolean {
    return this.isForming(now) && this.isContested && this.pace.overlaps
  }

  private isUndecided (): boolean {
    const { undecided, eager, lazy } = this.peers

    return undecided.size >= Math.max(MIN_UNDECIDED_LINKS, eager.size + lazy.size - 1)
  }

  private start (key: string, from: PeerKey, now: number): void {
    this.leader = key
    this.bringer = from
    this.overSeveralLinks = false
    this.messages = 1
    this.startedAt = now
    this.settleMs = Math.min(Math.max(this.init.longestRoundTripMs(), MIN_SETTLE_MS), MAX_SETTLE_MS)
    this.settledAt = now + this.settleMs
    this.peers.undecided.clear()
  }

  private lead (key: string, now: number): void {
    this.leader = key

    if (this.isContested) {
      this.settledAt = Math.min(now + this.settleMs, this.startedAt + MAX_FORMING_MS)
      this.spare.clear()
      this.peers.undecided.clear()
      this.peers.addAllEager()
    }
  }

  private mustWait (key: string, from: PeerKey, now: number): boolean {
    return key !== this.leader && from !== this.init.me && this.isAgreeing(now) && this.waiting.length < MAX_WAITING_MESSAGES
  }

  private arm (at: number, now: number, out: Outbox): void {
    if (at < this.armedAt) {
      this.armedAt = at
      out.schedule(at - now, { type: 'sendWaiting', at })
    }
  }
}
