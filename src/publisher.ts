import { InvalidParametersError, NotStartedError } from '@libp2p/interface'
import { MessageTooLargeError, NoPeersSubscribedError } from './errors.ts'
import { maxContentBytes } from './proto/sizes.ts'
import { ENVELOPE_BYTES, seal } from './pubsub/envelope.ts'
import { toTopicId } from './topic-id.ts'
import { nameOf } from './topic-registry.ts'
import { Topic } from './topic.ts'
import type { ResolvedOptions } from './options.ts'
import type { Scope } from './proto/messages.ts'
import type { Message, PublishOptions, PublishResult } from './pubsub/types.ts'
import type { Session } from './session.ts'
import type { TopicId } from './topic-id.ts'
import type { TopicEntry } from './topic-registry.ts'
import type { TopicBackend } from './topic.ts'
import type { AbortOptions, PeerId, PrivateKey } from '@libp2p/interface'

/** Milliseconds that `publish` waits for a first neighbor in a topic that the node was not in. */
const FIRST_NEIGHBOR_MS = 1_000

/** Milliseconds for which a topic is kept at least that was only published to, while nobody has got the message. */
const UNSENT_MS = 5_000

/** What a publisher needs of the service. */
export interface PublisherInit {
  peerId: PeerId
  privateKey: PrivateKey
  options: ResolvedOptions
  /** For a handle that waits for the first neighbor. */
  backend: TopicBackend
  /** The session that runs now. */
  session (): Session | undefined
  /** An own message, to be heard by the node itself. */
  onOwnMessage (message: Message): void
}

/**
 * Sends what the application has to say, sealed where the policy asks for it.
 */
export class Publisher {
  readonly #init: PublisherInit
  /** Bytes of data that fit a frame at every distance. */
  readonly #maxDataBytes: number
  readonly #isSigning: boolean
  /** From the clock's nanoseconds on, so that it grows over restarts too. */
  #sequenceNumber = BigInt(Date.now()) * 1_000_000n

  constructor (init: PublisherInit) {
    this.#init = init
    this.#isSigning = init.options.globalSignaturePolicy === 'StrictSign'
    this.#maxDataBytes = maxContentBytes(init.options.maxMessageSize) - (this.#isSigning ? ENVELOPE_BYTES : 0)
  }

  /** `publish` of the service. What need not wait has left when this returns. */
  async publish (session: Session, topic: string | TopicId, data: Uint8Array, options: PublishOptions): Promise<PublishResult> {
    this.#check(data, options)
    const id = toTopicId(topic)
    const isNamed = typeof topic === 'string' && session.topics.get(id.toString())?.subscribed !== true
    const entry = session.enter(id, isNamed ? topic : undefined)
    const { emitSelf, allowPublishToZeroTopicPeers, fanoutTTL } = this.#init.options
    const mayBeAlone = options.allowPublishToZeroTopicPeers ?? allowPublishToZeroTopicPeers
    const isOnlyPublished = !entry.subscribed && entry.handles.size === 0

    if (isOnlyPublished) {
      session.keep(entry, Math.max(fanoutTTL, 2 * FIRST_NEIGHBOR_MS))
      session.joining.joinPeers(entry, [])
    }

    await this.#firstNeighbor(session, entry, mayBeAlone, isOnlyPublished, options)

    if (entry.subscribers.size === 0 && !mayBeAlone && !(emitSelf && entry.subscribed)) {
      throw new NoPeersSubscribedError(nameOf(entry))
    }

    const sealed = this.#isSigning ? await this.#seal(session, id, data, options) : data
    const content = session.broadcast(id, sealed, 'swarm').duplicate ? undefined : sealed
    const recipients = session.neighbors(id)

    if (isOnlyPublished) {
      // a message that has gone to nobody yet is offered to the first neighbor that comes
      session.keep(entry, recipients.length === 0 ? Math.max(fanoutTTL, UNSENT_MS) : fanoutTTL)
    }

    if (content == null) {
      return { recipients: [], duplicate: true }
    }

    if (emitSelf && entry.subscribed) {
      const message = session.ownMessage(entry, content)
      recipients.push(this.#init.peerId)

      if (message != null) {
        this.#init.onOwnMessage(message)
      }
    }

    return { recipients, duplicate: false }
  }

  /** @returns the content that went out, or `undefined` for one that the topic has seen before */
  async broadcast (session: Session, topic: TopicId, data: Uint8Array, scope: Scope, options: AbortOptions = {}): Promise<Uint8Array | undefined> {
    this.#check(data, options)
    const content = this.#isSigning ? await this.#seal(session, topic, data, options) : data

    return session.broadcast(topic, content, scope).duplicate ? undefined : content
  }

  async #seal (session: Session, topic: TopicId, data: Uint8Array, options: AbortOptions): Promise<Uint8Array> {
    const content = await seal(this.#init.privateKey, topic, ++this.#sequenceNumber, data)
    options.signal?.throwIfAborted()

    if (session !== this.#init.session()) {
      throw new NotStartedError('Gossip was stopped')
    }

    return content
  }

  #check (data: Uint8Array, options: AbortOptions): void {
    options.signal?.throwIfAborted()

    if (!(data instanceof Uint8Array)) {
      throw new InvalidParametersError(`A message must be a Uint8Array, got ${typeof data}`)
    }

    if (data.byteLength > this.#maxDataBytes) {
      throw new MessageTooLargeError(data.byteLength, this.#maxDataBytes)
    }
  }

  /**
   * Waits for a first neighbor where one should come: in a topic that has
   * subscribers, or that was entered only now, to be published to.
   */
  async #firstNeighbor (session: Session, entry: TopicEntry, mayBeAlone: boolean, isOnlyPublished: boolean, options: AbortOptions): Promise<void> {
    const isLikely = entry.subscribers.size > 0 || (isOnlyPublished && !mayBeAlone && session.discovery.peers().length > 0)

    if (entry.neighbors.size > 0 || !isLikely) {
      return
    }

    const timeout = AbortSignal.timeout(FIRST_NEIGHBOR_MS)
    const handle = new Topic(session.topics.addHandle(entry, this.#init.backend, 1))

    try {
      await handle.joined({ signal: AbortSignal.any(options.signal == null ? [timeout] : [timeout, options.signal]) })
    } catch (err) {
      options.signal?.throwIfAborted()

      if (!timeout.aborted) {
        throw err
      }
    } finally {
      await handle.leave()
    }
  }
}
