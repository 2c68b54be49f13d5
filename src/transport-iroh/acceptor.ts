import { raceSignal } from 'race-signal'
import { delay } from './admission.ts'
import { nativeMessage } from './native.ts'
import type { NativeConnection, NativeEndpoint, NativeIncoming } from './native.ts'
import type { Logger } from '@libp2p/interface'

/** Handshakes that run at a time. Further ones wait in the endpoint. */
const MAX_HANDSHAKES = 64

/** Milliseconds that a handshake may take. */
const HANDSHAKE_TIMEOUT_MS = 10_000

/** Milliseconds to the next attempt after accepting failed, doubled each time. */
const MIN_BACKOFF_MS = 50
const MAX_BACKOFF_MS = 5_000

/** Where an incoming connection came from, as the endpoint sees it. */
export interface IncomingAddress {
  /** `ip`, `relay` or `custom`. */
  kind: string
  /** A socket address or the relay's URL. */
  addr?: string
}

export interface AcceptorInit {
  log: Logger
  /** Must not throw. The connection is its from then on. */
  onConnection (connection: NativeConnection, from: IncomingAddress): void
}

/**
 * An endpoint has one queue of incoming connections and a call for the next one
 * cannot be taken back. So the call is kept: the next acceptor of the same
 * endpoint, after a restart of the node, goes on with it.
 */
const pendingCalls = new WeakMap<NativeEndpoint, Promise<NativeIncoming | null>>()

/**
 * Accepts the connections that reach an endpoint.
 */
export class Acceptor {
  readonly #init: AcceptorInit
  readonly #endpoint: NativeEndpoint
  readonly #handshakes = new Set<Promise<void>>()
  readonly #stop = new AbortController()
  readonly #running: Promise<void>

  constructor (endpoint: NativeEndpoint, init: AcceptorInit) {
    this.#endpoint = endpoint
    this.#init = init
    this.#running = this.#accept()
  }

  /**
   * Accepts no more. Handshakes that are under way end without a connection.
   */
  async stop (): Promise<void> {
    this.#stop.abort()
    await this.#running
    await Promise.all(this.#handshakes)
  }

  async #accept (): Promise<void> {
    const { log } = this.#init
    const { signal } = this.#stop
    let backoffMs = MIN_BACKOFF_MS

    while (!signal.aborted) {
      try {
        const incoming = await raceSignal(this.#next(), signal)

        if (incoming == null) {
          log('the endpoint is closed')
          return
        }

        backoffMs = MIN_BACKOFF_MS
        this.#track(this.#handshake(incoming))

        if (this.#handshakes.size >= MAX_HANDSHAKES) {
          await Promise.race(this.#handshakes)
        }
      } catch (err) {
        if (signal.aborted) {
          return
        }

        log.error('accepting failed, next attempt in %d ms - %s', backoffMs, nativeMessage(err))
        await delay(backoffMs, signal)
        backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS)
      }
    }
  }

  async #next (): Promise<NativeIncoming | null> {
    let call = pendingCalls.get(this.#endpoint)

    if (call == null) {
      call = this.#endpoint.acceptNext()
      pendingCalls.set(this.#endpoint, call)
    }

    try {
      const incoming = await call

      // a stopped acceptor leaves it to the next one
      if (!this.#stop.signal.aborted) {
        pendingCalls.delete(this.#endpoint)
      }

      return incoming
    } catch (err) {
      pendingCalls.delete(this.#endpoint)
      throw err
    }
  }

  #track (handshake: Promise<void>): void {
    this.#handshakes.add(handshake)
    void handshake.then(() => this.#handshakes.delete(handshake))
  }

  /** Never rejects. */
  async #handshake (incoming: NativeIncoming): Promise<void> {
    const { log, onConnection } = this.#init
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(HANDSHAKE_TIMEOUT_MS)])

    try {
      const from = await raceSignal(incoming.remoteAddr(), signal)
      const connection = await raceConnection(connect(incoming), signal)
      onConnection(connection, from)
    } catch (err) {
      log('a handshake failed - %s', nativeMessage(err))
    }
  }
}

/**
 * Waits for a connection until the signal is aborted. One that comes later is closed.
 *
 * @throws {Error} the signal's reason, or what the binding threw
 */
export async function raceConnection (connecting: Promise<NativeConnection>, signal: AbortSignal): Promise<NativeConnection> {
  try {
    return await raceSignal(connecting, signal)
  } catch (err) {
    connecting.then((connection) => { connection.close(0n, []) }, () => {})

    throw err
  }
}

async function connect (incoming: NativeIncoming): Promise<NativeConnection> {
  const accepting = await incoming.accept()

  return accepting.connect()
}
