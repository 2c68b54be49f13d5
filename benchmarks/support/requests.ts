import { once } from 'node:events'
import type { ChildProcess } from 'node:child_process'

type Handlers = Record<string, (argument: never) => unknown>

/**
 * Answers the requests of the parent process, one after the other.
 *
 * A handler that throws fails the request with its message.
 */
export function answer (handlers: Handlers): void {
  process.on('message', (request: { name: string, argument: never }) => {
    Promise.resolve()
      .then(async () => handlers[request.name](request.argument))
      .then(
        (value) => process.send?.({ value: value ?? null }),
        (err: Error) => process.send?.({ error: err.stack })
      )
  })
}

/**
 * Asks a child process that has called `answer`. One request at a time.
 *
 * @throws {Error} with the stack of the child's error
 */
export async function ask<T> (child: ChildProcess, name: string, argument: unknown = {}): Promise<T> {
  child.send({ name, argument })
  const [reply] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => [{ error: `the process ended with ${code} during ${name}` }])
  ])

  if (reply.error != null) {
    throw new Error(reply.error)
  }

  return reply.value
}
