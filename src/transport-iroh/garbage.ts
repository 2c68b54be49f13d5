import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Collects garbage, so that sockets of closed endpoints are closed.
 *
 * iroh closes an endpoint's sockets when the last reference to it is dropped,
 * and with the Node binding this is when its object is collected, which may be
 * never in a process that does little. A node that is stopped and started again
 * on the same port needs them closed now.
 */
export async function dropClosedEndpoints (): Promise<void> {
  const collect = globalThis.gc ?? exposeCollector()
  collect()
  // native objects are finalized after that
  await setImmediate()
}

function exposeCollector (): () => void {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')

  return collect
}
