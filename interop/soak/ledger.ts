/** Around a message, a peer is expected to have heard it if it was in the swarm for so many milliseconds before and after. */
const AROUND_MS = 5_000

/** A time in which a peer was up and had a neighbor. */
export interface Life {
  name: string
  from: number
  until: number
  heard: Map<number, number>
}

/** A delivery that did not happen, or happened twice. */
export interface Fault {
  /** The number of the message. */
  message: number
  /** When it was said, in milliseconds of the process. */
  at: number
  by: string
  life: Life
}

/** What a run came to. */
export interface Verdict {
  /** Messages that count, and deliveries of them that were expected. */
  messages: number
  expected: number
  missed: Fault[]
  doubled: Fault[]
}

/** Who was there when, what was said when, and who heard it how often. */
export class Ledger {
  readonly #said: Array<{ at: number, by: Life }> = []
  readonly #lives: Life[] = []

  /** A peer is up and connected. */
  enter (name: string): Life {
    const life = { name, from: performance.now(), until: Infinity, heard: new Map() }
    this.#lives.push(life)

    return life
  }

  /** It leaves, is killed, or has no neighbor any more. */
  exit (life: Life): void {
    life.until = Math.min(life.until, performance.now())
  }

  /** The number of the next message. */
  say (by: Life): number {
    return this.#said.push({ at: performance.now(), by }) - 1
  }

  hear (life: Life, message: number): void {
    life.heard.set(message, (life.heard.get(message) ?? 0) + 1)
  }

  verdict (): Verdict {
    const verdict: Verdict = { messages: 0, expected: 0, missed: [], doubled: [] }

    for (const [message, { at, by }] of this.#said.entries()) {
      // one that was killed while it spoke may have told nobody
      if (by.until < at + AROUND_MS) {
        continue
      }

      verdict.messages++

      for (const life of this.#lives) {
        const times = life.heard.get(message) ?? 0
        const fault = { message, at, by: by.name, life }

        if (times > 1) {
          verdict.doubled.push(fault)
        }

        if (life !== by && life.from + AROUND_MS <= at && life.until >= at + AROUND_MS) {
          verdict.expected++
          times === 0 && verdict.missed.push(fault)
        }
      }
    }

    return verdict
  }
}
