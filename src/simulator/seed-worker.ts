/** The other side of `seed-workers.ts`: runs in a worker thread, one seed after the other. */
import { parentPort } from 'node:worker_threads'
import { runExperiment } from './experiment.ts'
import { Traffic } from './traffic.ts'
import type { SeedAnswer, SeedTask } from './seed-workers.ts'

const port = parentPort

if (port === null) {
  throw new Error('this file is for worker threads')
}

const answer = (message: SeedAnswer): void => { port.postMessage(message) }

port.on('message', ({ config, encode }: SeedTask) => {
  const traffic = encode === undefined ? undefined : new Traffic({ encode })
  // what is thrown here ends the thread, and reaches whoever started it
  const [result] = runExperiment({ ...config, traffic }, (done) => { answer({ type: 'progress', done }) })
  answer({ type: 'result', result, traffic: traffic?.report() })
})
