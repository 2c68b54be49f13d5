import { fromString } from 'uint8arrays/from-string'
import { maxContentBytes } from '../proto/sizes.ts'
import { MAX_TOPIC_NAME_BYTES, announcementHeadSize, encodeAnnouncement, encodeFrame, statementSize } from '../wire/index.ts'
import type { Hash } from '../hash.ts'
import type { Frame } from '../net/frames.ts'
import type { Timers } from '../net/timers.ts'
import type { PeerKey, TopicKey } from '../proto/messages.ts'
import type { Announcement, TopicStatement } from '../wire/index.ts'

/** Milliseconds in which what is to be said to a peer is gathered. */
const PAUSE_MS = 10

/** Milliseconds between two frames to one peer: the next one holds what the first had no room for. */
const INTERVAL_MS = 50

/** The largest frame, however large messages may be: with the interval that is 80 kB a second to one peer. */
const MAX_FRAME_BYTES = 4_096

/** Milliseconds after which a peer is told everything again at the earliest. */
const RESTART_MS = 1_000

const utf8 = new TextEncoder()

/** What an announcer asks of its surroundings. */
export interface AnnouncerInit {
  hash: Hash
  timers: Pick<Timers, 'now' | 'schedule'>
  maxMessageSize: number
  /** Whether the peer can be told now: connected, and known to be of our kind. */
  understands (peer: PeerKey): boolean
  /** What the application calls a topic, and its tag in hex. */
  topic (key: TopicKey): { name?: string, tag: string }
  /** Must `tell` the peer of each topic that we are in. */
  tellAll (peer: PeerKey): void
  /** The first word was said to the peer. */
  onFirstWord (peer: PeerKey): void
  /** Must keep the order; `isLast` says that nothing more waits. */
  send (peer: PeerKey, frame: Frame, isLast: boolean): void
}

interface Said {
  sequence: number
  /** Topics that the peer is still to be told of, and whether we are in them. */
  pending: Map<TopicKey, boolean>
  /** Whether the peer must be told something even if there is no topic to name. */
  isOwed: boolean
  /** Whether the peer is to be told everything again. */
  isStale: boolean
  restartedAt: number
  /** When the first word was said. */
  since: number
}

/**
 * Tells peers of our kind which topics we are in: all of them first, then what
 * changes, gathered to few frames.
 */
export class Announcer {
  readonly #init: AnnouncerInit
  readonly #said = new Map<PeerKey, Said>()
  readonly #maxContentBytes: number
  /** Statements of one flush, and what was encoded last: most peers are told the same. */
  readonly #statements = new Map<string, TopicStatement>()
  #last: { announcement: Announcement, frame: Frame } | undefined
  #isArmed = false

  constructor (init: AnnouncerInit) {
    this.#init = init
    this.#maxContentBytes = maxContentBytes(Math.min(init.maxMessageSize, MAX_FRAME_BYTES))
  }

  /** The peer is to hear that we are in a topic, or not any more. */
  tell (peer: PeerKey, key: TopicKey, isIn: boolean): void {
    // re-inserted: what is said last comes last
    const { pending } = this.#of(peer)
    pending.delete(key)
    pending.set(key, isIn)
    this.#arm(PAUSE_MS)
  }

  /** Whether the peer was told anything that may still hold. */
  hasTold (peer: PeerKey): boolean {
    return (this.#said.get(peer)?.sequence ?? 0) > 0
  }

  /** The peer wants to know what we are in, be it nothing. */
  owe (peer: PeerKey): void {
    const said = this.#of(peer)

    if (said.sequence === 0) {
      said.isOwed = true
      this.#arm(PAUSE_MS)
    }
  }

  /** Milliseconds since the first word to the peer; negative while there is one to be said, infinite if there is none. */
  age (peer: PeerKey): number {
    return this.#init.timers.now() - (this.#said.get(peer)?.since ?? -Infinity)
  }

  /** Something that we said is lost: the peer is told everything again. */
  restart (peer: PeerKey): void {
    this.#of(peer).isStale = true
    this.#arm(PAUSE_MS)
  }

  /** Something that the peer said is missing: it is asked to start over. */
  ask (peer: PeerKey): void {
    if (this.#init.understands(peer)) {
      this.#send(peer, { type: 'ask', sequence: 0, isLast: true, statements: [] })
    }
  }

  forget (peer: PeerKey): void {
    this.#said.delete(peer)
  }

  /** Tells everybody at once that we are in no topic any more. */
  stop (): void {
    for (const [peer, { sequence }] of this.#said) {
      if (sequence > 0 && this.#init.understands(peer)) {
        this.#send(peer, { type: 'start', sequence: 0, isLast: true, statements: [] })
      }
    }

    this.#said.clear()
  }

  #of (peer: PeerKey): Said {
    let said = this.#said.get(peer)

    if (said == null) {
      said = { sequence: 0, pending: new Map(), isOwed: false, isStale: false, restartedAt: -Infinity, since: Infinity }
      this.#said.set(peer, said)
    }

    return said
  }

  #arm (delayMs: number): void {
    if (!this.#isArmed) {
      this.#isArmed = true
      this.#init.timers.schedule(delayMs, () => {
        this.#isArmed = false
        this.#flush()
      })
    }
  }

  #flush (): void {
    const now = this.#init.timers.now()
    let next = Infinity

    for (const [peer, said] of this.#said) {
      if (said.isStale) {
        if (now - said.restartedAt < RESTART_MS) {
          next = Math.min(next, said.restartedAt + RESTART_MS - now)
          continue
        }

        said.isStale = false
        said.restartedAt = now
        said.sequence = 0
        said.pending.clear()
        said.isOwed = true
        this.#init.tellAll(peer)
      }

      if (said.pending.size === 0 && !said.isOwed) {
        continue
      }

      if (this.#init.understands(peer)) {
        this.#say(peer, said)
        next = said.pending.size > 0 ? Math.min(next, INTERVAL_MS) : next
      } else {
        // should it turn out to be of our kind, it is told everything from the start
        this.#said.delete(peer)
      }
    }

    this.#statements.clear()
    this.#last = undefined

    if (next < Infinity) {
      this.#arm(next)
    }
  }

  #say (peer: PeerKey, said: Said): void {
    const { sequence, pending } = said
    const statements: TopicStatement[] = []
    let left = this.#maxContentBytes - announcementHeadSize(sequence)

    for (const [key, isIn] of pending) {
      const statement = this.#statement(key, isIn)
      left -= statementSize(statement)

      if (left < 0) {
        break
      }

      pending.delete(key)

      // before the first word there is nothing to take back
      if (isIn || sequence > 0) {
        statements.push(statement)
      }
    }

    if (statements.length > 0 || said.isOwed) {
      said.sequence++
      said.isOwed = false
      this.#send(peer, { type: sequence === 0 ? 'start' : 'more', sequence, isLast: pending.size === 0, statements })

      if (said.since === Infinity) {
        said.since = this.#init.timers.now()
        this.#init.onFirstWord(peer)
      }
    }
  }

  #statement (key: TopicKey, isIn: boolean): TopicStatement {
    const cacheKey = isIn ? key : `-${key}`
    let statement = this.#statements.get(cacheKey)

    if (statement == null) {
      statement = this.#newStatement(key, isIn)
      this.#statements.set(cacheKey, statement)
    }

    return statement
  }

  #newStatement (key: TopicKey, isIn: boolean): TopicStatement {
    const { name = '', tag } = this.#init.topic(key)
    const bytes = isIn ? utf8.encode(name).length : 0

    return { isIn, topic: bytes > 0 && bytes <= MAX_TOPIC_NAME_BYTES ? name : fromString(tag, 'hex') }
  }

  #send (peer: PeerKey, announcement: Announcement): void {
    if (this.#last == null || !isSame(this.#last.announcement, announcement)) {
      const content = encodeAnnouncement(announcement)
      const frame = encodeFrame({ type: 'gossip', id: this.#init.hash(content), content, scope: { type: 'neighbors' } })
      this.#last = { announcement, frame }
    }

    this.#init.send(peer, this.#last.frame, announcement.isLast)
  }
}

function isSame (a: Announcement, b: Announcement): boolean {
  return a.type === b.type && a.sequence === b.sequence && a.isLast === b.isLast && a.statements.length === b.statements.length &&
    a.statements.every((statement, i) => statement === b.statements[i])
}
