import { LazyMap } from './lazy-map.ts'
import { CACHED_MESSAGE_OVERHEAD, MAX_OWED_BYTES, MAX_OWED_MESSAGES } from './limits.ts'
import { TimeBoundCache } from './time-bound-cache.ts'
import type { Gossip, PeerKey } from './messages.ts'

/** Something owed: a message held for the peer, or the key of one that the cache may have. */
export type Debt = { held: Gossip } | { key: string }

interface Account {
  /** Messages that were asked for, or that nobody could ask for later. */
  readonly held: TimeBoundCache<string, Gossip>
  /** Keys of messages that the peer was not sent. */
  readonly keys: TimeBoundCache<string, true>
}

/**
 * What peers whose send queue is full are owed.
 *
 * A Rust peer asks for an announced message once, and never again (rule 25): so
 * a payload that it asked for is held, whatever becomes of the cache. All else
 * is owed by its key, for as long as the cache keeps messages. Beyond the
 * bounds the oldest debt is forgotten.
 */
export class Debts {
  private readonly accounts = new LazyMap<PeerKey, Account>()
  private readonly retentionMs: number

  /**
   * @param retentionMs - how long the cache keeps a message
   */
  constructor (retentionMs: number) {
    this.retentionMs = retentionMs
  }

  /** Messages owed to all peers. */
  get size (): number {
    let size = 0

    for (const { held, keys } of this.accounts.values()) {
      size += held.size + keys.size
    }

    return size
  }

  /** Whether the peer is owed anything. */
  has (peer: PeerKey): boolean {
    const account = this.accounts.get(peer)

    return account !== undefined && account.held.size + account.keys.size > 0
  }

  /** Owes a message that is in no cache. */
  oweHeld (peer: PeerKey, key: string, message: Gossip, now: number): void {
    this.accountOf(peer).held.set(key, message, now)
  }

  /** Owes a cached message that was asked for: held while there is room, by its key otherwise. */
  oweAnswer (peer: PeerKey, key: string, message: Gossip, now: number): void {
    const { held, keys } = this.accountOf(peer)

    if (held.weight + weigh(message) <= MAX_OWED_BYTES) {
      keys.delete(key)
      held.set(key, message, now)
    } else {
      keys.set(key, true, now)
    }
  }

  /** Owes a cached message. */
  oweMessage (peer: PeerKey, key: string, now: number): void {
    this.accountOf(peer).keys.set(key, true, now)
  }

  /** The peer has the message by now, unless it asked for it. */
  forget (peer: PeerKey, key: string): void {
    this.accounts.get(peer)?.keys.delete(key)
  }

  /** Takes the next debt, those that are held first, the oldest first. `undefined` when the peer is owed nothing. */
  take (peer: PeerKey): Debt | undefined {
    const account = this.accounts.get(peer)

    if (account === undefined) {
      return undefined
    }

    const held = account.held.shift()

    if (held !== undefined) {
      return { held: held[1] }
    }

    const next = account.keys.shift()

    if (next === undefined) {
      this.accounts.delete(peer)

      return undefined
    }

    return { key: next[0] }
  }

  sweep (now: number): void {
    for (const { keys } of this.accounts.values()) {
      keys.expireUntil(now)
    }
  }

  removePeer (peer: PeerKey): void {
    this.accounts.delete(peer)
  }

  private accountOf (peer: PeerKey): Account {
    let account = this.accounts.get(peer)

    if (account === undefined) {
      account = {
        held: new TimeBoundCache({ retentionMs: Infinity, capacity: MAX_OWED_BYTES, weigh }),
        keys: new TimeBoundCache({ retentionMs: this.retentionMs, capacity: MAX_OWED_MESSAGES })
      }
      this.accounts.set(peer, account)
    }

    return account
  }
}

function weigh (message: Gossip): number {
  return message.content.byteLength + CACHED_MESSAGE_OVERHEAD
}
