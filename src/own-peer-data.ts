import { ownPeerData } from './own-addresses.ts'
import type { OwnAddressesComponents } from './own-addresses.ts'
import type { Libp2pEvents, TypedEventTarget } from '@libp2p/interface'

/** After these our addresses may be others. */
const EVENTS = ['self:peer:update', 'transport:listening', 'transport:close'] as const

/** Tells of our addresses, as peers are to hear of them, at the start and whenever they change. */
export class OwnPeerData {
  readonly #components: OwnAddressesComponents & { events: TypedEventTarget<Libp2pEvents> }
  readonly #onChange: (data: Uint8Array) => void
  #told = ''

  constructor (components: OwnAddressesComponents & { events: TypedEventTarget<Libp2pEvents> }, onChange: (data: Uint8Array) => void) {
    this.#components = components
    this.#onChange = onChange
  }

  start (): void {
    EVENTS.forEach((event) => { this.#components.events.addEventListener(event, this.#update) })
    this.#update()
  }

  stop (): void {
    EVENTS.forEach((event) => { this.#components.events.removeEventListener(event, this.#update) })
  }

  readonly #update = (): void => {
    const data = ownPeerData(this.#components)
    const text = data.join()

    if (text !== this.#told) {
      this.#told = text
      this.#onChange(data)
    }
  }
}
