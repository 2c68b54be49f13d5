import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parts } from '../support/swarm.ts'
import type { Fault } from './ledger.ts'
import type { MemberTopic } from '../support/member.ts'

/** What the swarm looked like at one time. */
interface Look {
  at: number
  /** Sizes of the groups that reach each other over links which both ends count, the largest first. */
  parts: string
  /** Peers outside the largest group. */
  outside: string[]
  /** The longest that this process, which reads all others, did nothing, in milliseconds. */
  stoodStillMs: number
}

/** Keeps how the swarm looked, so that it can be said afterwards why somebody heard nothing. */
export class Witness {
  readonly #looks: Look[] = []
  readonly #delay = monitorEventLoopDelay({ resolution: 20 })

  constructor () {
    this.#delay.enable()
  }

  look (topics: MemberTopic[]): void {
    const [largest, ...rest] = parts(topics)
    const outside = rest.flat().map(({ member }) => member.name)
    this.#looks.push({
      at: performance.now(),
      parts: [largest, ...rest].map((part) => part.length).join(' + '),
      outside,
      stoodStillMs: Math.round(this.#delay.max / 1e6)
    })
    this.#delay.reset()
  }

  /** A line for each time that the swarm was in several parts, and for each pause of this process of a second and more. */
  history (started: number): string[] {
    return this.#looks
      .filter(({ outside, stoodStillMs }, i) => stoodStillMs >= 1_000 || (outside.length > 0 && outside.join() !== this.#looks[i - 1]?.outside.join()))
      .map(({ at, parts, outside, stoodStillMs }) =>
        `${seconds(at - started)}: ${parts}${outside.length === 0 ? '' : `, outside ${outside.join(', ')}`}${stoodStillMs < 1_000 ? '' : `, the observer stood still for ${stoodStillMs} ms`}`)
  }

  /** A line for each peer that faults concern: how many, from when to when, said by whom, and what the swarm looked like at the first. */
  explain (faults: Fault[], started: number): string[] {
    const byName = new Map<string, Fault[]>()

    for (const fault of faults) {
      byName.set(fault.life.name, [...byName.get(fault.life.name) ?? [], fault])
    }

    return [...byName].map(([name, own]) => {
      const look = this.#looks.findLast(({ at }) => at <= own[0].at)
      const speakers = new Set(own.map(({ by }) => by)).size

      return `${name}: ${own.length}, said from ${seconds(own[0].at - started)} to ${seconds(own[own.length - 1].at - started)} ` +
        `by ${speakers === 1 ? own[0].by : `${speakers} peers`}; the swarm then: ${look?.parts ?? 'unknown'}${look?.outside.includes(name) === true ? ', it outside' : ''}`
    })
  }
}

function seconds (ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
