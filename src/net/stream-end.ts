import type { Stream } from '@libp2p/interface'

/** Longest wait for the other side to acknowledge the end of a stream. */
const FINISH_TIMEOUT_MS = 5_000

/** Finishes a stream; resolves when the peer has acknowledged it, or after 5 s. */
export async function endStream (stream: Stream): Promise<void> {
  try {
    await stream.close({ signal: AbortSignal.timeout(FINISH_TIMEOUT_MS) })
  } catch (err) {
    stream.log('the end of the stream was not acknowledged - %e', err)
  }
}

/**
 * Resolves when the remote has ended its half too, which it does at the end of
 * ours, or after 5 s; with an error if the stream broke instead.
 */
export async function readToItsEnd (stream: Stream): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const timeout = setTimeout(() => { resolve(undefined) }, FINISH_TIMEOUT_MS)

    stream.addEventListener('close', (evt) => {
      clearTimeout(timeout)
      resolve(evt.error)
    }, { once: true })
  })
}
