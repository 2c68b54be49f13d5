import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { ExperimentConfig, Progress, SeedResult } from './experiment.ts'
import type { TrafficOfType } from './traffic.ts'

/** What a worker is asked: one seed of an experiment. With `encode` it counts what is sent. */
export interface SeedTask {
  config: Omit<ExperimentConfig, 'traffic'>
  encode?: boolean
}

/** What a worker says: how far it is, any number of times, then the result. */
export type SeedAnswer =
  | { type: 'progress', done: number }
  | { type: 'result', result: SeedResult, traffic?: Record<string, TrafficOfType> }

export interface SeedWorkersInit {
  /**
   * How many seeds are run at once, each in a thread of its own that needs as
   * much memory as the whole experiment with `runExperiment`.
   *
   * @default as many as the machine has cores
   */
  jobs?: number
  /** Ends all that is running. */
  signal?: AbortSignal
}

/** A task, and who waits for its result. */
interface Job {
  task: SeedTask
  progress (done: number): void
  resolve (result: SeedResult): void
  reject (reason: unknown): void
  traffic: ExperimentConfig['traffic']
}

/**
 * Threads that run the seeds of experiments beside each other.
 *
 * The results are those of `runExperiment`, byte for byte and in the order of
 * the seeds, whichever is done first. The first failure ends everything.
 */
export class SeedWorkers {
  private readonly limit: number
  private readonly signal?: AbortSignal
  private readonly idle: Worker[] = []
  private readonly busy = new Map<Worker, Job>()
  private readonly waiting: Job[] = []
  private failure?: { reason: unknown }

  constructor (init: SeedWorkersInit = {}) {
    this.limit = init.jobs ?? availableParallelism()
    this.signal = init.signal
    this.signal?.addEventListener('abort', this.onAbort)

    if (this.signal?.aborted === true) {
      this.onAbort()
    }
  }

  /**
   * Runs an experiment for each of its seeds. Several may be under way.
   *
   * @param config - must not hold functions: they cannot be handed to a thread
   * @param progress - hears what is done of it, from 0 to 1
   * @returns rejects with what ended a thread, or the reason of an abort
   */
  async run (config: ExperimentConfig, progress?: Progress): Promise<SeedResult[]> {
    const { traffic, seeds, ...rest } = config
    const done = seeds.map(() => 0)

    return Promise.all(seeds.map(async (seed, i) => new Promise<SeedResult>((resolve, reject) => {
      const task: SeedTask = { config: { ...rest, seeds: [seed] }, encode: traffic?.encode }
      const onProgress = (share: number): void => {
        done[i] = share
        progress?.(done.reduce((sum, each) => sum + each, 0) / seeds.length)
      }
      this.waiting.push({ task, progress: onProgress, resolve, reject, traffic })
      this.assign()
    })))
  }

  /** Ends all threads; what is under way is rejected. Nothing can be run afterwards. */
  async stop (): Promise<void> {
    await this.fail(new Error('the workers were stopped'))
  }

  private readonly onAbort = (): void => {
    void this.fail(this.signal?.reason)
  }

  /** Hands out what waits. */
  private assign (): void {
    if (this.failure !== undefined) {
      const { reason } = this.failure
      this.waiting.splice(0).forEach((job) => { job.reject(reason) })

      return
    }

    while (this.waiting.length > 0 && (this.idle.length > 0 || this.busy.size < this.limit)) {
      const worker = this.idle.pop() ?? this.start()
      const job = this.waiting.shift()

      if (job !== undefined) {
        this.busy.set(worker, job)

        try {
          worker.postMessage(job.task)
        } catch (err) {
          // a function, most likely
          void this.fail(err)
        }
      }
    }
  }

  private start (): Worker {
    // beside this file, and compiled if it is
    const worker = new Worker(new URL(`seed-worker${extname(import.meta.url)}`, import.meta.url))

    worker.on('message', (answer: SeedAnswer) => { this.onAnswer(worker, answer) })
    worker.on('error', (err) => { void this.fail(err) })
    worker.on('exit', (code) => { void this.fail(new Error(`a simulating thread ended with code ${code}`)) })

    return worker
  }

  private onAnswer (worker: Worker, answer: SeedAnswer): void {
    const job = this.busy.get(worker)

    if (answer.type === 'progress') {
      job?.progress(answer.done)

      return
    }

    this.busy.delete(worker)
    this.idle.push(worker)
    job?.traffic?.add(answer.traffic ?? {})
    job?.resolve(answer.result)
    this.assign()
  }

  private async fail (reason: unknown): Promise<void> {
    if (this.failure !== undefined) {
      return
    }

    this.failure = { reason }
    this.signal?.removeEventListener('abort', this.onAbort)
    const workers = [...this.idle.splice(0), ...this.busy.keys()]
    this.busy.forEach((job) => { job.reject(reason) })
    this.busy.clear()
    this.assign()
    await Promise.all(workers.map(async (worker) => worker.terminate()))
  }
}
