import { setTimeout } from 'node:timers/promises'

/** Milliseconds between two looks at a condition. */
const LOOK_EVERY_MS = 10

/** Something that was waited for did not happen in time. */
export class TooLateError extends Error {
  static name = 'TooLateError'

  constructor (what: string, timeoutMs: number) {
    super(`${what}: not within ${timeoutMs / 1000} s`)
    this.name = 'TooLateError'
  }
}

/**
 * Resolves as soon as a condition holds.
 *
 * @param what - the condition in words, for the error
 * @throws {TooLateError} it did not hold within `timeoutMs`
 * @throws {AbortError} the signal fired first
 */
export async function until (what: string, holds: () => boolean, options: { timeoutMs: number, signal: AbortSignal }): Promise<void> {
  const { timeoutMs, signal } = options
  const deadline = performance.now() + timeoutMs

  while (!holds()) {
    if (performance.now() > deadline) {
      throw new TooLateError(what, timeoutMs)
    }

    await setTimeout(LOOK_EVERY_MS, undefined, { signal })
  }
}
