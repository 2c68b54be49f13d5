/**
 * A payload is larger than the swarm can carry: `size` bytes where at most
 * `max` are allowed.
 */
export class MessageTooLargeError extends Error {
  static name = 'MessageTooLargeError'
  /** Bytes of what was refused. */
  readonly size: number
  /** The largest number of bytes that is accepted. */
  readonly max: number

  constructor (size: number, max: number, what = 'message') {
    super(`${what} has ${size} bytes, at most ${max} are allowed`)
    this.name = 'MessageTooLargeError'
    this.size = size
    this.max = max
  }
}

/**
 * Bytes that are no valid value of the wire format.
 */
export class InvalidMessageError extends Error {
  static name = 'InvalidMessageError'
  /** Where in the payload reading stopped, in bytes from its start. */
  readonly offset: number
  /** What was expected there and is not so. */
  readonly reason: string

  constructor (reason: string, offset: number) {
    super(`${reason} at byte ${offset}`)
    this.name = 'InvalidMessageError'
    this.offset = offset
    this.reason = reason
  }
}

/**
 * The topic handle (or this half of it) was closed, or the service stopped.
 */
export class TopicClosedError extends Error {
  static name = 'TopicClosedError'

  constructor (message = 'The topic handle is closed') {
    super(message)
    this.name = 'TopicClosedError'
  }
}

/**
 * The optional peer dependency `@number0/iroh` is not installed, or has no
 * binary for this platform. `cause` holds the loader's error.
 */
export class NativeBindingMissingError extends Error {
  static name = 'NativeBindingMissingError'

  constructor (cause?: unknown) {
    super('The native iroh binding could not be loaded; install @number0/iroh beside libp2p-iroh-gossip', { cause })
    this.name = 'NativeBindingMissingError'
  }
}

/**
 * A published message has nobody to go to: no peer is known to be in `topic`.
 * The message is the one that gossipsub's error has.
 */
export class NoPeersSubscribedError extends Error {
  static name = 'NoPeersSubscribedError'
  /** Name of the topic, or its id in hex. */
  readonly topic: string

  constructor (topic: string) {
    super('PublishError.NoPeersSubscribedToTopic')
    this.name = 'NoPeersSubscribedError'
    this.topic = topic
  }
}
