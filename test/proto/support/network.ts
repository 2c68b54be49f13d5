import { State, TimerQueue } from '../../../src/proto/index.ts'
import { EffectChecks } from './invariants.ts'
import { TOPIC, bytes, hash } from './test-node.ts'
import type { InEvent, Message, OutEvent, PeerKey } from '../../../src/proto/index.ts'

interface Member {
  state: State
  checks: EffectChecks
  /** Contents that were delivered here, or published. */
  known: Set<string>
}

interface Delivery {
  to: PeerKey
  event: InEvent
  /** A message is lost when its connection is cut before it arrives. */
  connection?: { from: PeerKey, epoch: number }
}

/**
 * State machines joined by queues in virtual time. Messages between two keep
 * their order; a cut connection loses what is on its way and is heard of at
 * both ends; a crashed node is heard of by whoever sends to it.
 */
export class Network {
  now = 0
  /** Every effect of every node, in order, as text. Same seeds, same trace. */
  trace = ''
  readonly members = new Map<PeerKey, Member>()
  private readonly queue = new TimerQueue<Delivery>()
  private readonly lastArrival = new Map<string, number>()
  private readonly epochs = new Map<string, number>()
  private readonly seed: number
  private readonly traced: boolean
  private incarnation = 0

  constructor (seed: number, traced = false) {
    this.seed = seed
    this.traced = traced
  }

  /** Starts a node, or starts a stopped one anew, and lets it join. */
  start (me: PeerKey, contacts: PeerKey[]): void {
    if (!this.members.has(me)) {
      const state = new State({ me, seed: this.seed + ++this.incarnation * 7_919, hash })
      this.members.set(me, { state, checks: new EffectChecks(me), known: new Set() })
    }

    this.handle(me, { type: 'command', topic: TOPIC, command: { type: 'join', peers: contacts } })
  }

  publish (me: PeerKey, text: string): void {
    this.members.get(me)?.known.add(text)
    this.handle(me, { type: 'command', topic: TOPIC, command: { type: 'broadcast', content: bytes(text), scope: 'swarm' } })
  }

  /** Leaves gracefully. */
  stop (me: PeerKey): void {
    this.handle(me, { type: 'command', topic: TOPIC, command: { type: 'quit' } })
    this.members.delete(me)
  }

  /** Is gone without a word; its neighbors hear of it a little later. */
  crash (me: PeerKey): void {
    this.members.delete(me)

    for (const peer of this.members.keys()) {
      this.cut(me, peer)
    }
  }

  /** The connection between two is lost, with all that is on its way. */
  cut (a: PeerKey, b: PeerKey): void {
    const key = pair(a, b)
    this.epochs.set(key, (this.epochs.get(key) ?? 0) + 1)

    for (const [to, peer] of [[a, b], [b, a]]) {
      this.queue.push(this.now + 20, { to, event: { type: 'peerDisconnected', peer, reason: 'connectionClosed' } })
    }
  }

  /** A message from nowhere, as if a peer had sent it. */
  inject (to: PeerKey, from: PeerKey, message: Message): void {
    this.handle(to, { type: 'receiveMessage', from, topic: TOPIC, message })
  }

  congest (me: PeerKey, peer: PeerKey, congested: boolean): void {
    this.handle(me, { type: 'congestion', peer, congested })
  }

  run (ms: number): void {
    const end = this.now + ms

    for (let next = this.queue.popBefore(end); next !== undefined; next = this.queue.popBefore(end)) {
      const { to, event, connection } = next.item
      this.now = next.at

      if (connection === undefined || this.epoch(connection.from, to) === connection.epoch) {
        this.handle(to, event)
      }
    }

    this.now = end
  }

  /** The nodes that each node reaches over links, itself included. */
  component (me: PeerKey): Set<PeerKey> {
    const reached = new Set([me])

    for (const peer of reached) {
      this.members.get(peer)?.state.neighbors(TOPIC).forEach((neighbor) => reached.add(neighbor))
    }

    return reached
  }

  /** Links that only one end knows. */
  asymmetric (): string[] {
    return [...this.members].flatMap(([me, { state }]) => state.neighbors(TOPIC)
      .filter((peer) => this.members.get(peer)?.state.neighbors(TOPIC).includes(me) !== true)
      .map((peer) => `${me}-${peer}`))
  }

  private handle (me: PeerKey, event: InEvent): void {
    const member = this.members.get(me)

    if (member === undefined) {
      if (event.type === 'receiveMessage') {
        // nobody listens there: the sender's connection fails
        this.queue.push(this.now + 5, { to: event.from, event: { type: 'peerDisconnected', peer: me, reason: 'connectionClosed' } })
      }

      return
    }

    const effects = member.state.handle(event, this.now)
    member.checks.check(member.state, effects, this.now)

    for (const effect of effects) {
      this.perform(me, member, effect)
    }
  }

  private perform (me: PeerKey, member: Member, effect: OutEvent): void {
    if (this.traced) {
      this.trace += `${this.now} ${me} ${JSON.stringify(effect)}\n`
    }

    if (effect.type === 'sendMessage') {
      const key = `${me}>${effect.to}`
      // 5 to 40 ms, fixed for each pair
      const latency = 5 + (me.charCodeAt(0) * 7 + effect.to.charCodeAt(0) * 11) % 36
      const at = Math.max(this.now + latency, this.lastArrival.get(key) ?? 0)
      this.lastArrival.set(key, at)
      this.queue.push(at, {
        to: effect.to,
        event: { type: 'receiveMessage', from: me, topic: effect.topic, message: effect.message },
        connection: { from: me, epoch: this.epoch(me, effect.to) }
      })
    } else if (effect.type === 'scheduleTimer') {
      this.queue.push(this.now + effect.delayMs, { to: me, event: { type: 'timerExpired', timer: effect.timer } })
    } else if (effect.type === 'emitEvent' && effect.event.type === 'received') {
      member.known.add(new TextDecoder().decode(effect.event.content))
    }
  }

  private epoch (a: PeerKey, b: PeerKey): number {
    return this.epochs.get(pair(a, b)) ?? 0
  }
}

function pair (a: PeerKey, b: PeerKey): string {
  return a < b ? `${a}/${b}` : `${b}/${a}`
}
