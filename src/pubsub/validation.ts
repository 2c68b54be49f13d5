import { isAuthentic, openEnvelope } from './envelope.ts'
import type { Envelope } from './envelope.ts'
import type { Message, SignaturePolicy, TopicValidatorFn, TopicValidatorResult } from './types.ts'
import type { TopicId } from '../topic-id.ts'
import type { Logger, PeerId } from '@libp2p/interface'

/** A content as it came, and all that is known of it. */
export interface Arrival {
  /** Name of the topic, or its id in hex. */
  topic: string
  topicId: TopicId
  content: Uint8Array
  deliveredFrom: PeerId
  round: number
}

/**
 * Judges messages by the signing policy first, then by the topic's validator.
 *
 * Answers at once where both can, so that an order of messages is kept and
 * nothing waits needlessly.
 */
export class Validation {
  readonly #policy: SignaturePolicy
  readonly #log: Logger
  /** Envelopes are opened once: the content's bytes stay the same array until they are delivered. */
  readonly #envelopes = new WeakMap<Uint8Array, Envelope>()

  constructor (policy: SignaturePolicy, log: Logger) {
    this.#policy = policy
    this.#log = log
  }

  /**
   * Calls `done` exactly once, now or later. Never throws.
   */
  judge (arrival: Arrival, validator: TopicValidatorFn | undefined, done: (result: TopicValidatorResult) => void): void {
    const signed = this.#isSigned(arrival)

    if (typeof signed === 'boolean') {
      this.#judgeContent(signed, arrival, validator, done)
    } else {
      void signed.then((isSigned) => { this.#judgeContent(isSigned, arrival, validator, done) })
    }
  }

  /**
   * The message that an accepted content stands for.
   *
   * @throws {InvalidMessageError} the policy wants an envelope and this is none; cannot happen after `accept`
   */
  message ({ topic, topicId, content, deliveredFrom, round }: Arrival): Message {
    if (this.#policy === 'StrictNoSign') {
      return { type: 'unsigned', topic, topicId, data: content, deliveredFrom, round }
    }

    const { author, sequenceNumber, signature, key, data } = this.#open(content)

    return { type: 'signed', from: author, topic, topicId, data, sequenceNumber, signature, key, deliveredFrom, round }
  }

  #open (content: Uint8Array): Envelope {
    let envelope = this.#envelopes.get(content)

    if (envelope == null) {
      envelope = openEnvelope(content)
      this.#envelopes.set(content, envelope)
    }

    return envelope
  }

  #isSigned ({ topicId, content, deliveredFrom }: Arrival): boolean | Promise<boolean> {
    if (this.#policy === 'StrictNoSign') {
      return true
    }

    try {
      return isAuthentic(topicId, content, this.#open(content))
    } catch (err) {
      this.#log('%p handed over what is no signed message - %e', deliveredFrom, err)

      return false
    }
  }

  #judgeContent (isSigned: boolean, arrival: Arrival, validator: TopicValidatorFn | undefined, done: (result: TopicValidatorResult) => void): void {
    if (!isSigned) {
      done('reject')
      return
    }

    if (validator == null) {
      done('accept')
      return
    }

    let answer: TopicValidatorResult | Promise<TopicValidatorResult>

    try {
      answer = validator(arrival.deliveredFrom, this.message(arrival))
    } catch (err) {
      this.#log.error('the validator of %s threw - %e', arrival.topic, err)
      done('ignore')
      return
    }

    if (typeof answer === 'string') {
      done(this.#checked(answer, arrival))
      return
    }

    Promise.resolve(answer).then((result) => this.#checked(result, arrival), (err): TopicValidatorResult => {
      this.#log.error('the validator of %s failed - %e', arrival.topic, err)

      return 'ignore'
    }).then(done, (err) => {
      this.#log.error('could not act on the validator of %s - %e', arrival.topic, err)
    })
  }

  /** Whatever else a validator answers is no accept. */
  #checked (result: unknown, { topic }: Arrival): TopicValidatorResult {
    if (result === 'accept' || result === 'ignore' || result === 'reject') {
      return result
    }

    this.#log.error('the validator of %s answered %o, which is none of accept, ignore and reject', topic, result)

    return 'ignore'
  }
}
