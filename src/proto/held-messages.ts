import { LazyMap } from './lazy-map.ts'
import { MAX_HELD_BYTES, MAX_HELD_MESSAGES } from './limits.ts'
import type { Gossip, PeerKey } from './messages.ts'
import type { MissingMessage } from './missing-messages.ts'

/** A message that is neither delivered nor forwarded before it was judged. */
export interface HeldMessage {
  readonly from: PeerKey
  readonly message: Gossip
  /** Who announced it before it came. */
  readonly missing: MissingMessage | undefined
  readonly at: number
}

/**
 * Messages that wait for the application's judgement, bounded in number and
 * bytes. Each has a ticket; a judgement without one changes nothing.
 */
export class HeldMessages {
  private readonly byTicket = new LazyMap<number, HeldMessage>()
  private held = 0
  private tickets = 0

  get size (): number {
    return this.byTicket.size
  }

  get bytes (): number {
    return this.held
  }

  /** Whether one more content of this many bytes may wait. */
  hasRoomFor (contentBytes: number): boolean {
    return this.byTicket.size < MAX_HELD_MESSAGES && (this.byTicket.size === 0 || this.held + contentBytes <= MAX_HELD_BYTES)
  }

  /** @returns the ticket to be given back with the judgement */
  add (message: HeldMessage): number {
    const ticket = ++this.tickets
    this.byTicket.set(ticket, message)
    this.held += message.message.content.byteLength

    return ticket
  }

  /** Ends the wait; `undefined` when it has ended before. */
  take (ticket: number): HeldMessage | undefined {
    const held = this.byTicket.get(ticket)

    if (held !== undefined) {
      this.byTicket.delete(ticket)
      this.held -= held.message.content.byteLength
    }

    return held
  }

  /** Forgets what came before `time`: whoever was to judge never answered. Returns how many. */
  expireUntil (time: number): number {
    let expired = 0

    for (const [ticket, { at }] of this.byTicket.entries()) {
      if (at > time) {
        break
      }

      this.take(ticket)
      expired++
    }

    return expired
  }
}
