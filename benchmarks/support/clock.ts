/** Milliseconds on a clock that all processes of a machine share, monotonic. */
export function now (): number {
  return Number(process.hrtime.bigint()) / 1e6
}
