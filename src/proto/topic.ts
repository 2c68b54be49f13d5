import { emptyBroadcastSizes, newBroadcastStats } from './broadcast-stats.ts'
import { TopicOutbox } from './effects.ts'
import { HyParView } from './hyparview.ts'
import { PlumTree } from './plumtree.ts'
import type { BroadcastSizes, BroadcastStats } from './broadcast-stats.ts'
import type { Config, Rules } from './config.ts'
import type { Effects, NeighborListener } from './effects.ts'
import type { Command, DisconnectReason, Timer } from './events.ts'
import type { Lateness } from './lateness.ts'
import type { LazyMap } from './lazy-map.ts'
import type { Message, MessageId, PeerKey, TopicKey } from './messages.ts'
import type { Patience } from './patience.ts'
import type { Rng } from './rng.ts'

export interface TopicInit {
  topic: TopicKey
  /** Tells this stay in the topic from earlier ones. */
  epoch: number
  me: PeerKey
  peerData?: Uint8Array
  config: Config
  rules: Rules
  rng: Rng
  hash (content: Uint8Array): MessageId
  congested: LazyMap<PeerKey, true>
  patience: Patience
  lateness: Lateness
  effects: Effects
  now: number
}

/**
 * One topic: membership decides who our neighbors are, broadcast what they get.
 */
export class Topic implements NeighborListener {
  readonly membership: HyParView
  readonly key: TopicKey
  readonly epoch: number
  private readonly init: TopicInit
  /** Made by the first message: a third of a quiet topic's memory would go to it. */
  private tree?: PlumTree
  private readonly out: TopicOutbox
  /** Neighbors since the current event began, to whom recent messages are offered at its end. */
  private newNeighbors?: PeerKey[]

  constructor (init: TopicInit) {
    this.key = init.topic
    this.epoch = init.epoch
    this.init = init
    this.membership = new HyParView(init)
    this.out = new TopicOutbox(init.topic, init.epoch, init.effects, this)
  }

  /** Neighbors that get payloads. */
  get eagerPushPeers (): PeerKey[] {
    return this.tree === undefined ? this.membership.views.active.toArray() : [...this.tree.peers.eager]
  }

  /** Neighbors that get announcements. */
  get lazyPushPeers (): PeerKey[] {
    return this.tree === undefined ? [] : [...this.tree.peers.lazy]
  }

  get broadcastStats (): Readonly<BroadcastStats> {
    return this.tree?.stats ?? newBroadcastStats()
  }

  get broadcastSizes (): BroadcastSizes {
    return this.tree?.sizes ?? emptyBroadcastSizes()
  }

  onNeighborUp (peer: PeerKey): void {
    const link = this.tree === undefined ? undefined : this.membership.views.links.get(peer)

    if (link !== undefined) {
      this.tree?.onNeighborUp(peer, link.since)
    }

    this.newNeighbors ??= []
    this.newNeighbors.push(peer)
  }

  onNeighborDown (peer: PeerKey): void {
    this.tree?.onPeerDown(peer)
  }

  /** Whether a connection to the peer is of use to this topic. */
  needs (peer: PeerKey): boolean {
    return this.membership.needs(peer)
  }

  isNeighbor (peer: PeerKey): boolean {
    return this.membership.views.links.has(peer)
  }

  receive (from: PeerKey, message: Message, now: number): void {
    const isNeighbor = this.membership.heard(from, message, now)

    switch (message.type) {
      case 'gossip':
      case 'prune':
      case 'graft':
      case 'iHave':
        this.broadcast.handleMessage(from, message, now, this.out)

        if (isNeighbor) {
          this.membership.onBroadcastMessage(from, this.out)
        } else {
          this.membership.onStranger(from, now, this.out)
        }

        break
      default:
        this.membership.handleMessage(from, message, now, this.out)
    }

    this.settle(now)
  }

  command (command: Command, now: number): void {
    switch (command.type) {
      case 'join': this.membership.join(command.peers, now, this.out); break
      case 'found': this.membership.found(command.peers, now, this.out); break
      case 'broadcast': this.broadcast.broadcast(command.content, command.scope, now, this.out); break
      case 'holdMessages': this.holdMessages(command.hold); break
      case 'validated': this.broadcast.onValidated(command.ticket, command.result, now, this.out); break
      case 'quit': this.membership.quit(this.out); return
      default: command satisfies never
    }

    this.settle(now)
  }

  timerExpired (timer: Timer, now: number): void {
    switch (timer.type) {
      case 'evictCache':
      case 'sendGraft':
      case 'dispatchLazyPush':
      case 'sendWaiting':
        this.broadcast.handleTimer(timer, now, this.out)
        break
      default:
        this.membership.handleTimer(timer, now, this.out)
    }

    this.settle(now)
  }

  peerDisconnected (peer: PeerKey, reason: DisconnectReason, now: number): void {
    this.membership.onPeerDisconnected(peer, reason, now, this.out)
    // also for one that is no neighbor: what it announced is not to be asked of it
    this.tree?.onPeerDown(peer)
    this.settle(now)
  }

  /** Another topic that we share with the peer has ended. */
  parted (peer: PeerKey, sent: boolean, now: number): void {
    this.membership.onParted(peer, sent, now, this.out)
  }

  linkBroken (peer: PeerKey, now: number): void {
    this.membership.onLinkBroken(peer, now, this.out)

    if (this.isNeighbor(peer)) {
      // what was under way is lost without a trace
      this.tree?.offer(peer, now, this.out)
    }
  }

  /** Whether the peer is to get something that its queue had no room for. */
  owes (peer: PeerKey): boolean {
    return this.tree?.peers.owes(peer) === true
  }

  /** Sends what the peer is owed until about so many bytes, and returns how many were sent. */
  pay (peer: PeerKey, budget: number): number {
    return this.tree?.pay(peer, budget, this.out) ?? 0
  }

  private get broadcast (): PlumTree {
    if (this.tree === undefined) {
      this.tree = new PlumTree({ ...this.init, longestRoundTripMs: () => this.membership.views.longestRoundTripMs })

      for (const [peer, { since }] of this.membership.views.links) {
        this.tree.onNeighborUp(peer, since)
      }
    }

    return this.tree
  }

  private holdMessages (hold: boolean): void {
    if (hold || this.tree !== undefined) {
      this.broadcast.holdMessages = hold
    }
  }

  /** Offers recent messages to new neighbors: after all else, so after our Neighbor message. */
  private settle (now: number): void {
    const peers = this.newNeighbors

    if (peers === undefined) {
      return
    }

    this.newNeighbors = undefined

    for (const peer of peers) {
      this.tree?.offer(peer, now, this.out)
    }
  }
}
