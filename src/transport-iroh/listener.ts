import { TypedEventEmitter } from 'main-event'
import { fromMultiaddr, toMultiaddrs } from '../iroh-address.ts'
import type { SharedEndpoint } from './endpoint.ts'
import type { SocketAddress } from '../wire/socket-address.ts'
import type { Listener, ListenerEvents } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface IrohListenerInit {
  endpoint: SharedEndpoint
  /** Whether this listener speaks for the whole endpoint: its relay is named by one listener only. */
  isFirst (listener: IrohListener): boolean
  onListening (listener: IrohListener): void
  onClose (listener: IrohListener): void
}

type State =
  | { status: 'ready' }
  | { status: 'listening', address: SocketAddress }
  | { status: 'closed' }

/**
 * Listens on one address, with an endpoint that it shares with the transport's
 * other listeners and dials. Connections are accepted as long as the node runs,
 * also without a listener.
 */
export class IrohListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  readonly #init: IrohListenerInit
  #state: State = { status: 'ready' }

  constructor (init: IrohListenerInit) {
    super()

    this.#init = init
  }

  async listen (ma: Multiaddr): Promise<void> {
    const { endpoint, onListening } = this.#init
    const [address] = fromMultiaddr(ma).directAddresses

    endpoint.assertListensOn(address)
    await endpoint.acquire()

    this.#state = { status: 'listening', address }
    onListening(this)
    this.safeDispatchEvent('listening')
  }

  /**
   * Where peers reach the endpoint with addresses of this listener's family,
   * and by its relay. May change, which another `listening` event tells.
   */
  getAddrs (): Multiaddr[] {
    if (this.#state.status !== 'listening') {
      return []
    }

    const { endpoint, isFirst } = this.#init
    const { relayUrl, directAddresses } = endpoint.addresses
    const isV6 = this.#state.address.host.includes(':')

    return toMultiaddrs({
      relayUrl: isFirst(this) ? relayUrl : undefined,
      directAddresses: directAddresses.filter(({ host }) => host.includes(':') === isV6)
    })
  }

  /** The endpoint knows its addresses by itself. */
  updateAnnounceAddrs (): void {}

  async close (): Promise<void> {
    if (this.#state.status !== 'listening') {
      return
    }

    this.#state = { status: 'closed' }
    this.#init.onClose(this)
    await this.#init.endpoint.release()
    // not before: while it closes all listeners libp2p strikes the wrong one from its list
    this.safeDispatchEvent('close')
  }
}
