/** Around a message, a peer is expected to have heard it if it was in the swarm for so many milliseconds before and after. */
const AROUND_MS = 5_000

interface Life {
  name: string
  /** From when to when it was up and had a neighbor. */
  from: number
  until: number
  heard: Map<number, number>
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

  /** Messages that count, deliveries that were expected, and those that were missed or came twice. */
  verdict (): { messages: number, expected: number, missed: string[], doubled: string[] } {
    const missed: string[] = []
    const doubled: string[] = []
    let messages = 0
    let expected = 0

    for (const [number, { at, by }] of this.#said.entries()) {
      // one that was killed while it spoke may have told nobody
      if (by.until < at + AROUND_MS) {
        continue
      }

      messages++

      for (const life of this.#lives) {
        const times = life.heard.get(number) ?? 0

        if (times > 1) {
          doubled.push(`${life.name} heard ${number} ${times} times`)
        }

        if (life !== by && life.from + AROUND_MS <= at && life.until >= at + AROUND_MS) {
          expected++
          times === 0 && missed.push(`${life.name} missed ${number}, said by ${by.name} at ${Math.round(at / 1000)} s`)
        }
      }
    }

    return { messages, expected, missed, doubled }
  }
}

export type { Life }
