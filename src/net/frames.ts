import { Uint8ArrayList } from 'uint8arraylist'
import { concat } from 'uint8arrays/concat'

/** An encoded frame, shared by all peers that it goes to. */
export type Frame = Uint8Array | Uint8ArrayList

/**
 * Frames in one piece: under noise each piece of a list is encrypted by itself,
 * and written to the socket by itself. Only lists, which hold large contents,
 * stay what they are.
 */
export function joinFrames (frames: Frame[]): Frame {
  const list = new Uint8ArrayList()
  let from = 0

  for (let i = 0; i <= frames.length; i++) {
    const frame = i === frames.length ? undefined : frames[i]

    if (frame instanceof Uint8Array) {
      continue
    }

    if (i > from) {
      list.append(concat(frames.slice(from, i) as Uint8Array[]))
    }

    if (frame != null) {
      list.append(frame)
    }

    from = i + 1
  }

  return list
}
