import { Rng, resolveConfig } from '../../proto/index.ts'
import { UpstreamBroadcast } from './broadcast.ts'
import { UpstreamMembership } from './membership.ts'
import type { Command, Config, ConfigInit, GossipMessage, MessageId, NeighborDownReason, PeerKey, SwarmMessage, TopicKey } from '../../proto/index.ts'
import type { Machine, MachineEffect, MachineEvent } from '../machine.ts'
import type { UpstreamBroadcastOutbox, UpstreamBroadcastTimer } from './broadcast.ts'
import type { UpstreamMembershipTimer, UpstreamOutbox } from './membership.ts'

type UpstreamTimer = UpstreamMembershipTimer | UpstreamBroadcastTimer

export interface UpstreamStateInit {
  me: PeerKey
  topic: TopicKey
  /** Defaults are those of the Rust crate. */
  config?: ConfigInit
  seed: number
  /** The 32-byte id of a content. */
  hash (content: Uint8Array): MessageId
}

/**
 * A node of one topic that follows the rules of Rust iroh-gossip 0.101,
 * written anew after its source. Only for simulations: it has that crate's
 * defects, and its maps grow without bound.
 */
export class UpstreamState implements Machine {
  private readonly config: Config
  private readonly membership: UpstreamMembership
  private readonly broadcast: UpstreamBroadcast
  /** Peers that sent something since they were last let go: only those are let go again. */
  private readonly connected = new Set<PeerKey>()
  private readonly out: UpstreamOutbox & UpstreamBroadcastOutbox
  private effects: MachineEffect[] = []
  private joined = false

  constructor (init: UpstreamStateInit) {
    const { me, topic, seed, hash } = init
    this.config = resolveConfig({ ...init.config, broadcast: { optimizationThreshold: 7, ...init.config?.broadcast } })
    this.membership = new UpstreamMembership(me, this.config.membership, new Rng(seed))
    this.broadcast = new UpstreamBroadcast(me, this.config.broadcast, hash)
    this.out = {
      send: (to: PeerKey, message: SwarmMessage | GossipMessage) => {
        this.effects.push({ type: 'sendMessage', to, topic, message })
      },
      schedule: (delayMs: number, timer: UpstreamTimer) => {
        this.effects.push({ type: 'scheduleTimer', delayMs, timer })
      },
      received: (content, deliveredFrom, scope) => {
        this.effects.push({ type: 'emitEvent', topic, event: { type: 'received', content, deliveredFrom, scope } })
      },
      neighborUp: (peer) => {
        this.broadcast.addEager(peer)
        this.effects.push({ type: 'emitEvent', topic, event: { type: 'neighborUp', peer } })
      },
      neighborDown: (peer, reason: NeighborDownReason) => {
        this.broadcast.onNeighborDown(peer)
        this.effects.push({ type: 'emitEvent', topic, event: { type: 'neighborDown', peer, reason } })
      },
      disconnect: (peer) => {
        if (this.connected.delete(peer)) {
          this.effects.push({ type: 'disconnectPeer', peer })
        }
      }
    }
  }

  handle (event: MachineEvent, now: number): MachineEffect[] {
    this.effects = []

    switch (event.type) {
      case 'command':
        this.joined ||= event.command.type === 'join'

        if (!this.joined) {
          break
        }

        this.onCommand(event.command, now)
        break
      case 'receiveMessage':
      case 'receiveUnadmitted':
        if (this.joined) {
          this.onMessage(event.from, event.message, now)
        }

        break
      case 'timerExpired':
        if (this.joined) {
          this.onTimer(event.timer as UpstreamTimer, now)
        }

        break
      case 'peerDisconnected':
        if (this.joined) {
          this.membership.onPeerDisconnected(event.peer, this.out)
          this.broadcast.onNeighborDown(event.peer)
        }

        break
      case 'updatePeerData':
      case 'congestion':
      case 'linkBroken':
        break
      default:
        event satisfies never
    }

    if (this.joined) {
      this.membership.start(this.out)
      this.broadcast.start(this.out)
    }

    return this.effects
  }

  neighbors (): PeerKey[] {
    return this.membership.active.toArray()
  }

  passivePeers (): PeerKey[] {
    return this.membership.passive.toArray()
  }

  eagerPushPeers (): PeerKey[] {
    return [...this.broadcast.eager]
  }

  lazyPushPeers (): PeerKey[] {
    return [...this.broadcast.lazy]
  }

  private onCommand (command: Command, now: number): void {
    switch (command.type) {
      case 'join':
        for (const peer of command.peers) {
          this.membership.join(peer, this.out)
        }

        break
      case 'broadcast':
        this.broadcast.broadcast(command.content, command.scope, now, this.out)
        break
      case 'quit':
        this.membership.quit(this.out)
        this.joined = false
        break
      case 'holdMessages':
      case 'validated':
      case 'found':
        // Rust knows no validators, and nobody looks for peers on its behalf
        break
      default:
        command satisfies never
    }
  }

  private onMessage (from: PeerKey, message: SwarmMessage | GossipMessage, now: number): void {
    this.connected.add(from)

    switch (message.type) {
      case 'gossip':
      case 'prune':
      case 'graft':
      case 'iHave':
        this.broadcast.handleMessage(from, message, now, this.out)
        break
      default:
        this.membership.handleMessage(from, message, this.out)
    }
  }

  private onTimer (timer: UpstreamTimer, now: number): void {
    switch (timer.type) {
      case 'doShuffle':
      case 'pendingNeighborRequest':
        this.membership.handleTimer(timer, this.out)
        break
      default:
        this.broadcast.handleTimer(timer, now, this.out)
    }
  }
}
