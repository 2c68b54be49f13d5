/** A generator of the same numbers in [0, 1) for the same seed (mulberry32). */
export function numbers (seed: number): () => number {
  let state = seed

  return () => {
    state = state + 0x6d2b79f5 | 0
    let t = Math.imul(state ^ state >>> 15, 1 | state)
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t

    return ((t ^ t >>> 14) >>> 0) / 2 ** 32
  }
}

/** So many different ones of `all`, or all where there are fewer. */
export function pick (all: number[], count: number, random: () => number): number[] {
  const rest = [...all]

  return Array.from({ length: Math.min(count, all.length) }, () => rest.splice(Math.floor(random() * rest.length), 1)[0])
}
