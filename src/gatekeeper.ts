import { Admission } from './admission.ts'
import { Rejections } from './pubsub/rejections.ts'
import { Validation } from './pubsub/validation.ts'
import { TopicId } from './topic-id.ts'
import { nameOf } from './topic-registry.ts'
import type { DriverNetwork, Held } from './driver.ts'
import type { GossipMetrics } from './metrics.ts'
import type { ResolvedOptions } from './options.ts'
import type { ValidationResult } from './proto/events.ts'
import type { PeerKey, TopicKey } from './proto/messages.ts'
import type { TopicValidators } from './pubsub/topic-validators.ts'
import type { Message } from './pubsub/types.ts'
import type { Arrival } from './pubsub/validation.ts'
import type { TopicEntry } from './topic-registry.ts'
import type { Logger, PeerId } from '@libp2p/interface'

/** What the gatekeeper needs to know. */
export interface GatekeeperInit {
  options: ResolvedOptions
  validators: TopicValidators
  log: Logger
  metrics?: GossipMetrics
  /** Monotonic milliseconds. */
  now (): number
  peerId (peer: PeerKey): PeerId
  /** A peer has handed over too many rejected messages. */
  onBanned (peer: PeerKey): void
}

/**
 * Who gets into a topic, and what: admission, signatures, validators and bans.
 */
export class Gatekeeper {
  readonly #init: GatekeeperInit
  readonly #validation: Validation
  readonly #rejections: Rejections
  readonly #admission: Admission | undefined

  constructor (init: GatekeeperInit) {
    this.#init = init
    this.#validation = new Validation(init.options.globalSignaturePolicy, init.log)
    this.#rejections = new Rejections(init.now)
    this.#admission = init.options.allowPeer == null ? undefined : new Admission(async (peer, topic) => this.#ask(peer, topic))
  }

  /** Whether nothing of the peer is to be heard, and nothing asked of it. */
  isBanned (peer: PeerKey): boolean {
    return this.#rejections.isBanned(peer)
  }

  /** No connection to the peer is left: it is asked about again when it returns. */
  onPeerGone (peer: PeerKey): void {
    this.#admission?.forget(peer)
  }

  /** Lets a frame in, now or when it is decided whether its sender is admitted. */
  letIn (peer: PeerKey, topic: TopicKey, act: (isAdmitted: boolean) => void): void {
    if (this.#rejections.isBanned(peer)) {
      // read and discarded: a stream of a Rust peer must not be stopped
      return
    }

    if (this.#admission == null) {
      act(true)
    } else {
      this.#admission.decide(peer, topic, act)
    }
  }

  /** A network through which the core reaches only peers that are admitted to the topic. */
  guard (network: DriverNetwork): DriverNetwork {
    const admission = this.#admission

    if (admission == null) {
      return network
    }

    return {
      peerId: (peer) => network.peerId(peer),
      release: (peer) => { network.release(peer) },
      send: (peer, topic, frame, last) => {
        admission.decide(peer, topic, (isAdmitted) => {
          // a goodbye may go to anybody
          if (isAdmitted || last) {
            network.send(peer, topic, frame, last)
          }
        })
      }
    }
  }

  /** Whether messages of the topic must be judged before they are delivered. */
  mustJudge (entry: TopicEntry): boolean {
    return this.#init.options.globalSignaturePolicy === 'StrictSign' || this.#validatorOf(entry) != null
  }

  /** Judges a message, now or later; a peer that hands over too many bad ones is banned. */
  judge (entry: TopicEntry, held: Held, judged: (result: ValidationResult) => void): void {
    const { metrics, now, onBanned } = this.#init
    const start = now()

    this.#validation.judge(this.arrival(entry, held), this.#validatorOf(entry), (result) => {
      metrics?.onValidated(result, now() - start)
      judged(result)

      if (result === 'reject' && this.#rejections.add(held.deliveredFrom)) {
        onBanned(held.deliveredFrom)
      }
    })
  }

  /**
   * The message that a content stands for; `undefined` for one that was let in
   * before the topic's messages had to be judged, and is none.
   */
  message (arrival: Arrival): Message | undefined {
    try {
      return this.#validation.message(arrival)
    } catch (err) {
      this.#init.log('dropped what is no message - %e', err)

      return undefined
    }
  }

  /** A content as the application is told of it. */
  arrival (entry: TopicEntry, { content, deliveredFrom, scope }: Omit<Held, 'topic'>): Arrival {
    return {
      topic: nameOf(entry),
      topicId: entry.id,
      content,
      deliveredFrom: this.#init.peerId(deliveredFrom),
      round: scope.type === 'swarm' ? scope.round : 0
    }
  }

  #validatorOf (entry: TopicEntry): ReturnType<TopicValidators['get']> {
    return this.#init.validators.get(nameOf(entry)) ?? this.#init.validators.get(entry.id.toString())
  }

  #ask (peer: PeerKey, topic: TopicKey): boolean | Promise<boolean> {
    const { options: { allowPeer }, log } = this.#init
    const peerId = this.#init.peerId(peer)
    const failed = (err: unknown): boolean => {
      log.error('allowPeer failed for %p - %e', peerId, err)

      return false
    }

    try {
      const answer = allowPeer?.(peerId, TopicId.parse(topic)) ?? true

      return typeof answer === 'boolean' ? answer : answer.then((isAllowed) => isAllowed, failed)
    } catch (err) {
      return failed(err)
    }
  }
}
