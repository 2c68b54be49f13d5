/** How long a condition may take before the test fails, in milliseconds. */
export const PATIENCE_MS = 20_000

/**
 * Something that changes, and conditions that are looked at after each change:
 * tests wait for what they need and never for a time.
 */
export class Changes {
  readonly #waiting = new Set<(failure?: Error) => void>()
  readonly #listeners = new Set<(failure?: Error) => void>()
  #failure?: Error

  /** Has every waiting condition looked at again. */
  notify (): void {
    for (const look of [...this.#waiting, ...this.#listeners]) {
      look(this.#failure)
    }
  }

  /** Nothing will change any more: rejects what is waiting, and whatever waits from now on. */
  fail (reason: Error): void {
    this.#failure = reason
    this.notify()
  }

  /** Calls back after each change, with the error once nothing will change any more. */
  subscribe (listener: (failure?: Error) => void): () => void {
    this.#listeners.add(listener)

    return () => { this.#listeners.delete(listener) }
  }

  /**
   * Resolves as soon as `holds` does.
   *
   * @param what - the condition in words, for the error
   * @param seen - what is the case instead, for the error
   * @throws {Error} after `patienceMs`, or when nothing will change any more
   */
  async until (what: string, holds: () => boolean, seen: () => string = () => '', patienceMs = PATIENCE_MS): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: Error): void => {
        clearTimeout(timeout)
        this.#waiting.delete(look)
        error == null ? resolve() : reject(error)
      }
      const look = (): void => {
        if (holds()) {
          settle()
        } else if (this.#failure != null) {
          settle(new Error(`${what}: ${this.#failure.message}`, { cause: this.#failure }))
        }
      }
      const timeout = setTimeout(() => {
        settle(new Error(`${what}: not within ${patienceMs} ms; ${seen()}`))
      }, patienceMs)

      this.#waiting.add(look)
      look()
    })
  }
}
