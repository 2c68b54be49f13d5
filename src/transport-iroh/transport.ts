import { AbortError, DialError, InvalidMultiaddrError, InvalidParametersError, NotStartedError, UnexpectedPeerError, UnsupportedKeyTypeError, serviceCapabilities, transportSymbol } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { CODE_P2P } from '@multiformats/multiaddr'
import { raceSignal } from 'race-signal'
import { equals } from 'uint8arrays/equals'
import { fromString } from 'uint8arrays/from-string'
import { GOSSIP_PROTOCOL } from '../constants.ts'
import { gossipTransportSymbol } from '../gossip-transport.ts'
import { endpointIdOf, formatSocketAddress, fromMultiaddr, isDirectIrohAddress, isIrohAddress } from '../iroh-address.ts'
import { raceConnection } from './acceptor.ts'
import { Announcer } from './announcer.ts'
import { Connections, upgradeOptions } from './connections.ts'
import { SharedEndpoint } from './endpoint.ts'
import { Inbound, acceptedFrom, remotePeerOf } from './inbound.ts'
import { IrohListener } from './listener.ts'
import { fromNative, loadNative, nativeMessage } from './native.ts'
import { Wishes } from './wishes.ts'
import type { GossipTransport } from '../gossip-transport.ts'
import type { IrohConnection } from './connection.ts'
import type { IrohComponents, IrohInit } from './init.ts'
import type { Native, NativeConnection, NativeEndpoint, NativeLoader } from './native.ts'
import type { AbortOptions, Connection, DialTransportOptions, Listener, Logger, PeerId, Startable, Transport } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * A libp2p transport over an iroh endpoint. Each connection carries one
 * protocol, that of its ALPN, on unidirectional streams.
 *
 * Connections are upgraded with `limits: {}`, so libp2p takes them for nothing
 * but what asks for limited connections and dials another address for the rest.
 * A peer to which a connection is open is not dialed again: a second connection
 * that libp2p finds superfluous and aborts would make a Rust peer forget us,
 * though the first one lives (rule 8).
 *
 * A node without a listen address accepts connections as well, since a Rust
 * peer answers on a connection of its own (rule 9).
 */
export class IrohTransport implements Transport, Startable, GossipTransport {
  readonly [Symbol.toStringTag] = 'libp2p-iroh-gossip/iroh'
  readonly [transportSymbol] = true
  readonly [gossipTransportSymbol] = true
  readonly [serviceCapabilities] = ['@libp2p/transport']
  readonly #components: IrohComponents
  readonly #log: Logger
  readonly #adopted: NativeEndpoint | undefined
  readonly #protocols: string[]
  readonly #handlers: Map<string, (connection: NativeConnection) => void>
  readonly #load: NativeLoader | undefined
  readonly #endpoint: SharedEndpoint
  readonly #connections: Connections
  readonly #wishes = new Wishes()
  /** Whether the application leaves accepting to us. */
  readonly #accept: boolean
  readonly #announcer: Announcer
  readonly #listeners: IrohListener[] = []
  #native: Promise<Native> | undefined
  #inbound: Inbound | undefined
  #stop = new AbortController()
  /** Whether the node is configured to listen. */
  #isListening = false
  /** Whether the running node itself holds the endpoint. */
  #held: Promise<boolean> | undefined

  /**
   * @param load - how the binding is loaded, for tests
   */
  constructor (components: IrohComponents, init: IrohInit = {}, load?: NativeLoader) {
    const { relayMode = 'default', endpoint, accept = true, gossipProtocols = [GOSSIP_PROTOCOL], handlers = {} } = init

    if (gossipProtocols.length === 0) {
      throw new InvalidParametersError('The iroh transport needs a protocol to carry')
    }

    if (!accept && (endpoint == null || Object.keys(handlers).length > 0)) {
      throw new InvalidParametersError('With accept: false the application accepts what reaches its own endpoint: name the endpoint, and no handlers')
    }

    this.#components = components
    this.#accept = accept
    this.#log = components.logger.forComponent('libp2p:iroh')
    this.#adopted = endpoint
    this.#protocols = gossipProtocols
    this.#handlers = new Map(Object.entries(handlers))
    this.#load = load
    this.#endpoint = new SharedEndpoint({
      native: async () => this.#prepare(),
      secretKey: components.privateKey.raw.subarray(0, 32),
      alpns: [...gossipProtocols, ...this.#handlers.keys()].map((alpn) => fromString(alpn)),
      relayMode,
      adopted: endpoint,
      accept,
      log: this.#log,
      onBound: (bound) => { this.#onBound(bound) },
      onRelease: async (bound) => this.#onRelease(bound),
      onAddresses: () => { this.#onAddresses() }
    })
    this.#connections = new Connections(components, this.#endpoint)
    this.#announcer = new Announcer(components.addressManager)
  }

  /**
   * @throws {NativeBindingMissingError}
   * @throws {UnsupportedKeyTypeError} if the node's key is not of type Ed25519
   * @throws {InvalidParametersError} if the node is to keep within a private
   * network, which iroh would leave; or if an adopted endpoint has another key
   *
   * `afterStart` throws {ListenError} or {InvalidParametersError} if there can
   * be no endpoint, unless the node listens: then its listeners do.
   */
  async start (): Promise<void> {
    await this.#prepare()

    this.#stop = new AbortController()
    const addresses = this.listenFilter(this.#components.addressManager.getListenAddrs())
    this.#isListening = addresses.length > 0
    this.#endpoint.listenOn(addresses.flatMap((ma) => fromMultiaddr(ma).directAddresses))
  }

  async afterStart (): Promise<void> {
    const acquiring = this.#endpoint.acquire()
    this.#held = acquiring.then(() => true, () => false)

    try {
      await acquiring
    } catch (err) {
      if (!this.#isListening) {
        throw err
      }

      // libp2p hears it from the listeners; where it tolerates that, the node still dials
      this.#endpoint.listenOn([])
    }
  }

  async stop (): Promise<void> {
    this.#stop.abort(new AbortError('The node is stopping'))
    await this.#leaveInbound()
  }

  async afterStop (): Promise<void> {
    await this.#connections.shutDown()

    if (await this.#held === true) {
      this.#held = undefined
      await this.#endpoint.release()
    }
  }

  /**
   * Dials an iroh address, which must end in `/p2p/…`.
   *
   * @returns an open connection to the peer where there is one
   * @throws {InvalidMultiaddrError} if the address has no peer id
   * @throws {UnexpectedPeerError} if somebody else answers there
   * @throws {DialError} if the connection fails
   * @throws {AbortError} or the signal's other reason
   */
  async dial (ma: Multiaddr, options: DialTransportOptions): Promise<Connection> {
    options.signal.throwIfAborted()
    const remotePeer = peerIdIn(ma)
    const signal = AbortSignal.any([options.signal, this.#stop.signal])
    const protocol = this.#protocolFor(remotePeer)
    const existing = this.#connections.find(remotePeer, protocol)

    if (existing != null) {
      this.#log('a connection to %p is open', remotePeer)
      return existing
    }

    const maConn = await this.#connect(ma, remotePeer, protocol, signal)

    try {
      return await options.upgrader.upgradeOutbound(maConn, {
        ...upgradeOptions(maConn, signal),
        onProgress: options.onProgress
      })
    } catch (err) {
      maConn.abort(err instanceof Error ? err : new Error(String(err)))
      throw err
    }
  }

  /** See {@link IrohTransportFactory.handleConnection}. */
  async handleConnection (connection: NativeConnection, options: AbortOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()

    if (this.#inbound == null) {
      throw new NotStartedError('The iroh transport is not started')
    }

    await this.#inbound.handle(connection, acceptedFrom(connection, this.#protocols), options.signal)
  }

  /** Whether the transport takes connections. */
  get isStarted (): boolean {
    return this.#inbound != null
  }

  protocolOf (connection: Connection): string | undefined {
    return this.#connections.protocolOf(connection)
  }

  want (peer: PeerId, protocol: string): () => void {
    return this.#protocols.includes(protocol) ? this.#wishes.add(peer, protocol) : () => {}
  }

  createListener (): Listener {
    return new IrohListener({
      endpoint: this.#endpoint,
      isFirst: (listener) => this.#listeners[0] === listener,
      onListening: (listener) => {
        this.#listeners.push(listener)
        this.#announce()
      },
      onClose: (listener) => {
        this.#listeners.splice(this.#listeners.indexOf(listener), 1)
      }
    })
  }

  listenFilter (multiaddrs: Multiaddr[]): Multiaddr[] {
    return multiaddrs.filter(isDirectIrohAddress)
  }

  dialFilter (multiaddrs: Multiaddr[]): Multiaddr[] {
    return multiaddrs.filter(isIrohAddress)
  }

  /** What a dial to the peer is for: a wish that no open connection fulfils, or else the first protocol. */
  #protocolFor (remotePeer: PeerId): string {
    const wishes = this.#wishes.of(remotePeer)

    return wishes.find((protocol) => this.#connections.find(remotePeer, protocol) == null) ?? wishes.at(0) ?? this.#protocols[0]
  }

  async #prepare (): Promise<Native> {
    const { privateKey, connectionProtector } = this.#components

    if (connectionProtector != null) {
      throw new InvalidParametersError('The iroh transport cannot keep within a private network: remove it or the connection protector')
    }

    if (privateKey.type !== 'Ed25519') {
      throw new UnsupportedKeyTypeError(`An iroh endpoint has an Ed25519 key, the node's is of type ${privateKey.type}`)
    }

    if (this.#adopted != null && !equals(fromNative(this.#adopted.id().toBytes()), privateKey.publicKey.raw)) {
      throw new InvalidParametersError('The key of the iroh endpoint is not the key of the libp2p node')
    }

    this.#native ??= loadNative(this.#load)

    return this.#native
  }

  async #connect (ma: Multiaddr, remotePeer: PeerId, protocol: string, signal: AbortSignal): Promise<IrohConnection> {
    const publicKey = fromString(endpointIdOf(remotePeer), 'base16')
    const native = await raceSignal(this.#prepare(), signal)
    const acquiring = this.#endpoint.acquire()
    let endpoint: NativeEndpoint

    try {
      endpoint = await raceSignal(acquiring, signal)
    } catch (err) {
      acquiring.then(async () => this.#endpoint.release(), () => {})
      throw err
    }

    try {
      const { relayUrl, directAddresses } = fromMultiaddr(ma)
      const id = native.EndpointId.fromBytes(native.toNative(publicKey))
      const addr = new native.EndpointAddr(id, relayUrl, directAddresses.map(formatSocketAddress))
      const connection = await raceConnection(endpoint.connect(addr, native.toNative(fromString(protocol))), signal)
      const answering = remotePeerOf(connection)

      if (!answering.equals(remotePeer)) {
        connection.close(0n, [])
        throw new UnexpectedPeerError(`Dialed ${remotePeer}, but ${answering} answered`)
      }

      return this.#connections.adopt({ native, connection, protocol, remotePeer, remoteAddr: ma, direction: 'outbound' })
    } catch (err) {
      await this.#endpoint.release()
      signal.throwIfAborted()
      throw dialError(ma, err)
    }
  }

  #onBound (endpoint: NativeEndpoint): void {
    this.#inbound = new Inbound(endpoint, {
      upgrader: this.#components.upgrader,
      endpoint: this.#endpoint,
      accept: this.#accept,
      connections: this.#connections,
      native: async () => this.#prepare(),
      protocols: this.#protocols,
      handlers: this.#handlers,
      log: this.#log
    })
  }

  async #onRelease (endpoint: NativeEndpoint): Promise<void> {
    await this.#leaveInbound()

    if (endpoint === this.#adopted && this.#accept) {
      const native = await this.#prepare()
      endpoint.setAlpns([...this.#handlers.keys()].map((alpn) => native.toNative(fromString(alpn))))
    }
  }

  async #leaveInbound (): Promise<void> {
    const inbound = this.#inbound
    this.#inbound = undefined
    await inbound?.stop()
  }

  #onAddresses (): void {
    this.#announce()

    for (const listener of this.#listeners) {
      listener.safeDispatchEvent('listening')
    }
  }

  #announce (): void {
    this.#announcer.update(this.#listeners.flatMap((listener) => listener.getAddrs()))
  }
}

function peerIdIn (ma: Multiaddr): PeerId {
  const value = ma.getComponents().findLast((component) => component.code === CODE_P2P)?.value

  if (value == null) {
    throw new InvalidMultiaddrError(`${ma} names no peer: an iroh endpoint is dialed by its id, so the address must end in /p2p/…`)
  }

  return peerIdFromString(value)
}

function dialError (ma: Multiaddr, err: unknown): Error {
  if (err instanceof UnexpectedPeerError) {
    return err
  }

  const message = nativeMessage(err)

  // an endpoint's certificate is its id, so this is how a wrong one shows
  if (message.includes('UnknownIssuer')) {
    return new UnexpectedPeerError(`Another endpoint answered at ${ma}`)
  }

  return new DialError(`Dialing ${ma} failed: ${message}`)
}
