import { decode, messageName } from './message.ts'
import type { Message } from './message.ts'

/** What has come to one node. */
export interface Deliveries {
  /** Messages that were sent to it while it lived. */
  expected: number
  /** Different ones among them that it was given. */
  delivered: number
  /** Times that it was given a message again. */
  repeated: number
  /** Milliseconds from broadcast to delivery, ascending. */
  delays: number[]
}

interface Account {
  /** Names of messages under way. */
  missing: Set<string>
  delivered: Set<string>
  repeated: number
  delays: number[]
}

/** Books what was sent to whom, and what has come. */
export class Ledger {
  readonly #accounts = new Map<string, Account>()
  #messages = 0
  #missing = 0

  /** Messages sent. */
  get messages (): number {
    return this.#messages
  }

  /** Whether everything that was sent has come. */
  get isComplete (): boolean {
    return this.#missing === 0
  }

  /** A message is about to be broadcast, and is to reach these nodes. */
  sent (message: Message, receivers: string[]): void {
    this.#messages++

    for (const name of receivers) {
      this.#account(name).missing.add(messageName(message))
      this.#missing++
    }
  }

  /** A content was delivered to a node. */
  received (name: string, content: Uint8Array): void {
    const message = decode(content)
    const account = this.#account(name)

    if (account.missing.delete(messageName(message))) {
      this.#missing--
      account.delivered.add(messageName(message))
      account.delays.push(performance.now() - message.sentAt)
    } else {
      account.repeated++
    }
  }

  /** What has come to one node so far. */
  of (name: string): Deliveries {
    const { missing, delivered, repeated, delays } = this.#account(name)

    return {
      expected: delivered.size + missing.size,
      delivered: delivered.size,
      repeated,
      delays: delays.toSorted((a, b) => a - b)
    }
  }

  /** What has come to all nodes so far. */
  all (): Deliveries {
    const all = [...this.#accounts.keys()].map((name) => this.of(name))
    const sum = (count: (deliveries: Deliveries) => number): number => all.reduce((total, one) => total + count(one), 0)

    return {
      expected: sum((one) => one.expected),
      delivered: sum((one) => one.delivered),
      repeated: sum((one) => one.repeated),
      delays: all.flatMap((one) => one.delays).sort((a, b) => a - b)
    }
  }

  /** Names of the messages that each node lacks; only nodes that lack some. */
  missing (): Map<string, string[]> {
    return new Map([...this.#accounts]
      .filter(([, account]) => account.missing.size > 0)
      .map(([name, account]) => [name, [...account.missing]]))
  }

  #account (name: string): Account {
    let account = this.#accounts.get(name)

    if (account == null) {
      account = { missing: new Set(), delivered: new Set(), repeated: 0, delays: [] }
      this.#accounts.set(name, account)
    }

    return account
  }
}
