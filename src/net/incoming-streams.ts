import { UnsupportedProtocolError } from '@libp2p/interface'
import { toString } from 'uint8arrays/to-string'
import { endpointIdOf } from '../iroh-address.ts'
import { SUBSCRIPTIONS_TOPIC } from '../wire/index.ts'
import { MembershipLimit } from './membership-limit.ts'
import { receive } from './receive.ts'
import type { Connections } from './connections.ts'
import type { NativeLinks } from './native-links.ts'
import type { NetworkInit } from './network-init.ts'
import type { PeerKey, TopicKey } from '../proto/messages.ts'
import type { Connection, PeerId, Stream } from '@libp2p/interface'

/** What incoming streams need, and whom they tell of what came. */
export interface IncomingStreamsInit extends Pick<NetworkInit, 'maxMessageSize' | 'timers' | 'onFrame' | 'onExcess' | 'onViolation' | 'onPeerAvailable'> {
  connections: Connections
  native: NativeLinks
  /** Whether a topic needs the peer, or something is still to be sent to it. */
  isKnown (peer: PeerKey): boolean
  /** The peer has reset a stream: what it carried may be lost. */
  onReset (peer: PeerKey): void
  /** A stream of a peer that no topic needs has ended. */
  onUnused (peer: PeerKey, id: PeerId): void
}

/**
 * Takes the streams that peers open, and the frames on them: whatever is wrong
 * with a frame, or too much of it, the stream is read on (rule 1).
 */
export class IncomingStreams {
  readonly #init: IncomingStreamsInit
  readonly #membershipLimit = new MembershipLimit()

  constructor (init: IncomingStreamsInit) {
    this.#init = init
  }

  /** The handler of our protocol. */
  readonly onStream = (stream: Stream, connection: Connection): void => {
    if (connection.remotePeer.type !== 'Ed25519' || !this.#init.connections.mayCarry(connection)) {
      stream.abort(new UnsupportedProtocolError('Gossip needs an Ed25519 key and a connection that may carry it'))
      return
    }

    const key = endpointIdOf(connection.remotePeer)
    const native = this.#init.native.of(connection)
    let header: Uint8Array | undefined
    let topic: TopicKey = ''

    stream.addEventListener('close', (evt) => {
      if (!this.#init.isKnown(key)) {
        this.#init.onUnused(key, connection.remotePeer)
      } else if (evt.error != null) {
        // reset by the peer, which a Rust peer never does: what it carried may be lost
        this.#init.onReset(key)
      }
    })

    receive(stream, connection, this.#init.maxMessageSize, {
      onFrame: (topicId, payload) => {
        if (header !== topicId) {
          header = topicId
          topic = toString(topicId, 'hex')

          // nobody answers a goodbye there
          if (topic !== SUBSCRIPTIONS_TOPIC) {
            this.#init.native.onStream(key, topic)
          }
        }

        if (native != null) {
          this.#init.native.onFrame(key, native, topic, payload)
        }

        // before anything is decoded: a made-up id costs a check of the curve (rule 15)
        if (this.#membershipLimit.allows(key, payload, this.#init.timers.now())) {
          this.#init.onFrame(key, topic, payload)
        } else {
          this.#init.onExcess(key)
        }
      },
      onViolation: (error) => {
        this.#init.onViolation(key, error)
      }
    })

    this.#init.onPeerAvailable(key)
  }
}
