import type { ChildProcess } from 'node:child_process'

type Handlers = Record<string, (argument: never) => unknown>

interface Request {
  id: number
  name: string
  argument: never
}

interface Reply {
  id: number
  value?: unknown
  error?: string
}

/**
 * Answers the requests of the parent process, each as soon as it can.
 *
 * A handler that throws fails the request with its stack. When the parent goes,
 * so does this process: a benchmark that was interrupted leaves nothing behind.
 */
export function answer (handlers: Handlers): void {
  process.once('disconnect', () => { process.exit() })
  process.on('message', ({ id, name, argument }: Request) => {
    const reply = (reply: Omit<Reply, 'id'>): void => { process.send?.({ id, ...reply }) }
    Promise.resolve()
      .then(async () => handlers[name](argument))
      .then(
        (value) => { reply({ value: value ?? null }) },
        (err: Error) => { reply({ error: err.stack ?? err.message }) }
      )
  })
}

let lastId = 0

/**
 * Asks a child process that has called `answer`. Several requests may be under way.
 *
 * @throws {Error} with the stack of the child's error, or if the child ends
 */
export async function ask<T> (child: ChildProcess, name: string, argument: unknown = {}): Promise<T> {
  const id = ++lastId

  return new Promise<T>((resolve, reject) => {
    const onMessage = (reply: Reply): void => {
      if (reply.id === id) {
        stop()
        reply.error == null ? resolve(reply.value as T) : reject(new Error(`${name}: ${reply.error}`))
      }
    }
    const onExit = (code: number | null): void => {
      stop()
      reject(new Error(`the process ended with ${code} during ${name}`))
    }
    const stop = (): void => {
      child.off('message', onMessage)
      child.off('exit', onExit)
    }
    child.setMaxListeners(0)
    child.on('message', onMessage)
    child.on('exit', onExit)
    child.send({ id, name, argument })
  })
}
