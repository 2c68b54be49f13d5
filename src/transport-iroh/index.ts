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
import { IrohTransport } from './transport.ts'
import type { IrohComponents, IrohInit } from './init.ts'
import type { Transport } from '@libp2p/interface'

export { endpointIdOf, peerIdOf } from '../iroh-address.ts'
export type { IrohComponents, IrohInit } from './init.ts'
export type { RelayMode } from './endpoint.ts'
export type { NativeBytes, NativeConnection, NativeEndpoint, NativeEndpointAddr, NativeEndpointId, NativeIncoming, NativeRecvStream, NativeSendStream } from './native.ts'

/**
 * A libp2p transport that carries gossip over native iroh connections, and
 * nothing else.
 */
export function iroh (init: IrohInit = {}): (components: IrohComponents) => Transport {
  return (components) => new IrohTransport(components, init)
}
