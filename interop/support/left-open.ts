import { runningPeers } from './peer-process.ts'

/** Milliseconds after the last test, in which everything that was closed has ended. */
const PATIENCE_MS = 15_000

/**
 * Hooks of the whole run: no peer outlives its test, and should this process
 * not end by itself after the last test it says what it is still waiting for.
 */
export const mochaHooks = {
  afterAll (): void {
    setTimeout(() => {
      const open = process.getActiveResourcesInfo()
      const what = open.length > 0 ? open.join(', ') : 'a call into native code'
      // eslint-disable-next-line no-console
      console.error(`This process has not ended ${PATIENCE_MS} ms after its last test; it waits for: ${what}`)
    }, PATIENCE_MS).unref()

    const peers = runningPeers()
    // or they would keep this process from ending
    peers.forEach((pid) => process.kill(pid, 'SIGKILL'))

    if (peers.length > 0) {
      throw new Error(`Peers outlived their tests: processes ${peers.join(', ')}`)
    }
  }
}
