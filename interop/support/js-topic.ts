import { endpointIdOf } from './address.ts'
import { Changes } from './changes.ts'
import { Tally, numberedContent } from './numbered.ts'
import type { JsNode } from './js-node.ts'
import type { Contact, MemberTopic, Received } from './member.ts'
import type { Count } from './numbered.ts'
import type { Topic } from '../../src/index.ts'

/** A topic that one of our nodes has joined, with an application that reads all its events. */
export class JsTopic implements MemberTopic {
  readonly member: JsNode
  readonly received: Received[] = []
  /** Peers whose link went down, and why, oldest first. */
  readonly downs: Array<{ peer: string, reason: string }> = []
  readonly #topic: Topic
  readonly #tally?: Tally
  readonly changes = new Changes()
  #lagged = 0

  constructor (member: JsNode, topic: Topic, count: boolean) {
    this.member = member
    this.#topic = topic
    this.#tally = count ? new Tally() : undefined
    this.#read().catch((err) => { this.changes.fail(err) })
  }

  neighbors (): string[] {
    return this.#topic.neighbors().map(endpointIdOf)
  }

  async broadcast (content: Uint8Array): Promise<void> {
    await this.#topic.broadcast(content)
  }

  async broadcastNeighbors (content: Uint8Array): Promise<void> {
    await this.#topic.broadcastNeighbors(content)
  }

  async joinPeers (contacts: Contact[]): Promise<void> {
    await this.#topic.joinPeers(contacts.map((contact) => contact.multiaddrs))
  }

  async flood (series: { tag: string, first: number, count: number, size: number }): Promise<void> {
    for (let i = series.first; i < series.first + series.count; i++) {
      await this.#topic.broadcast(numberedContent(series.tag, i, series.size))
    }
  }

  async counted (tag: string, count: number): Promise<void> {
    await this.until(`${this.member.name} counts ${count}`, () => (this.#tally?.count(tag).distinct ?? 0) >= count)
  }

  async counts (tag: string): Promise<Count & { lagged: number }> {
    return { ...(this.#tally ?? new Tally()).count(tag), lagged: this.#lagged }
  }

  async leave (): Promise<void> {
    await this.#topic.leave()
  }

  async until (what: string, holds: (topic: this) => boolean, patienceMs?: number): Promise<void> {
    const seen = (): string => `${this.member.name} has ${this.neighbors().length} neighbors and received ${this.received.length} messages`
    await this.changes.until(what, () => holds(this), seen, patienceMs)
  }

  async #read (): Promise<void> {
    for await (const event of this.#topic) {
      switch (event.type) {
        case 'received':
          if (this.#tally?.add(event.content) !== true) {
            this.received.push({ ...event, deliveredFrom: endpointIdOf(event.deliveredFrom) })
          }
          break
        case 'neighborDown':
          this.downs.push({ peer: endpointIdOf(event.peer), reason: event.reason })
          break
        case 'lagged':
          this.#lagged += event.missed
          break
        default:
      }

      this.changes.notify()
    }

    this.changes.fail(new Error('the topic was left'))
  }
}
