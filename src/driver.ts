import { MessageTooLargeError } from './errors.ts'
import { State } from './proto/state.ts'
import { TimerQueue } from './proto/timer-queue.ts'
import { decodeMessage, encodeFrame } from './wire/index.ts'
import type { InvalidMessageError } from './errors.ts'
import type { GossipMetrics } from './metrics.ts'
import type { Frame } from './net/frames.ts'
import type { Network } from './net/network.ts'
import type { ScheduledTask, Timers } from './net/timers.ts'
import type { Config, Rules } from './proto/config.ts'
import type { Command, DisconnectReason, InEvent, OutEvent, Timer, TopicEvent, ValidationResult, ViolationReason } from './proto/events.ts'
import type { DeliveryScope, Message, PeerKey, TopicKey } from './proto/messages.ts'
import type { Logger } from '@libp2p/interface'

/** Bytes before a frame's payload. */
const FRAME_HEADER_BYTES = 4

/** A message that the core holds until it is judged. */
export interface Held {
  topic: TopicKey
  content: Uint8Array
  deliveredFrom: PeerKey
  scope: DeliveryScope
}

/** What the driver needs of the network; the service may put something between. */
export type DriverNetwork = Pick<Network, 'send' | 'release' | 'peerId'>

export interface DriverInit {
  me: PeerKey
  config: Config
  rules: Partial<Rules>
  hash (content: Uint8Array): Uint8Array
  timers: Timers
  log: Logger
  /** Absent unless the node has metrics. */
  metrics?: GossipMetrics
  /** A peer has sent a message about membership, whether the topic is known or not. */
  onMembershipMessage (peer: PeerKey, topic: TopicKey, message: Message): void
  /** Must call `judged` once, now or later. */
  onValidate (held: Held, judged: (result: ValidationResult) => void): void
  onTopicEvent (topic: TopicKey, event: TopicEvent): void
  onPeerData (peer: PeerKey, data: Uint8Array): void
  onViolation (peer: PeerKey, reason: ViolationReason | 'invalidMessage' | 'tooManyMembershipMessages'): void
}

/**
 * The only caller of the state machine.
 *
 * Hands events in, and performs each effect without waiting for it. What goes
 * to peers is performed before what goes to the application, so that an
 * application that answers an event at once cannot overtake the protocol.
 */
export class Driver {
  readonly state: State
  readonly #init: DriverInit
  readonly #network: DriverNetwork
  readonly #maxMessageSize: number
  readonly #events: Array<{ topic: TopicKey, event: TopicEvent }> = []
  readonly #held: Array<Extract<OutEvent, { type: 'validate' }>> = []
  /** The core's timers. Only the next one is armed: quiet topics have several each. */
  readonly #timers = new TimerQueue<Timer>()
  #armed: ScheduledTask | undefined
  #armedFor = Infinity
  #emitting = false
  #dispatching = 0
  /** The message encoded last: the same one goes to several peers in a row. */
  #encoded: Message | undefined
  #frame: Frame = new Uint8Array(0)

  constructor (network: DriverNetwork, init: DriverInit) {
    this.#network = network
    this.#init = init
    this.#maxMessageSize = init.config.maxMessageSize
    this.state = new State({
      me: init.me,
      config: init.config,
      rules: init.rules,
      hash: init.hash,
      seed: crypto.getRandomValues(new Uint32Array(1))[0]
    })
  }

  /** Carries out a command; `duplicate` says that a broadcast's content was seen before and not sent. */
  command (topic: TopicKey, command: Command): { duplicate: boolean } {
    return { duplicate: this.#dispatch({ type: 'command', topic, command }) }
  }

  updatePeerData (data: Uint8Array): void {
    this.#dispatch({ type: 'updatePeerData', data })
  }

  /**
   * @param isAdmitted - whether the application wants the sender in the topic
   */
  onFrame (from: PeerKey, topic: TopicKey, payload: Uint8Array, isAdmitted = true): void {
    let message: Message

    try {
      message = decodeMessage(payload)
    } catch (err) {
      this.onInvalidFrame(from, err as InvalidMessageError)
      return
    }

    this.#init.metrics?.onReceived(message, payload.byteLength + FRAME_HEADER_BYTES)
    this.#init.log.trace('%s from %s in topic %s', message.type, from, topic)

    if (!isAdmitted) {
      this.#dispatch({ type: 'receiveUnadmitted', from, topic, message })
      return
    }

    switch (message.type) {
      case 'gossip':
      case 'iHave':
      case 'graft':
      case 'prune':
        break
      default:
        this.#init.onMembershipMessage(from, topic, message)
    }

    this.#dispatch({ type: 'receiveMessage', from, topic, message })
  }

  /** A frame that is no message: dropped, and the stream read on. */
  onInvalidFrame (from: PeerKey, error: InvalidMessageError | MessageTooLargeError): void {
    this.#init.log('dropped a frame from %p - %e', this.#network.peerId(from), error)
    this.#init.onViolation(from, 'invalidMessage')
  }

  /** A membership message beyond what a peer may send: dropped before it was decoded. */
  onExcess (from: PeerKey): void {
    this.#init.onViolation(from, 'tooManyMembershipMessages')
  }

  onDisconnected (peer: PeerKey, reason: DisconnectReason): void {
    this.#dispatch({ type: 'peerDisconnected', peer, reason })
  }

  /** The peer may have removed us though a connection to it lives. */
  onLinkBroken (peer: PeerKey): void {
    this.#dispatch({ type: 'linkBroken', peer })
  }

  /** Returns whether payloads are held back for the peer, so that a low mark is to be reported again. */
  onCongestion (peer: PeerKey, congested: boolean): boolean {
    this.#dispatch({ type: 'congestion', peer, congested })

    return this.state.isCongested(peer)
  }

  #dispatch (event: InEvent): boolean {
    this.#init.metrics?.onTick()
    const effects = this.state.handle(event, this.#init.timers.now())
    let duplicate = false
    this.#dispatching++

    try {
      for (const effect of effects) {
        duplicate = this.#perform(effect) || duplicate
      }
    } finally {
      this.#dispatching--
    }

    // a full queue is reported while effects are performed: the outer ones come first
    if (this.#dispatching === 0) {
      this.#emit()
      this.#validate()
    }

    return duplicate
  }

  #perform (effect: OutEvent): boolean {
    switch (effect.type) {
      case 'sendMessage':
        this.#send(effect.to, effect.topic, effect.message)
        return false
      case 'emitEvent':
        this.#events.push(effect)
        return false
      case 'scheduleTimer':
        this.#schedule(effect.delayMs, effect.timer)
        return false
      case 'disconnectPeer':
        this.#network.release(effect.peer)
        return false
      case 'peerData':
        this.#init.onPeerData(effect.peer, effect.data)
        return false
      case 'violation':
        this.#init.onViolation(effect.peer, effect.reason)
        return false
      case 'validate':
        this.#held.push(effect)
        return false
      case 'duplicateBroadcast':
        return true
      default:
        return assertNever(effect)
    }
  }

  #schedule (delayMs: number, timer: Timer): void {
    // a whole number: it takes no memory of its own
    const at = Math.ceil(this.#init.timers.now() + delayMs)
    this.#timers.push(at, timer)

    if (at < this.#armedFor) {
      this.#arm(at)
    }
  }

  #arm (at: number): void {
    const { timers } = this.#init

    if (this.#armed != null) {
      timers.cancel(this.#armed)
    }

    this.#armedFor = at
    this.#armed = timers.schedule(Math.max(0, at - timers.now()), this.#onTimers)
  }

  readonly #onTimers = (): void => {
    const now = this.#init.timers.now()
    // armed again below: what is scheduled meanwhile need not ask
    this.#armed = undefined
    this.#armedFor = -Infinity

    for (let due = this.#timers.popBefore(now); due != null; due = this.#timers.popBefore(now)) {
      this.#dispatch({ type: 'timerExpired', timer: due.item })
    }

    const next = this.#timers.peek()
    this.#armedFor = Infinity

    if (next != null) {
      this.#arm(next)
    }
  }

  #send (to: PeerKey, topic: TopicKey, message: Message): void {
    if (this.#encoded !== message) {
      try {
        this.#frame = encodeFrame(message, this.#maxMessageSize)
      } catch (err) {
        if (err instanceof MessageTooLargeError) {
          // the core trims what it builds; should one slip through, the peer is better off without it
          this.#init.log.error('did not send a %s - %e', message.type, err)
          return
        }

        throw err
      }

      this.#encoded = message
    }

    this.#init.metrics?.onSent(message, this.#frame.byteLength)
    this.#network.send(to, topic, this.#frame, message.type === 'disconnect')
  }

  /** Asks for a judgement on what is held. An answer that comes at once is handled like any other event. */
  #validate (): void {
    for (let next = this.#held.shift(); next != null; next = this.#held.shift()) {
      const { topic, ticket, ...held } = next

      this.#init.onValidate({ topic, ...held }, (result) => {
        this.command(topic, { type: 'validated', ticket, result })
      })
    }
  }

  /** Events that an application causes while it handles one come after those that were there. */
  #emit (): void {
    if (this.#emitting || this.#events.length === 0) {
      return
    }

    this.#emitting = true

    try {
      for (let next = this.#events.shift(); next != null; next = this.#events.shift()) {
        this.#init.onTopicEvent(next.topic, next.event)
      }
    } finally {
      this.#emitting = false
    }
  }
}

function assertNever (effect: never): never {
  throw new Error(`The core produced an unknown effect: ${JSON.stringify(effect)}`)
}
