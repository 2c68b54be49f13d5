import { markLetGo } from '../let-go.ts'
import type { PeerKey, TopicKey } from '../proto/messages.ts'
import type { Connection } from '@libp2p/interface'

/** Topics remembered in which a peer spoke; the one longest ago goes first. */
const MAX_TOPICS = 8

/** What is known of one native connection. */
export interface NativeConnection {
  readonly connection: Connection
  readonly openedAt: number
  /** When the first and the newest frame came, in milliseconds. */
  firstFrameAt: number
  frameAt: number
  /** Whether the peer will not send on it any more. */
  letGo: boolean
  /** Whether we are closing it. */
  closing: boolean
}

/** What is known of a peer that has native connections. Times are in milliseconds of one clock. */
export class NativePeer {
  readonly key: PeerKey
  /** Oldest first. */
  readonly connections: NativeConnection[] = []
  /** Topics in which it spoke, the newest last. */
  readonly topics = new Set<TopicKey>()
  /** Since when nobody needs it. */
  idleSince?: number
  /** When it was asked to let go, until it answers or is asked again. */
  goodbyeAt?: number
  /** When we sent our last Disconnect, until its consequence is drawn. */
  partedAt?: number
  /** When it is dialed anew; `-Infinity` while it need not be. */
  redialAt = -Infinity

  constructor (key: PeerKey) {
    this.key = key
  }

  /** Connections that we are not closing, oldest first. */
  open (): NativeConnection[] {
    return this.connections.filter(({ closing }) => !closing)
  }

  /** What is known of the connection, from its first sight on. */
  opened (connection: Connection, now: number): { native: NativeConnection, isNew: boolean } {
    const known = this.connections.find((native) => native.connection === connection)

    if (known != null) {
      return { native: known, isNew: false }
    }

    const native: NativeConnection = {
      connection,
      openedAt: now,
      firstFrameAt: Infinity,
      frameAt: -Infinity,
      letGo: false,
      closing: false
    }
    this.connections.push(native)
    this.idleSince = undefined

    return { native, isNew: true }
  }

  /** Forgets a connection that has closed, and returns what was known of it. */
  closed (connection: Connection): NativeConnection | undefined {
    const index = this.connections.findIndex((native) => native.connection === connection)

    return index === -1 ? undefined : this.connections.splice(index, 1)[0]
  }

  /** It spoke in a topic, so it is in it. */
  spoke (topic: TopicKey): void {
    this.topics.delete(topic)
    this.topics.add(topic)

    for (const oldest of this.topics) {
      if (this.topics.size <= MAX_TOPICS) {
        break
      }

      this.topics.delete(oldest)
    }
  }

  /** It does not use the connection any more. */
  letGoOf (native: NativeConnection): void {
    if (!native.letGo) {
      native.letGo = true
      // the iroh transport would otherwise hand it out instead of dialing (rule 6)
      markLetGo(native.connection)
    }
  }

  /** It does not use any connection any more that was open then. */
  letGoOfOlder (openedBefore: number): void {
    for (const native of this.connections) {
      if (native.openedAt < openedBefore) {
        this.letGoOf(native)
      }
    }
  }

  /** It has our Disconnect: it lets go of us in all topics (rule 6). */
  takeParting (): void {
    if (this.partedAt != null) {
      this.letGoOfOlder(this.partedAt)
    }

    this.partedAt = undefined
  }
}
