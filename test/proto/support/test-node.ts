import { blake3 } from '@noble/hashes/blake3.js'
import { State } from '../../../src/proto/index.ts'
import type { Command, ConfigInit, DisconnectReason, InEvent, Message, OutEvent, PeerKey, Rules, Timer, TopicEvent, TopicKey } from '../../../src/proto/index.ts'

export const TOPIC = 'topic'

/** The id of a content, as every node computes it. */
export function hash (content: Uint8Array): Uint8Array {
  return blake3(content)
}

export function bytes (text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** A Gossip for the swarm that comes in this round. */
export function gossip (text: string, round = 0): Message {
  const content = bytes(text)

  return { type: 'gossip', id: hash(content), content, scope: { type: 'swarm', round } }
}

/** One effect in short: what it is, whom it concerns, and what. */
export type Short = readonly unknown[]

/** Timers that run all the time and say nothing about the message at hand. */
const HOUSEKEEPING = new Set(['upkeep', 'shuffle', 'sound', 'call', 'evictCache'])

export interface TestNodeInit {
  me?: PeerKey
  peerData?: Uint8Array
  seed?: number
  config?: ConfigInit
  rules?: Partial<Rules>
}

/** A state machine with a clock that only the test moves. */
export class TestNode {
  now = 1_000
  /** Milliseconds by which a busy process handles its timers too late. */
  lateMs = 0
  readonly state: State
  private readonly timers: Array<{ at: number, timer: Timer }> = []

  constructor (init: TestNodeInit = {}) {
    this.state = new State({ me: 'me', seed: 1, hash, ...init })
  }

  /** A node in the topic whose neighbors these are, 12 s later: every handshake is over. */
  static with (neighbors: PeerKey[], init: TestNodeInit = {}): TestNode {
    const node = new TestNode(init)
    node.join([])

    for (const peer of neighbors) {
      node.receive(peer, { type: 'neighbor', priority: 'low' })
    }

    node.advance(12_000)

    return node
  }

  handle (event: InEvent): OutEvent[] {
    const effects = this.state.handle(event, this.now)

    for (const effect of effects) {
      if (effect.type === 'scheduleTimer') {
        this.timers.push({ at: this.now + effect.delayMs, timer: effect.timer })
      }
    }

    return effects
  }

  join (peers: PeerKey[], topic: TopicKey = TOPIC): Short[] {
    return short(this.handle({ type: 'command', topic, command: { type: 'join', peers } }))
  }

  command (command: Command, topic: TopicKey = TOPIC): Short[] {
    return short(this.handle({ type: 'command', topic, command }))
  }

  publish (text: string): Short[] {
    return this.command({ type: 'broadcast', content: bytes(text), scope: 'swarm' })
  }

  receive (from: PeerKey, message: Message, topic: TopicKey = TOPIC): Short[] {
    return short(this.handle({ type: 'receiveMessage', from, topic, message }))
  }

  disconnected (peer: PeerKey, reason: DisconnectReason = 'connectionClosed'): Short[] {
    return short(this.handle({ type: 'peerDisconnected', peer, reason }))
  }

  /** Lets time pass and returns what the timers caused, with the time of each since now. */
  advance (ms: number): Short[] {
    const start = this.now
    const end = start + ms
    const all: Short[] = []

    for (let next = this.earliest(end); next !== undefined; next = this.earliest(end)) {
      this.now = Math.max(this.now, next.at + this.lateMs)
      all.push(...short(this.handle({ type: 'timerExpired', timer: next.timer })))
    }

    this.now = Math.max(this.now, end)

    return all
  }

  /** Timers that have not run out. */
  get pendingTimers (): number {
    return this.timers.length
  }

  get neighbors (): PeerKey[] {
    return this.state.neighbors(TOPIC).sort()
  }

  get passive (): PeerKey[] {
    return this.state.passivePeers(TOPIC).sort()
  }

  get eager (): PeerKey[] {
    return this.state.eagerPushPeers(TOPIC).sort()
  }

  get lazy (): PeerKey[] {
    return this.state.lazyPushPeers(TOPIC).sort()
  }

  size (name: string): number | undefined {
    return this.state.stats(TOPIC)?.sizes[name]
  }

  private earliest (limit: number): { at: number, timer: Timer } | undefined {
    let best: { at: number, timer: Timer } | undefined

    for (const entry of this.timers) {
      if (entry.at <= limit && (best === undefined || entry.at < best.at)) {
        best = entry
      }
    }

    if (best !== undefined) {
      this.timers.splice(this.timers.indexOf(best), 1)
    }

    return best
  }
}

/** Effects in short form, without the timers that always run. A re-join has a random delay, which is left out. */
export function short (effects: OutEvent[]): Short[] {
  return effects.flatMap((effect): Short[] => {
    switch (effect.type) {
      case 'sendMessage':
        return [['send', effect.to, effect.message]]
      case 'emitEvent':
        return [shortEvent(effect.event)]
      case 'scheduleTimer':
        return HOUSEKEEPING.has(effect.timer.type) ? [] : [shortTimer(effect.timer, effect.delayMs)]
      case 'disconnectPeer':
        return [['release', effect.peer]]
      case 'peerData':
        return [['peerData', effect.peer, effect.data]]
      case 'violation':
        return [['violation', effect.peer, effect.reason]]
      case 'validate':
        return [['validate', effect.ticket, effect.deliveredFrom, effect.content]]
      case 'duplicateBroadcast':
        return [['duplicate']]
      default:
        return effect satisfies never
    }
  })
}

function shortEvent (event: TopicEvent): Short {
  switch (event.type) {
    case 'neighborUp': return ['up', event.peer]
    case 'neighborDown': return ['down', event.peer, event.reason]
    default: return ['received', event]
  }
}

function shortTimer (timer: Timer, delayMs: number): Short {
  return timer.type === 'rejoin' ? ['timer', 'rejoin'] : ['timer', timer.type, delayMs]
}

/** Only the messages to one peer, or of one type. */
export function sent (effects: Short[], filter: { to?: PeerKey, type?: Message['type'] } = {}): Short[] {
  return effects.filter(([what, to, message]) => what === 'send' &&
    (filter.to === undefined || filter.to === to) &&
    (filter.type === undefined || filter.type === (message as Message).type))
}

export const neighborLow = { type: 'neighbor', priority: 'low', data: undefined }
export const neighborHigh = { type: 'neighbor', priority: 'high', data: undefined }
export const disconnectAlive = { type: 'disconnect', alive: true, respond: false }
export const disconnectLeft = { type: 'disconnect', alive: false, respond: false }
