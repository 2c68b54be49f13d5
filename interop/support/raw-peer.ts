import binding from '@number0/iroh/index.js'
import { fromString } from 'uint8arrays/from-string'
import { GOSSIP_PROTOCOL } from '../../src/constants.ts'
import { encodePeerData } from '../../src/wire/index.ts'
import { irohMultiaddr } from './address.ts'
import { Changes } from './changes.ts'
import { RawConnection } from './raw-connection.ts'
import type { Contact } from './member.ts'
import type { RawStreamOptions } from './raw-connection.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Endpoint, Incoming } from '@number0/iroh'

/** What a raw peer does with a connection that comes in. */
export type Welcome = 'accept' | 'refuse' | 'close'

/** How a raw peer behaves. */
export interface RawPeerOptions extends RawStreamOptions {
  /** By default it accepts. */
  welcome?: Welcome
}

const ALPN = [...new TextEncoder().encode(GOSSIP_PROTOCOL)]

/**
 * An iroh endpoint that knows the wire format and nothing else: each test says
 * by hand what it sends, and sees every frame that came. It reads all streams
 * unless told otherwise.
 */
export class RawPeer implements Contact {
  readonly endpointId: string
  readonly addresses: string[]
  readonly multiaddrs: Multiaddr[]
  /** Our addresses, as Join and Neighbor carry them. */
  readonly data: Uint8Array
  /** All connections that came up, oldest first. */
  readonly connections: RawConnection[] = []
  /** Notifies after each connection, stream and frame. */
  readonly changes = new Changes()
  /** Connections that were refused or closed on arrival. */
  turnedAway = 0
  readonly #endpoint: Endpoint
  readonly #options: RawPeerOptions

  private constructor (endpoint: Endpoint, options: RawPeerOptions) {
    this.#endpoint = endpoint
    this.#options = options
    this.endpointId = endpoint.id().toString()
    this.addresses = endpoint.boundSockets().filter((address) => address.startsWith('127.0.0.1:'))
    this.multiaddrs = this.addresses.map((address) => irohMultiaddr(this.endpointId, address))
    this.data = encodePeerData({
      directAddresses: this.addresses.map((address) => {
        const [host, port] = address.split(':')

        return { host, port: Number(port) }
      }),
      multiaddrs: []
    })
    this.#accept().catch((err) => { this.changes.fail(err) })
  }

  static async create (options: RawPeerOptions = {}): Promise<RawPeer> {
    const builder = binding.Endpoint.builder()
    builder.applyMinimal()
    builder.relayMode(binding.RelayMode.disabled())
    builder.alpns([ALPN])
    builder.bindAddr('127.0.0.1:0')

    return new RawPeer(await builder.bind(), options)
  }

  async dial (contact: Contact): Promise<RawConnection> {
    const id = binding.EndpointId.fromBytes([...fromString(contact.endpointId, 'hex')])
    const native = await this.#endpoint.connect(new binding.EndpointAddr(id, undefined, contact.addresses), ALPN)
    const connection = new RawConnection(native, 'outbound', this.changes, this.#options)
    this.connections.push(connection)
    this.changes.notify()

    return connection
  }

  /** Connections that others dialed, oldest first. */
  inbound (): RawConnection[] {
    return this.connections.filter(({ direction }) => direction === 'inbound')
  }

  /** Every frame of a topic on any connection, in the order in which they came. */
  frames (topic: string): RawConnection['frames'] {
    return this.connections
      .flatMap((connection) => connection.frames.filter((frame) => frame.topic === topic))
      .sort((a, b) => a.at - b.at)
  }

  /** Resolves as soon as this holds; looked at after each connection, stream and frame. */
  async until (what: string, holds: () => boolean, patienceMs?: number): Promise<void> {
    const seen = (): string => this.connections.map((connection) => `\n  ${connection}`).join('')
    await this.changes.until(what, holds, seen, patienceMs)
  }

  async close (): Promise<void> {
    await this.#endpoint.close()
  }

  async #accept (): Promise<void> {
    for (let incoming = await this.#endpoint.acceptNext(); incoming != null; incoming = await this.#endpoint.acceptNext()) {
      // one that fails is the business of whoever dialed
      this.#welcome(incoming).catch(() => {})
    }
  }

  async #welcome (incoming: Incoming): Promise<void> {
    const { welcome = 'accept' } = this.#options

    if (welcome === 'refuse') {
      await incoming.refuse()
      this.turnedAway++
      this.changes.notify()
      return
    }

    const accepting = await incoming.accept()
    const native = await accepting.connect()

    if (welcome === 'close') {
      native.close(0n, [])
      this.turnedAway++
      this.changes.notify()
      return
    }

    this.connections.push(new RawConnection(native, 'inbound', this.changes, this.#options))
    this.changes.notify()
  }
}
