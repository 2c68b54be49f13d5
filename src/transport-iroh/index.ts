/**
 * @packageDocumentation
 *
 * The native iroh transport: gossip with Rust `iroh-gossip` peers, over the
 * endpoint of `@number0/iroh`, which must be installed beside this package. It
 * is loaded when the node starts.
 *
 * @example
 *
 * ```ts
 * const node = await createLibp2p({
 *   addresses: { listen: ['/ip4/0.0.0.0/udp/0/quic-v1/sni/iroh.invalid'] },
 *   transports: [iroh(), tcp()],
 *   // …
 * })
 * ```
 */
import { InvalidParametersError, NotStartedError } from '@libp2p/interface'
import { IrohTransport } from './transport.ts'
import type { IrohComponents, IrohInit } from './init.ts'
import type { NativeConnection } from './native.ts'
import type { AbortOptions, Transport } from '@libp2p/interface'

export { endpointIdOf, peerIdOf } from '../iroh-address.ts'
export type { IrohComponents, IrohInit } from './init.ts'
export type { RelayMode } from './endpoint.ts'
export type { NativeBytes, NativeConnection, NativeEndpoint, NativeEndpointAddr, NativeEndpointId, NativeIncoming, NativeRecvStream, NativeSendStream } from './native.ts'

/**
 * A libp2p transport that carries gossip over native iroh connections, and
 * nothing else.
 */
export function iroh (init: IrohInit = {}): IrohTransportFactory {
  const made: IrohTransport[] = []
  const make = (components: IrohComponents): Transport => {
    const transport = new IrohTransport(components, init)
    made.push(transport)

    return transport
  }

  return Object.assign(make, {
    handleConnection: async (connection: NativeConnection, options?: AbortOptions): Promise<void> => {
      const running = made.filter(({ isStarted }) => isStarted)

      if (running.length > 1) {
        throw new InvalidParametersError(`${running.length} nodes run with this transport: make one for each, so that it is clear whose the connection is`)
      }

      if (running.length === 0) {
        throw new NotStartedError('No node runs with this transport')
      }

      await running[0].handleConnection(connection, options)
    }
  })
}

/** What `iroh()` returns: to be named among the node's transports. */
export interface IrohTransportFactory {
  (components: IrohComponents): Transport
  /**
   * Takes a connection for gossip that the application's own accept loop has
   * accepted (`iroh({ endpoint, accept: false })`), as Rust's
   * `Gossip::handle_connection` does. Resolves when libp2p has it; from then on
   * it belongs to the node. When libp2p refuses it, it is closed.
   *
   * @param connection - a `Connection` of `@number0/iroh` whose ALPN is one of `gossipProtocols`
   * @throws {InvalidParametersError} no such connection, or another ALPN; it is left open
   * @throws {NotStartedError} the node does not run
   * @throws {ConnectionClosedError} the connection is gone
   * @throws {AbortError} the signal fired first; the connection is closed
   */
  handleConnection (connection: NativeConnection, options?: AbortOptions): Promise<void>
}
