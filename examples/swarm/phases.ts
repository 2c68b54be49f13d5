import { styleText } from 'node:util'
import type { Screen } from './screen.ts'

const SPINNER = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'
const SPINNER_FRAME_MS = 80

/** What is being done, and what has been done. */
export class Phases {
  readonly started = performance.now()
  readonly #screen: Screen
  #current?: { name: string, detail (): string }

  constructor (screen: Screen) {
    this.#screen = screen
  }

  /** Seconds since the first phase began. */
  get seconds (): number {
    return (performance.now() - this.started) / 1000
  }

  /** The line of the current phase, if there is one. */
  headline (): string[] {
    if (this.#current == null) {
      return []
    }

    const { name, detail } = this.#current
    const frame = Math.floor(performance.now() / SPINNER_FRAME_MS) % SPINNER.length

    return [`  ${styleText('yellow', SPINNER[frame])} ${styleText('bold', name.padEnd(10))} ${detail()}`]
  }

  /**
   * Does one thing, and leaves a line that says so.
   *
   * @param detail - what is going on; asked for again and again, and at the end
   */
  async run (name: string, detail: () => string, work: () => Promise<void>): Promise<void> {
    const started = performance.now()
    this.#current = { name, detail }

    try {
      await work()
      this.#print(styleText('green', '✔'), started)
    } catch (err) {
      this.#print(styleText('red', '✘'), started)
      throw err
    } finally {
      this.#current = undefined
    }
  }

  #print (mark: string, started: number): void {
    const { name = '', detail = () => '' } = this.#current ?? {}
    const seconds = styleText('dim', `${((performance.now() - started) / 1000).toFixed(1)} s`)
    this.#screen.line(`  ${mark} ${styleText('bold', name.padEnd(10))} ${detail()}  ${seconds}`)
  }
}
