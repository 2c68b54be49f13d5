const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'
const NO_WRAP = '\x1b[?7l'
const WRAP = '\x1b[?7h'
/** The terminal shows what is between these at once, where it can. */
const BEGIN_UPDATE = '\x1b[?2026h'
const END_UPDATE = '\x1b[?2026l'
const CLEAR_BELOW = '\x1b[J'

const FRAME_MS = 80

/** Columns where the output is no terminal. */
const DEFAULT_COLUMNS = 100

/**
 * A terminal: lines that stay, and below them a picture that is drawn anew
 * several times a second. Where the output is no terminal, the picture is
 * printed once, in the end.
 */
export class Screen {
  readonly #out: NodeJS.WriteStream
  readonly #picture: (columns: number) => string[]
  #timer?: NodeJS.Timeout
  #height = 0

  /** @param picture - draws; called for each frame */
  constructor (out: NodeJS.WriteStream, picture: (columns: number) => string[]) {
    this.#out = out
    this.#picture = picture
  }

  start (): void {
    if (this.#out.isTTY) {
      this.#out.write(HIDE_CURSOR)
      this.#timer = setInterval(() => { this.#draw() }, FRAME_MS)
      this.#draw()
    }
  }

  /** Prints a line that stays, above the picture. */
  line (text: string): void {
    if (this.#timer == null) {
      this.#out.write(`${text}\n`)
    } else {
      this.#draw(text)
    }
  }

  /**
   * Restores the terminal.
   *
   * @param keep - whether the picture, drawn for the last time, stays
   */
  stop (keep: boolean): void {
    if (this.#timer != null) {
      clearInterval(this.#timer)
      this.#timer = undefined
      this.#draw()
      this.#out.write(`\n${SHOW_CURSOR}`)
    } else if (keep) {
      this.#out.write(`${this.#picture(DEFAULT_COLUMNS).join('\n')}\n\n`)
    }
  }

  #draw (above?: string): void {
    const picture = this.#picture(this.#out.columns).slice(0, Math.max(1, this.#out.rows - 1))
    const lines = above == null ? picture : [above, ...picture]
    const up = this.#height === 0 ? '' : `\x1b[${this.#height}A`
    this.#height = picture.length
    this.#out.write(`${BEGIN_UPDATE}${NO_WRAP}\r${up}${CLEAR_BELOW}${lines.join('\n')}\n${WRAP}${END_UPDATE}`)
  }
}
