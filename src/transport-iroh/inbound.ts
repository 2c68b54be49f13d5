import { AbortError, ConnectionClosedError, InvalidParametersError } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { toString } from 'uint8arrays/to-string'
import { parseSocketAddressText, peerIdOf, toMultiaddrs } from '../iroh-address.ts'
import { Acceptor } from './acceptor.ts'
import { Admission } from './admission.ts'
import { upgradeOptions } from './connections.ts'
import { fromNative } from './native.ts'
import type { IncomingAddress } from './acceptor.ts'
import type { IrohConnection } from './connection.ts'
import type { Connections } from './connections.ts'
import type { SharedEndpoint } from './endpoint.ts'
import type { Native, NativeConnection, NativeEndpoint } from './native.ts'
import type { Logger, PeerId, Upgrader } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface InboundInit {
  upgrader: Upgrader
  endpoint: SharedEndpoint
  /** Whether what reaches the endpoint is to be accepted. */
  accept: boolean
  connections: Connections
  native (): Promise<Native>
  /** The ALPNs whose connections become libp2p's. */
  protocols: string[]
  /** The owners of all others, by ALPN. */
  handlers: Map<string, (connection: NativeConnection) => void>
  log: Logger
}

/**
 * Whatever reaches an endpoint, until it is stopped.
 */
export class Inbound {
  readonly #init: InboundInit
  readonly #stop = new AbortController()
  readonly #admission = new Admission(this.#stop.signal)
  readonly #acceptor: Acceptor | undefined

  constructor (endpoint: NativeEndpoint, init: InboundInit) {
    this.#init = init
    this.#acceptor = !init.accept
      ? undefined
      : new Acceptor(endpoint, {
        log: init.log,
        onConnection: (connection, from) => { void this.#onConnection(connection, from) }
      })
  }

  /** Accepts no more, and closes what libp2p has not yet accepted. */
  async stop (): Promise<void> {
    this.#stop.abort(new AbortError('The node is stopping'))
    await this.#acceptor?.stop()
  }

  /**
   * Makes an accepted connection libp2p's. Unless it succeeds the connection is
   * closed.
   *
   * @throws {Error} what libp2p's upgrader refuses with, or the signal's reason
   */
  async handle (connection: NativeConnection, from: IncomingAddress, signal?: AbortSignal): Promise<void> {
    const { endpoint, connections, native } = this.#init
    const remotePeer = remotePeerOf(connection)
    const adoptable = {
      native: await native(),
      connection,
      protocol: toString(fromNative(connection.alpn())),
      remotePeer,
      remoteAddr: incomingMultiaddr(from, remotePeer),
      direction: 'inbound'
    } as const

    // last, since the connection ends this use: one that nothing ends would keep the endpoint open for ever
    await endpoint.acquire()
    await this.#admit(connections.adopt(adoptable), signal)
  }

  /** Never rejects. */
  async #onConnection (connection: NativeConnection, from: IncomingAddress): Promise<void> {
    const { protocols, handlers, log } = this.#init
    const protocol = toString(fromNative(connection.alpn()))

    try {
      const handler = handlers.get(protocol)

      if (handler != null) {
        handler(connection)
        return
      }

      if (!protocols.includes(protocol)) {
        // cannot happen: the endpoint negotiates these ALPNs only
        throw new Error(`Nobody asked for ${protocol}`)
      }

      await this.handle(connection, from)
    } catch (err) {
      log('an incoming connection was not accepted - %e', err)
      connection.close(0n, [])
    }
  }

  async #admit (maConn: IrohConnection, signal?: AbortSignal): Promise<void> {
    const ending = signal == null ? this.#stop.signal : AbortSignal.any([this.#stop.signal, signal])

    try {
      await this.#admission.admit(maConn.remoteAddr, () => maConn.status === 'open' && !ending.aborted, async () => {
        await this.#init.upgrader.upgradeInbound(maConn, upgradeOptions(maConn, ending))
      })
    } catch (err) {
      maConn.abort(err instanceof Error ? err : new Error(String(err)))
      signal?.throwIfAborted()
      throw err
    }
  }
}

/** Who is at the other end, as QUIC's handshake has proved. */
export function remotePeerOf (connection: NativeConnection): PeerId {
  return peerIdOf(toString(fromNative(connection.remoteId().toBytes()), 'base16'))
}

function incomingMultiaddr ({ kind, addr }: IncomingAddress, peerId: PeerId): Multiaddr {
  const addresses = addr == null
    ? []
    : toMultiaddrs(kind === 'ip' ? { directAddresses: [parseSocketAddressText(addr)] } : { relayUrl: addr, directAddresses: [] }, peerId)

  return addresses.at(0) ?? multiaddr(`/p2p/${peerId}`)
}

/**
 * Where a connection came from that the application has accepted.
 *
 * @throws {InvalidParametersError} it is none of `@number0/iroh`, or carries another protocol
 * @throws {ConnectionClosedError} it is gone
 */
export function acceptedFrom (connection: NativeConnection, protocols: string[]): IncomingAddress {
  if (typeof connection?.alpn !== 'function' || typeof connection.paths !== 'function') {
    throw new InvalidParametersError('Only a Connection of @number0/iroh can be handled')
  }

  const protocol = toString(fromNative(connection.alpn()))

  if (!protocols.includes(protocol)) {
    throw new InvalidParametersError(`The connection is for ${protocol}, gossip runs on ${protocols.join(', ')}`)
  }

  const paths = connection.paths()
  const path = paths.find(({ isSelected }) => isSelected) ?? paths.at(0)

  if (path == null) {
    throw new ConnectionClosedError('The native connection is closed')
  }

  return { kind: path.isIp ? 'ip' : 'relay', addr: path.remoteAddr }
}
