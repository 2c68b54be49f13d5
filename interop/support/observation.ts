import { Changes } from './changes.ts'

/** Resolves when something holds of several that change; looked at after each change of any of them. */
export async function untilAmong (several: Changes[], what: string, holds: () => boolean, patienceMs?: number): Promise<void> {
  const changes = new Changes()
  const stops = several.map((each) => each.subscribe((failure) => {
    failure == null ? changes.notify() : changes.fail(failure)
  }))

  try {
    await changes.until(what, holds, undefined, patienceMs)
  } finally {
    stops.forEach((stop) => { stop() })
  }
}

/**
 * For observations of the kind "it never happens": resolves after `ms` during
 * which this did not happen. Nothing else may wait for a time.
 *
 * @throws {Error} as soon as it has happened
 */
export async function nothingFor (ms: number, what: string, changes: Changes[], happened: () => boolean): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const look = (): void => {
      if (happened()) {
        settle(new Error(`${what}, within ${ms} ms`))
      }
    }
    const stops = changes.map((each) => each.subscribe(look))
    const timeout = setTimeout(() => { settle() }, ms)
    const settle = (err?: Error): void => {
      clearTimeout(timeout)
      stops.forEach((stop) => { stop() })
      err == null ? resolve() : reject(err)
    }

    look()
  })
}

/** Whether something that takes its time is done after `ms`; what it throws counts as not done. */
export async function isDoneWithin (ms: number, task: Promise<unknown>): Promise<boolean> {
  let timeout: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<boolean>((resolve) => { timeout = setTimeout(() => { resolve(false) }, ms) })

  try {
    return await Promise.race([task.then(() => true, () => false), late])
  } finally {
    clearTimeout(timeout)
  }
}
