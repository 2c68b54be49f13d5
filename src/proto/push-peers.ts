import { Debts } from './debts.ts'
import { LazyPush } from './lazy-push.ts'
import { idKey } from './message-id.ts'
import { announcementBytes, chunkIHaves, gossipBytes } from './sizes.ts'
import type { Config } from './config.ts'
import type { Outbox } from './events.ts'
import type { LazyMap } from './lazy-map.ts'
import type { Gossip, IHaveEntry, PeerKey } from './messages.ts'
import type { Pace } from './pace.ts'

/** A message on its way out: in full, and as its announcement. */
export interface Outgoing {
  key: string
  payload: Gossip
  announcement: IHaveEntry
}

/**
 * The eager and the lazy set, and what is on its way to their members.
 *
 * Only neighbors are in either set, and each is in exactly one. Where the Rust
 * crate puts strangers that sent something, they would get everything for ever
 * (rule 24).
 */
export class PushPeers {
  readonly eager = new Set<PeerKey>()
  readonly lazy = new Set<PeerKey>()
  /** Neighbors of which nothing has shown yet whether the tree needs them. */
  readonly undecided = new Set<PeerKey>()
  private readonly config: Config
  /** Peers whose send queue is full at the moment. */
  private readonly congested: LazyMap<PeerKey, true>
  /** Once a peer could not be sent something. */
  private owed?: Debts
  private readonly announcements: LazyPush
  private readonly pace: Pace
  /** Both sets as lists, since walking a list makes no objects; until one of them changes. */
  private lists: { eager: PeerKey[], lazy: PeerKey[] } | undefined

  constructor (me: PeerKey, config: Config, congested: LazyMap<PeerKey, true>, pace: Pace) {
    this.config = config
    this.announcements = new LazyPush(me, config.broadcast, pace)
    this.congested = congested
    this.pace = pace
  }

  get sizes (): { lazyPushQueue: number, debts: number } {
    return { lazyPushQueue: this.announcements.size, debts: this.debtCount }
  }

  get debtCount (): number {
    return this.owed === undefined ? 0 : this.owed.size
  }

  has (peer: PeerKey): boolean {
    return this.eager.has(peer) || this.lazy.has(peer)
  }

  /** A new neighbor gets payloads until one side says otherwise. */
  add (peer: PeerKey): void {
    this.lists = undefined
    this.eager.add(peer)
    this.undecided.add(peer)
  }

  remove (peer: PeerKey): void {
    if (this.eager.delete(peer) || this.lazy.delete(peer)) {
      this.lists = undefined
    }

    this.undecided.delete(peer)
    this.announcements.removePeer(peer)
    this.owed?.removePeer(peer)
  }

  /** Moves a neighbor into the eager set; does nothing for others. */
  addEager (peer: PeerKey): void {
    this.undecided.delete(peer)

    if (this.lazy.delete(peer)) {
      this.lists = undefined
      this.eager.add(peer)
    }
  }

  /** Moves all neighbors into the eager set. */
  addAllEager (): void {
    for (const peer of this.lazy) {
      this.addEager(peer)
    }
  }

  /** Moves a neighbor into the lazy set; does nothing for others. */
  addLazy (peer: PeerKey): void {
    this.undecided.delete(peer)

    if (this.eager.delete(peer)) {
      this.lists = undefined
      this.lazy.add(peer)
    }
  }

  /**
   * Sends to eager peers at once, and to lazy peers an announcement a little
   * later. All eager peers get the same object, one after the other, so that
   * it is encoded once.
   *
   * @param from - who is not to get it back
   */
  push (message: Outgoing, from: PeerKey, now: number, out: Outbox): void {
    this.lists ??= { eager: [...this.eager], lazy: [...this.lazy] }
    const { eager, lazy } = this.lists
    const isScout = lazy.length > 0 && this.pace.isScout(message.announcement.id, now)

    for (const peer of eager) {
      if (peer === from) {
        continue
      }

      if (this.isCongested(peer)) {
        this.debts.oweMessage(peer, message.key, now)
      } else {
        out.send(peer, message.payload)
      }
    }

    for (const peer of lazy) {
      if (peer === from) {
        continue
      }

      if (this.isCongested(peer)) {
        this.debts.oweMessage(peer, message.key, now)
      } else {
        const full = this.announcements.add(peer, message.key, message.announcement, isScout, now)

        if (full !== undefined) {
          this.announce(peer, full, out)
        }
      }
    }

    this.announcements.arm(now, out)
  }

  /** Sends a neighbors message to all of them; nobody could ask for it later, so a congested peer is owed it whole. */
  pushToAll (key: string, payload: Gossip, now: number, out: Outbox): void {
    for (const peers of [this.eager, this.lazy]) {
      for (const peer of peers) {
        if (this.isCongested(peer)) {
          this.debts.oweHeld(peer, key, payload, now)
        } else {
          out.send(peer, payload)
        }
      }
    }
  }

  /** Sends a payload to whoever asked for it; a congested neighbor gets it later. */
  answer (peer: PeerKey, key: string, payload: Gossip, now: number, out: Outbox): void {
    this.announcements.forget(peer, key)

    if (!this.isCongested(peer)) {
      out.send(peer, payload)
    } else if (this.has(peer)) {
      this.debts.oweAnswer(peer, key, payload, now)
    }
  }

  /** Sends announcements, in as many messages as they need. */
  announce (peer: PeerKey, entries: IHaveEntry[], out: Outbox): void {
    if (entries.length === 0) {
      return
    }

    for (const messages of chunkIHaves(entries, this.config.maxMessageSize)) {
      out.send(peer, { type: 'iHave', messages })
    }
  }

  onDispatchTimer (at: number, now: number, out: Outbox): void {
    for (const [peer, entries] of this.announcements.takeDue(at, now)) {
      if (this.isCongested(peer)) {
        for (const { id } of entries) {
          this.debts.oweMessage(peer, idKey(id), now)
        }
      } else {
        this.announce(peer, entries, out)
      }
    }

    this.announcements.arm(now, out)
  }

  /** The peer has announced messages: what we still announce to it can wait for more. */
  onAnnounced (peer: PeerKey, now: number): void {
    this.announcements.onAnnounced(peer, now)
  }

  /** The peer has shown that it knows the message: it is neither announced nor sent to it any more, unless it was asked for. */
  forget (peer: PeerKey, key: string): void {
    this.announcements.forget(peer, key)
    this.owed?.forget(peer, key)
  }

  /** Whether the peer is to get something that its queue had no room for. */
  owes (peer: PeerKey): boolean {
    return this.owed?.has(peer) === true
  }

  /**
   * The send queue of a peer has drained: it gets messages that it asked for,
   * and those that it was not pushed, as far as the cache still has them. An
   * eager peer gets the payload itself, late: an announcement would cost it a
   * question, which a Rust peer asks only once (rule 25).
   *
   * @param budget - bytes after which to stop
   * @returns the bytes that were sent, at most one message more
   */
  pay (peer: PeerKey, budget: number, cached: (key: string) => Gossip | undefined, out: Outbox): number {
    const announcements: IHaveEntry[] = []
    let paid = 0

    while (paid < budget) {
      const debt = this.owed?.take(peer)

      if (debt === undefined) {
        break
      }

      const message = 'held' in debt ? debt.held : cached(debt.key)

      if (message === undefined) {
        continue
      }

      if ('held' in debt || this.eager.has(peer)) {
        out.send(peer, message)
        paid += gossipBytes(message.content.byteLength, message.scope)
      } else if (message.scope.type === 'swarm') {
        announcements.push({ id: message.id, round: message.scope.round })
        paid += announcementBytes
      }
    }

    this.announce(peer, announcements, out)

    return paid
  }

  sweep (now: number): void {
    this.owed?.sweep(now)
  }

  private get debts (): Debts {
    this.owed ??= new Debts(this.config.broadcast.messageCacheRetentionMs)

    return this.owed
  }

  private isCongested (peer: PeerKey): boolean {
    return this.congested.size > 0 && this.congested.has(peer)
  }
}
