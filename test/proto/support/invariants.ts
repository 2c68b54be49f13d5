import { expect } from 'chai'
import type { Message, OutEvent, PeerKey, State, TopicKey } from '../../../src/proto/index.ts'

/** The largest each map of a topic may ever be with the default configuration. */
const BOUNDS: Record<string, number> = {
  passiveView: 30,
  peerData: 5 + 30 + 64,
  neighborRequests: 64,
  refusals: 64,
  strangers: 256,
  remembered: 256 + 16,
  shuffles: 8 + 16,
  received: 262_144,
  cache: 32 * 1024 * 1024 / 256,
  cacheBytes: 32 * 1024 * 1024,
  missing: 16_384,
  recent: 256 + 256,
  lazyPushQueue: 5 * 4_096,
  debts: 5 * (4_096 + 512)
}

/** Checks what must hold between any two events. */
export function checkState (state: State, me: PeerKey): void {
  for (const topic of state.topics()) {
    const active = state.neighbors(topic)
    const passive = state.passivePeers(topic)
    const eager = state.eagerPushPeers(topic)
    const lazy = state.lazyPushPeers(topic)
    const known = new Set([...active, ...passive])

    expect(active.length, 'active view within its capacity').to.be.at.most(5)
    expect(known.size, 'views disjoint and without doubles').to.equal(active.length + passive.length)
    expect(known.has(me), 'ourselves in no view').to.equal(false)
    expect([...eager, ...lazy].sort(), 'eager and lazy peers make up the active view').to.deep.equal([...active].sort())

    const { sizes } = state.stats(topic) ?? { sizes: {} }

    for (const [name, size] of Object.entries(sizes)) {
      expect(size, name).to.be.within(0, BOUNDS[name])
    }
  }
}

/** Follows the effects of one node through all events. */
export class EffectChecks {
  private readonly me: PeerKey
  private readonly up = new Set<string>()
  /** When each content was delivered last. */
  private readonly delivered = new Map<string, number>()

  constructor (me: PeerKey) {
    this.me = me
  }

  check (state: State, effects: OutEvent[], now: number): void {
    const released = new Set<PeerKey>()

    for (const effect of effects) {
      switch (effect.type) {
        case 'sendMessage':
          expect(effect.to, 'no message to ourselves').to.not.equal(this.me)
          expect(released.has(effect.to), 'nothing after the release').to.equal(false)
          this.checkMessage(effect.to, effect.message)
          break
        case 'emitEvent':
          this.checkEvent(effect.topic, effect.event, now)
          break
        case 'scheduleTimer':
          expect(effect.delayMs, 'delay').to.be.within(0, 120_000)
          break
        case 'disconnectPeer':
          expect(state.needs(effect.peer), 'released although needed').to.equal(false)
          released.add(effect.peer)
          break
        case 'peerData':
          expect(effect.data.byteLength, 'peer data').to.be.within(1, 472)
          break
        default:
      }
    }

    checkState(state, this.me)

    for (const topic of state.topics()) {
      const up = [...this.up].filter((key) => key.startsWith(`${topic}/`)).map((key) => key.slice(topic.length + 1))
      expect(up.sort(), 'events agree with the view').to.deep.equal(state.neighbors(topic).sort())
    }
  }

  private checkEvent (topic: TopicKey, event: Extract<OutEvent, { type: 'emitEvent' }>['event'], now: number): void {
    if (event.type === 'received') {
      if (event.scope.type === 'swarm') {
        const key = `${topic}/${Buffer.from(event.content).toString('hex')}`
        expect(now - (this.delivered.get(key) ?? -Infinity), 'delivered twice').to.be.at.least(120_000)
        this.delivered.set(key, now)
      }

      return
    }

    const key = `${topic}/${event.peer}`

    if (event.type === 'neighborUp') {
      expect(this.up.has(key), 'up while up').to.equal(false)
      this.up.add(key)
    } else {
      expect(this.up.delete(key), 'down while down').to.equal(true)
    }
  }

  private checkMessage (to: PeerKey, message: Message): void {
    switch (message.type) {
      case 'forwardJoin':
        expect(message.peer.id, 'a ForwardJoin to whom it names').to.not.equal(to)
        expect(message.peer.id, 'a ForwardJoin that names us').to.not.equal(this.me)
        break
      case 'shuffle':
        if (message.origin === this.me) {
          expect(message.nodes.length, 'peers named').to.be.at.most(8)
        }
        break
      case 'gossip':
        if (message.scope.type === 'swarm') {
          expect(message.scope.round).to.be.at.most(65_534)
        }
        break
      default:
    }
  }
}
