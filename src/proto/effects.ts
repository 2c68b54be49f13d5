import type { OutEvent, Outbox, TimerKind, TopicEvent, ViolationReason } from './events.ts'
import type { Gossip, Message, PeerKey, TopicKey } from './messages.ts'

/** What one call of `State.handle` gathers. */
export class Effects {
  list: OutEvent[] = []
  now = 0
  /** Peers that some topic let go of, in order; most calls have none. */
  released?: Set<PeerKey>
  /** Disconnects that were sent or came. */
  parted?: Array<{ topic: TopicKey, peer: PeerKey, sent: boolean }>

  release (peer: PeerKey): void {
    this.released ??= new Set()
    this.released.add(peer)
  }

  part (topic: TopicKey, peer: PeerKey, sent: boolean): void {
    this.parted ??= []
    this.parted.push({ topic, peer, sent })
  }
}

/** Who hears of neighbors as they come and go. */
export interface NeighborListener {
  onNeighborUp (peer: PeerKey): void
  onNeighborDown (peer: PeerKey): void
}

/** Names the topic in the effects of its machines, and keeps broadcast in step with membership. */
export class TopicOutbox implements Outbox {
  private readonly topic: TopicKey
  private readonly epoch: number
  private readonly effects: Effects
  private readonly listener: NeighborListener

  constructor (topic: TopicKey, epoch: number, effects: Effects, listener: NeighborListener) {
    this.topic = topic
    this.epoch = epoch
    this.effects = effects
    this.listener = listener
  }

  send (to: PeerKey, message: Message): void {
    this.effects.list.push({ type: 'sendMessage', to, topic: this.topic, message })
  }

  emit (event: TopicEvent): void {
    this.effects.list.push({ type: 'emitEvent', topic: this.topic, event })

    if (event.type === 'neighborUp') {
      this.listener.onNeighborUp(event.peer)
    } else if (event.type === 'neighborDown') {
      this.listener.onNeighborDown(event.peer)
    }
  }

  schedule (delayMs: number, timer: TimerKind): void {
    this.effects.list.push({ type: 'scheduleTimer', delayMs, timer: { ...timer, topic: this.topic, epoch: this.epoch, dueAt: Math.ceil(this.effects.now + delayMs) } })
  }

  peerData (peer: PeerKey, data: Uint8Array): void {
    this.effects.list.push({ type: 'peerData', peer, data })
  }

  violation (peer: PeerKey, reason: ViolationReason): void {
    this.effects.list.push({ type: 'violation', peer, topic: this.topic, reason })
  }

  validate (ticket: number, { content, scope }: Gossip, deliveredFrom: PeerKey): void {
    this.effects.list.push({ type: 'validate', topic: this.topic, ticket, content, deliveredFrom, scope })
  }

  duplicate (): void {
    this.effects.list.push({ type: 'duplicateBroadcast', topic: this.topic })
  }

  release (peer: PeerKey): void {
    this.effects.release(peer)
  }

  parted (peer: PeerKey, sent: boolean): void {
    this.effects.part(this.topic, peer, sent)
  }
}
