import type { Message, OutEvent, PeerKey, State, TopicKey } from '../../../src/proto/index.ts'

/** The largest each map of a topic may ever be with the default configuration. */
const BOUNDS: Record<string, number> = {
  passiveView: 30,
  knownPeers: 256,
  neighborRequests: 64,
  refusals: 64,
  strangers: 256,
  remembered: 256 + 16,
  shuffles: 16 + 16,
  sounded: 64 + 64 + 64,
  received: 262_144,
  cache: 32 * 1024 * 1024 / 256,
  called: 256 + 256,
  cacheBytes: 32 * 1024 * 1024,
  missing: 16_384,
  recent: 256 + 256,
  lazyPushQueue: 5 * 256,
  waiting: 4_096,
  held: 1_024,
  debts: 5 * (32 * 1024 * 1024 + 8 * 1024 * 1024) / 256
}

/** Plain, since it runs many times for each event. */
function must (holds: boolean, what: string): void {
  if (!holds) {
    throw new Error(`broken: ${what}`)
  }
}

function sameMembers (a: string[], b: string[]): boolean {
  return a.length === b.length && a.every((item) => b.includes(item))
}

/** Checks what must hold between any two events. */
export function checkState (state: State, me: PeerKey): void {
  for (const topic of state.topics()) {
    const active = state.neighbors(topic)
    const passive = state.passivePeers(topic)
    const eager = state.eagerPushPeers(topic)
    const lazy = state.lazyPushPeers(topic)
    const known = new Set([...active, ...passive])

    must(active.length <= 5, 'active view within its capacity')
    must(known.size === active.length + passive.length, 'views disjoint and without doubles')
    must(!known.has(me), 'ourselves in no view')
    must(sameMembers([...eager, ...lazy], active), 'eager and lazy peers make up the active view, and are disjoint')

    const sizes: Readonly<Record<string, number>> = state.stats(topic)?.sizes ?? {}

    for (const [name, size] of Object.entries(sizes)) {
      must(size >= 0 && size <= BOUNDS[name], `${size} entries in ${name}`)
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
          must(effect.to !== this.me, 'no message to ourselves')
          must(!released.has(effect.to), 'no message after the release')
          this.checkMessage(effect.to, effect.message)
          break
        case 'emitEvent':
          this.checkEvent(effect.topic, effect.event, now)
          break
        case 'scheduleTimer':
          must(effect.delayMs >= 0 && effect.delayMs <= 120_000, `delay of ${effect.delayMs}`)
          break
        case 'disconnectPeer':
          must(!state.needs(effect.peer), 'no release of a peer that is needed')
          released.add(effect.peer)
          break
        case 'peerData':
          must(effect.data.byteLength > 0 && effect.data.byteLength <= 472, 'peer data of usable length')
          break
        default:
      }
    }

    checkState(state, this.me)

    for (const key of this.delivered.keys()) {
      if (!state.has(key.slice(0, key.indexOf('/')))) {
        // who leaves a topic forgets it
        this.delivered.delete(key)
      }
    }

    for (const topic of state.topics()) {
      const up = [...this.up].filter((key) => key.startsWith(`${topic}/`)).map((key) => key.slice(topic.length + 1))
      must(sameMembers(up, state.neighbors(topic)), 'events agree with the view')
    }
  }

  private checkEvent (topic: TopicKey, event: Extract<OutEvent, { type: 'emitEvent' }>['event'], now: number): void {
    if (event.type === 'received') {
      if (event.scope.type === 'swarm') {
        const key = `${topic}/${Buffer.from(event.content).toString('hex')}`
        must(now - (this.delivered.get(key) ?? -Infinity) >= 120_000, 'delivered once')
        this.delivered.set(key, now)
      }

      return
    }

    const key = `${topic}/${event.peer}`

    if (event.type === 'neighborUp') {
      must(!this.up.has(key), 'up only while down')
      this.up.add(key)
    } else {
      must(this.up.delete(key), 'down only while up')
    }
  }

  private checkMessage (to: PeerKey, message: Message): void {
    switch (message.type) {
      case 'forwardJoin':
        must(message.peer.id !== to, 'no ForwardJoin to whom it names')
        must(message.peer.id !== this.me, 'no ForwardJoin that names us')
        break
      case 'shuffle':
        must(message.origin !== this.me || message.nodes.length <= 8, 'at most eight peers in a Shuffle of ours')
        break
      case 'gossip':
        must(message.scope.type !== 'swarm' || message.scope.round <= 65_534, 'round within what Rust survives')
        break
      default:
    }
  }
}
