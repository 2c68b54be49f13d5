import { setTimeout } from 'node:timers/promises'
import { randomTopic } from '../../interop/support/topic.ts'
import { until } from './condition.ts'
import { JsMember } from './js-member.ts'
import { Ledger } from './ledger.ts'
import { encode } from './message.ts'
import { RustMember } from './rust-member.ts'
import type { Role } from './cast.ts'
import type { Member, MemberInit } from './member.ts'

/** Milliseconds between two broadcasts, so that one can watch. */
const PACE_MS = 25

/** Milliseconds without a change of any link, after which the swarm counts as settled. */
const SETTLED_MS = 400

const JOIN_TIMEOUT_MS = 15_000
const ROUND_TIMEOUT_MS = 15_000

/** All nodes of one topic, and what they tell each other. */
export class Swarm {
  readonly members: Member[] = []
  readonly ledger = new Ledger()
  /** Redundant payloads for each delivery (RMR), of each round of broadcasts. */
  readonly redundancy: number[] = []
  readonly #signal: AbortSignal
  readonly #topic = randomTopic()
  readonly #names = new Map<string, string>()
  #round = 0

  /** @param signal - ends whatever is being waited for */
  constructor (signal: AbortSignal) {
    this.#signal = signal
  }

  /** Those that have not been killed. */
  get alive (): Member[] {
    return this.members.filter((member) => member.isAlive)
  }

  async start (roles: Role[]): Promise<void> {
    const started = await Promise.allSettled(roles.map(async (role) => {
      const init: MemberInit = {
        role,
        topic: this.#topic,
        nameOf: (endpointId) => this.#names.get(endpointId) ?? '?',
        onDelivery: (name, content) => { this.ledger.received(name, content) }
      }

      return role.rust === true ? RustMember.start(init) : JsMember.start(init)
    }))

    for (const result of started) {
      if (result.status === 'fulfilled') {
        this.members.push(result.value)
        this.#names.set(result.value.contact.endpointId, result.value.role.name)
      }
    }

    for (const result of started) {
      if (result.status === 'rejected') {
        throw result.reason
      }
    }
  }

  /**
   * One after the other joins through an earlier one. Resolves when nobody is
   * cut off from the rest, and neighbors are no longer exchanged for others.
   */
  async join (): Promise<void> {
    for (const member of this.members) {
      await member.join(this.members.find(({ role }) => role.name === member.role.contact))
      await this.#until(`${member.role.name} has a neighbor`, () => member.role.contact == null || member.links().length > 0, JOIN_TIMEOUT_MS)
    }

    let links = ''
    let changedAt = 0

    await this.#until('the swarm is one and has settled', () => {
      const now = JSON.stringify([...this.#neighbors()])

      if (now !== links) {
        links = now
        changedAt = performance.now()
      }

      return performance.now() - changedAt >= SETTLED_MS && this.groups().length === 1
    }, JOIN_TIMEOUT_MS)
  }

  /**
   * Names of nodes that can reach each other over links that both sides count; one group if all can.
   *
   * @param without - as if this node were gone
   */
  groups (without?: Member): string[][] {
    const neighbors = this.#neighbors()

    if (without != null) {
      neighbors.delete(without.role.name)
    }

    const left = new Set(neighbors.keys())
    const groups: string[][] = []

    for (const first of left) {
      const group: string[] = []
      const open = [first]

      for (let name = open.pop(); name != null; name = open.pop()) {
        const here = name

        if (left.delete(here)) {
          group.push(here)
          open.push(...neighbors.get(here)?.filter((other) => neighbors.get(other)?.includes(here)) ?? [])
        }
      }

      groups.push(group.sort())
    }

    return groups
  }

  /** Links that both sides count. */
  get links (): number {
    const neighbors = this.#neighbors()
    let ends = 0

    for (const [name, others] of neighbors) {
      ends += others.filter((other) => neighbors.get(other)?.includes(name)).length
    }

    return ends / 2
  }

  /** Has every node broadcast once; resolves when everybody has heard everybody. */
  async round (): Promise<void> {
    const before = await this.#payloads()
    const delivered = this.ledger.all().delivered
    const { alive } = this
    const first = this.#round++ % alive.length

    for (const member of [...alive.slice(first), ...alive.slice(0, first)]) {
      const message = { from: member.role.name, number: this.#round, sentAt: performance.now() }
      this.ledger.sent(message, alive.filter((other) => other !== member).map((other) => other.role.name))
      await member.broadcast(encode(message))
      await setTimeout(PACE_MS, undefined, { signal: this.#signal })
    }

    await this.#until('every message reaches every node', () => this.ledger.isComplete, ROUND_TIMEOUT_MS)
    this.redundancy.push((await this.#payloads() - before) / (this.ledger.all().delivered - delivered) - 1)
  }

  /**
   * The node of this process that pushes to the most others, and is not the
   * only link between any of them: the tree falls apart, the overlay does not.
   */
  busiest (): Member {
    const eager = (member: Member): number => member.links().filter((link) => link.push === 'eager').length
    const byEager = this.alive.filter(({ role }) => role.rust !== true).toSorted((a, b) => eager(b) - eager(a))

    return byEager.find((member) => this.groups(member).length === 1) ?? byEager[0]
  }

  async refresh (): Promise<void> {
    await Promise.all(this.members.map(async (member) => member.refresh()))
  }

  async stop (): Promise<void> {
    await Promise.allSettled(this.members.map(async (member) => member.stop()))
  }

  #neighbors (): Map<string, string[]> {
    return new Map(this.alive.map((member) => [member.role.name, member.links().map((link) => link.to)]))
  }

  async #payloads (): Promise<number> {
    await this.refresh()

    return this.members.reduce((sum, member) => sum + member.payloads(), 0)
  }

  async #until (what: string, holds: () => boolean, timeoutMs: number): Promise<void> {
    await until(what, holds, { timeoutMs, signal: this.#signal })
  }
}
