import type { Progress } from './experiment.ts'

/** What a progress bar writes to: a terminal, or anything else, which then stays untouched. */
export interface BarOutput {
  readonly isTTY?: boolean
  write (text: string): unknown
}

const WIDTH = 40

/** A bar that follows a long run on a terminal, and removes itself at the end; nothing elsewhere. */
export function progressBar (output: BarOutput): Progress {
  let shown = -1

  return (done) => {
    const filled = Math.floor(done * WIDTH)

    if (output.isTTY !== true || filled === shown) {
      return
    }

    shown = filled
    output.write(done >= 1 ? '\r\x1b[K' : `\r[${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${Math.floor(done * 100)} %`)
  }
}
