import { InvalidParametersError, ListenError } from '@libp2p/interface'
import { formatSocketAddress, parseSocketAddressText } from '../iroh-address.ts'
import { dropClosedEndpoints } from './garbage.ts'
import { nativeMessage } from './native.ts'
import type { Native, NativeEndpoint, NativeEndpointBuilder } from './native.ts'
import type { AddrInfo } from '../iroh-address.ts'
import type { SocketAddress } from '../wire/socket-address.ts'
import type { Logger } from '@libp2p/interface'

/**
 * Which relay servers an endpoint uses, and with them whose address lookup.
 *
 * `default` and `staging` are those of number 0: the endpoint publishes its
 * relay under its id in their DNS, and looks ids up there. With `disabled` it
 * speaks to nobody but its peers. Else these relays, and no lookup: peers need
 * the relay's address.
 */
export type RelayMode = 'default' | 'disabled' | 'staging' | string[]

export interface SharedEndpointInit {
  /** Loads the binding. */
  native (): Promise<Native>
  /** 32 bytes: the seed of the Ed25519 key. */
  secretKey: Uint8Array
  alpns: Uint8Array[]
  relayMode: RelayMode
  /** An endpoint that the application owns: it is used, and neither bound nor closed. */
  adopted?: NativeEndpoint
  /** Whether the endpoint's incoming connections are ours to accept; an adopted one's ALPNs are set only then. */
  accept: boolean
  log: Logger
  /** There is an endpoint from now on. Must not throw. */
  onBound (endpoint: NativeEndpoint): void
  /** The endpoint is about to be closed or, if it was adopted, left. */
  onRelease (endpoint: NativeEndpoint): Promise<void>
  /** {@link SharedEndpoint.addresses} has changed. */
  onAddresses (): void
}

type State =
  | { status: 'closed' }
  | { status: 'binding', bound: Promise<NativeEndpoint> }
  | { status: 'bound', endpoint: NativeEndpoint, poll: ReturnType<typeof setInterval> }
  | { status: 'closing', closed: Promise<void> }

/**
 * Milliseconds between two looks at the endpoint's addresses. Its watcher
 * cannot be used: in `@number0/iroh` 1.1.0 it aborts the process.
 */
const POLL_MS = 1_000

/** What the operating system says, in the words of Rust. */
const ADDRESS_IN_USE = 'Address already in use'

const LOOPBACK = { ip4: '127.0.0.1', ip6: '::1' }
const WILDCARDS = ['0.0.0.0', '::']

/**
 * The one endpoint behind all listeners and dials of a transport. It exists
 * while anybody uses it.
 */
export class SharedEndpoint {
  readonly #init: SharedEndpointInit
  #state: State = { status: 'closed' }
  #users = 0
  #listenOn: SocketAddress[] = []
  #addresses: AddrInfo = { directAddresses: [] }

  constructor (init: SharedEndpointInit) {
    this.#init = init
  }

  /** Where others reach the endpoint: what it is bound to, what it found out, its relay. Nothing while there is none. */
  get addresses (): AddrInfo {
    return this.#addresses
  }

  /**
   * Says what to bind, before there is an endpoint. Replaces what was said
   * before; with nothing, ports are chosen on all interfaces.
   */
  listenOn (addresses: SocketAddress[]): void {
    this.#listenOn = addresses
  }

  /**
   * Asks that the endpoint listen on the address.
   *
   * @throws {ListenError} if it is bound and not to this address
   */
  assertListensOn (address: SocketAddress): void {
    if (this.#init.adopted != null || this.#listenOn.some((other) => other.host === address.host && other.port === address.port)) {
      return
    }

    if (this.#state.status === 'bound') {
      throw new ListenError(`The iroh endpoint is bound already, it cannot listen on ${formatSocketAddress(address)} as well: name all addresses before the node starts`)
    }

    this.#listenOn.push(address)
  }

  /**
   * Uses the endpoint, which is bound if this is the first use. Each successful
   * call is followed by one {@link release}.
   *
   * @throws {NativeBindingMissingError}
   * @throws {ListenError} if it cannot be bound
   * @throws {InvalidParametersError} if a relay URL is none, or two addresses of one family were to be bound
   */
  async acquire (): Promise<NativeEndpoint> {
    this.#users++

    try {
      return await this.#getEndpoint()
    } catch (err) {
      this.#users--
      throw err
    }
  }

  /**
   * Ends one use. After the last one the endpoint is closed.
   *
   * @returns when it is closed, if this was the last use
   */
  async release (): Promise<void> {
    this.#users--

    if (this.#users > 0 || this.#state.status !== 'bound') {
      return
    }

    const { endpoint, poll } = this.#state
    clearInterval(poll)
    this.#addresses = { directAddresses: [] }
    const closed = this.#close(endpoint)
    this.#state = { status: 'closing', closed }

    await closed
  }

  async #getEndpoint (): Promise<NativeEndpoint> {
    switch (this.#state.status) {
      case 'bound': {
        return this.#state.endpoint
      }
      case 'binding': {
        return this.#state.bound
      }
      case 'closing': {
        await this.#state.closed
        return this.#getEndpoint()
      }
      case 'closed': {
        const bound = this.#bind()
        this.#state = { status: 'binding', bound }
        return bound
      }
      default: {
        return this.#state satisfies never
      }
    }
  }

  async #bind (): Promise<NativeEndpoint> {
    try {
      const native = await this.#init.native()
      const endpoint = this.#init.adopted ?? await this.#build(native)

      if (endpoint === this.#init.adopted && this.#init.accept) {
        endpoint.setAlpns(this.#init.alpns.map(native.toNative))
      }

      this.#state = {
        status: 'bound',
        endpoint,
        poll: setInterval(() => { this.#refresh(endpoint) }, POLL_MS).unref()
      }
      this.#addresses = readAddresses(endpoint)
      this.#init.onBound(endpoint)

      return endpoint
    } catch (err) {
      this.#state = { status: 'closed' }
      throw err
    }
  }

  async #build (native: Native): Promise<NativeEndpoint> {
    const addresses = bindAddresses(this.#listenOn)

    try {
      return await this.#tryBuild(native, addresses).catch(async (err) => {
        if (!nativeMessage(err).includes(ADDRESS_IN_USE)) {
          throw err
        }

        // perhaps by ourselves, before the node was stopped
        await dropClosedEndpoints()

        return this.#tryBuild(native, addresses)
      })
    } catch (err) {
      if (err instanceof InvalidParametersError) {
        throw err
      }

      throw new ListenError(`The iroh endpoint could not be bound: ${nativeMessage(err)}`)
    }
  }

  async #tryBuild (native: Native, addresses: SocketAddress[]): Promise<NativeEndpoint> {
    const { secretKey, alpns, relayMode } = this.#init
    const builder = native.Endpoint.builder()

    applyRelayMode(native, builder, relayMode)
    builder.secretKey(native.toNative(secretKey))
    builder.alpns(alpns.map(native.toNative))

    for (const address of addresses) {
      builder.bindAddr(formatSocketAddress(address))
    }

    return builder.bind()
  }

  async #close (endpoint: NativeEndpoint): Promise<void> {
    try {
      await this.#init.onRelease(endpoint)

      if (endpoint !== this.#init.adopted) {
        await endpoint.close()
      }
    } catch (err) {
      this.#init.log.error('closing the endpoint failed - %s', nativeMessage(err))
    } finally {
      this.#state = { status: 'closed' }
    }
  }

  #refresh (endpoint: NativeEndpoint): void {
    const addresses = readAddresses(endpoint)

    if (JSON.stringify(addresses) !== JSON.stringify(this.#addresses)) {
      this.#addresses = addresses
      this.#init.onAddresses()
    }
  }
}

/**
 * The addresses to bind so that exactly those asked for are reachable.
 *
 * iroh binds one address for each family, and by itself all interfaces of both.
 * So where all addresses asked for are specific, the other family is bound to
 * its loopback address.
 *
 * @throws {InvalidParametersError} if two addresses of one family are asked for
 */
export function bindAddresses (wanted: SocketAddress[]): SocketAddress[] {
  const ip4 = wanted.filter(({ host }) => !host.includes(':'))
  const ip6 = wanted.filter(({ host }) => host.includes(':'))

  if (ip4.length > 1 || ip6.length > 1) {
    throw new InvalidParametersError('An iroh endpoint listens on one address of each family, IPv4 and IPv6')
  }

  if (wanted.length !== 1 || WILDCARDS.includes(wanted[0].host)) {
    return wanted
  }

  return [...wanted, { host: ip4.length === 0 ? LOOPBACK.ip4 : LOOPBACK.ip6, port: 0 }]
}

function applyRelayMode (native: Native, builder: NativeEndpointBuilder, relayMode: RelayMode): void {
  switch (relayMode) {
    case 'default': {
      builder.applyN0()
      break
    }
    case 'staging': {
      builder.applyN0()
      builder.relayMode(native.RelayMode.staging())
      break
    }
    case 'disabled': {
      builder.applyMinimal()
      builder.relayMode(native.RelayMode.disabled())
      break
    }
    default: {
      builder.applyMinimal()

      try {
        builder.relayMode(native.RelayMode.customFromUrls(relayMode))
      } catch (err) {
        throw new InvalidParametersError(`Not all of ${relayMode.join(', ')} are relay URLs: ${nativeMessage(err)}`)
      }
    }
  }
}

function readAddresses (endpoint: NativeEndpoint): AddrInfo {
  const addr = endpoint.addr()
  const sockets = endpoint.boundSockets().map(parseSocketAddressText).filter(({ host }) => !WILDCARDS.includes(host))
  const direct = new Map([...sockets, ...addr.directAddresses().map(parseSocketAddressText)].map((address) => [formatSocketAddress(address), address]))

  return {
    relayUrl: addr.relayUrl() ?? undefined,
    directAddresses: [...direct.values()]
  }
}
