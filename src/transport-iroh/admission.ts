import { ConnectionClosedError } from '@libp2p/interface'
import { getNetConfig, isNetworkAddress } from '@libp2p/utils'
import { raceSignal } from 'race-signal'
import type { Multiaddr } from '@multiformats/multiaddr'

/** Milliseconds until a refused connection is offered again. libp2p counts by the second. */
const RETRY_MS = 200

/** Milliseconds after which a refusal is believed: it is not the rate, but a deny list or the maximum. */
const GIVE_UP_MS = 10_000

/** Connections that may wait. A Rust swarm has one or two for each peer. */
const MAX_WAITING = 1_024

/** What libp2p's upgrader throws if the connection manager does not accept a connection. */
const DENIED = 'ConnectionDeniedError'

interface Candidate {
  isOpen (): boolean
  upgrade (): Promise<void>
  verdict: PromiseWithResolvers<unknown>
}

/**
 * Offers incoming connections to libp2p until it takes them.
 *
 * libp2p accepts 5 connections a second from one host and refuses the rest, but
 * a Rust peer that is refused never dials again (rule 7). So a refused
 * connection waits, open, in front of others from the same host. A host that is
 * refused for 10 s is refused for another reason, which stands.
 */
export class Admission {
  readonly #hosts = new Map<string, Candidate[]>()
  readonly #signal: AbortSignal
  #waiting = 0

  /**
   * @param signal - ends all waiting
   */
  constructor (signal: AbortSignal) {
    this.#signal = signal
  }

  /**
   * @param remoteAddr - connections from one host queue for each other
   * @param isOpen - whether the connection is still there
   * @param upgrade - asks libp2p; called again if it refuses with `ConnectionDeniedError`
   * @returns when the connection is upgraded
   * @throws {Error} what `upgrade` threw at last, or the reason of the signal
   */
  async admit (remoteAddr: Multiaddr, isOpen: () => boolean, upgrade: () => Promise<void>): Promise<void> {
    if (this.#waiting >= MAX_WAITING) {
      return upgrade()
    }

    const host = isNetworkAddress(remoteAddr) ? getNetConfig(remoteAddr).host : ''
    const candidate: Candidate = { isOpen, upgrade, verdict: Promise.withResolvers() }
    const queue = this.#hosts.get(host)
    this.#waiting++

    if (queue != null) {
      queue.push(candidate)
    } else {
      const started = [candidate]
      this.#hosts.set(host, started)
      void this.#process(host, started)
    }

    try {
      await candidate.verdict.promise
    } finally {
      this.#waiting--
    }
  }

  /** Settles each candidate's verdict, in order. Never rejects. */
  async #process (host: string, queue: Candidate[]): Promise<void> {
    let refusedSince: number | undefined

    for (let candidate = queue.at(0); candidate != null; candidate = queue.at(0)) {
      try {
        this.#signal.throwIfAborted()

        if (!candidate.isOpen()) {
          throw new ConnectionClosedError('The remote peer closed the connection before it was accepted')
        }

        await candidate.upgrade()
        refusedSince = undefined
        candidate.verdict.resolve(undefined)
      } catch (err) {
        const now = performance.now()
        const isDenied = err instanceof Error && err.name === DENIED
        refusedSince = isDenied ? refusedSince ?? now : refusedSince

        if (isDenied && refusedSince != null && now - refusedSince < GIVE_UP_MS) {
          await delay(RETRY_MS, this.#signal)
          continue
        }

        candidate.verdict.reject(err)
      }

      queue.shift()
    }

    this.#hosts.delete(host)
  }
}

/**
 * Resolves after so many milliseconds, or at once when the signal is aborted.
 */
export async function delay (ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<unknown>()
  const timer = setTimeout(resolve, ms)

  try {
    await raceSignal(promise, signal)
  } catch {
    // whoever waits looks at the signal
  } finally {
    clearTimeout(timer)
  }
}
