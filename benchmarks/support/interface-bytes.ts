import { readFileSync } from 'node:fs'

/**
 * Bytes and packets that went over the loopback interface of this process's
 * network namespace since it was made, every header included.
 *
 * Read from `/proc/net/dev`; zeros where there is none. Counts only our own
 * traffic where the process was started by `isolated`.
 */
export function interfaceBytes (): { bytes: number, packets: number } {
  let text: string

  try {
    text = readFileSync('/proc/net/dev', 'utf8')
  } catch {
    return { bytes: 0, packets: 0 }
  }

  const line = text.split('\n').find((line) => line.trim().startsWith('lo:'))
  const [bytes = 0, packets = 0] = line?.split(':')[1].trim().split(/\s+/).map(Number) ?? []

  return { bytes, packets }
}
