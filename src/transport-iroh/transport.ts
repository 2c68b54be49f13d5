import { AbortError, DialError, InvalidMultiaddrError, InvalidParametersError, UnexpectedPeerError, UnsupportedKeyTypeError, serviceCapabilities, transportSymbol } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { isPrivate } from '@libp2p/utils'
import { CODE_P2P, multiaddr } from '@multiformats/multiaddr'
import { raceSignal } from 'race-signal'
import { equals } from 'uint8arrays/equals'
import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'
import { GOSSIP_PROTOCOL } from '../constants.ts'
import { endpointIdOf, formatSocketAddress, fromMultiaddr, isDirectIrohAddress, isIrohAddress, parseSocketAddressText, peerIdOf, toMultiaddrs } from '../iroh-address.ts'
import { isLetGo } from '../let-go.ts'
import { Acceptor, raceConnection } from './acceptor.ts'
import { Admission } from './admission.ts'
import { IrohConnection } from './connection.ts'
import { SharedEndpoint } from './endpoint.ts'
import { IrohListener } from './listener.ts'
import { fromNative, loadNative, nativeMessage } from './native.ts'
import { IrohStreamMuxerFactory } from './stream-muxer.ts'
import type { IncomingAddress } from './acceptor.ts'
import type { RelayMode } from './endpoint.ts'
import type { Native, NativeConnection, NativeEndpoint, NativeLoader } from './native.ts'
import type { ComponentLogger, Connection, ConnectionProtector, DialTransportOptions, Listener, Logger, MessageStreamDirection, PeerId, PrivateKey, Startable, Transport, Upgrader } from '@libp2p/interface'
import type { AddressManager, ConnectionManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Options of the iroh transport.
 */
export interface IrohInit {
  /**
   * Which relay servers the endpoint uses: `default` and `staging` are those of
   * number 0, where it also publishes its address and looks others up;
   * `disabled` means none; else the URLs of the relays. Without relays a peer
   * behind a NAT cannot be reached.
   *
   * @default 'default' (iroh)
   */
  relayMode?: RelayMode
  /**
   * An `Endpoint` of `@number0/iroh` that the application owns. It must have
   * been bound with the node's key (the first 32 bytes of `privateKey.raw`). It
   * is not closed when the node stops. `relayMode` and the IP addresses to
   * listen on are then the endpoint's own.
   *
   * As an endpoint has one queue of incoming connections and one set of ALPNs,
   * the transport takes both over while the node runs; see `handlers`.
   */
  endpoint?: NativeEndpoint
  /**
   * The protocols that native connections carry, each of which is both an ALPN
   * and a libp2p protocol. All are accepted, the first is dialed.
   *
   * @default ['/iroh-gossip/1']
   */
  gossipProtocols?: string[]
  /**
   * What else the endpoint accepts: by ALPN, who gets the connections (a
   * `Connection` of `@number0/iroh`). They are no libp2p connections.
   */
  handlers?: Record<string, (connection: NativeConnection) => void>
}

export interface IrohComponents {
  privateKey: PrivateKey
  logger: ComponentLogger
  upgrader: Upgrader
  addressManager: AddressManager
  connectionManager: ConnectionManager
  connectionProtector?: ConnectionProtector
}

/** Reachable by others, for as long as iroh says so. */
const CONFIRMED_TTL_MS = Infinity

/** What there is while an endpoint is in use. */
interface Session {
  stop: AbortController
  acceptor: Acceptor
  admission: Admission
}

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
export class IrohTransport implements Transport, Startable {
  readonly [Symbol.toStringTag] = 'libp2p-iroh-gossip/iroh'
  readonly [transportSymbol] = true
  readonly [serviceCapabilities] = ['@libp2p/transport']
  readonly #components: IrohComponents
  readonly #log: Logger
  readonly #adopted: NativeEndpoint | undefined
  readonly #protocols: string[]
  readonly #handlers: Map<string, (connection: NativeConnection) => void>
  readonly #load: NativeLoader | undefined
  readonly #endpoint: SharedEndpoint
  readonly #listeners: IrohListener[] = []
  readonly #connections = new Set<IrohConnection>()
  /** Addresses of our connections, by which libp2p's are recognized. */
  readonly #remoteAddrs = new WeakSet<Multiaddr>()
  #confirmed = new Map<string, Multiaddr>()
  #native: Promise<Native> | undefined
  #session: Session | undefined
  #stop = new AbortController()
  /** Whether the node is configured to listen. */
  #isListening = false
  /** Whether the running node itself holds the endpoint. */
  #held: Promise<boolean> | undefined

  /**
   * @param load - how the binding is loaded, for tests
   */
  constructor (components: IrohComponents, init: IrohInit = {}, load?: NativeLoader) {
    const { relayMode = 'default', endpoint, gossipProtocols = [GOSSIP_PROTOCOL], handlers = {} } = init

    if (gossipProtocols.length === 0) {
      throw new InvalidParametersError('The iroh transport needs a protocol to carry')
    }

    this.#components = components
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
      log: this.#log,
      onBound: (bound) => { this.#onBound(bound) },
      onRelease: async (bound) => this.#onRelease(bound),
      onAddresses: () => { this.#onAddresses() }
    })
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
    await this.#leaveSession()
  }

  async afterStop (): Promise<void> {
    await Promise.all([...this.#connections].map(async (connection) => connection.shutDown()))

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
    const existing = this.#existingConnection(remotePeer)

    if (existing != null) {
      this.#log('a connection to %p is open', remotePeer)
      return existing
    }

    const maConn = await this.#connect(ma, remotePeer, signal)

    try {
      return await options.upgrader.upgradeOutbound(maConn, {
        ...this.#upgradeOptions(maConn),
        onProgress: options.onProgress,
        signal
      })
    } catch (err) {
      maConn.abort(toError(err))
      throw err
    }
  }

  createListener (): Listener {
    return new IrohListener({
      endpoint: this.#endpoint,
      isFirst: (listener) => this.#listeners[0] === listener,
      onListening: (listener) => {
        this.#listeners.push(listener)
        this.#confirmAddresses()
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

  async #connect (ma: Multiaddr, remotePeer: PeerId, signal: AbortSignal): Promise<IrohConnection> {
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
      const [protocol] = this.#protocols
      const id = native.EndpointId.fromBytes(native.toNative(publicKey))
      const addr = new native.EndpointAddr(id, relayUrl, directAddresses.map(formatSocketAddress))
      const connection = await raceConnection(endpoint.connect(addr, native.toNative(fromString(protocol))), signal)
      const answering = remotePeerOf(connection)

      if (!answering.equals(remotePeer)) {
        connection.close(0n, [])
        throw new UnexpectedPeerError(`Dialed ${remotePeer}, but ${answering} answered`)
      }

      return this.#adopt(native, connection, { protocol, remotePeer, remoteAddr: ma, direction: 'outbound' })
    } catch (err) {
      await this.#endpoint.release()
      signal.throwIfAborted()
      throw dialError(ma, err)
    }
  }

  /** Makes a native connection ours. It uses the endpoint until it is closed. */
  #adopt (native: Native, connection: NativeConnection, init: { protocol: string, remotePeer: PeerId, remoteAddr: Multiaddr, direction: MessageStreamDirection }): IrohConnection {
    const maConn = new IrohConnection({
      ...init,
      native,
      connection,
      log: this.#components.logger.forComponent(`libp2p:iroh:connection:${init.direction}`)
    })

    this.#connections.add(maConn)
    this.#remoteAddrs.add(maConn.remoteAddr)
    void maConn.closed.then(async () => {
      this.#connections.delete(maConn)
      await this.#endpoint.release()
    })

    return maConn
  }

  #existingConnection (peerId: PeerId): Connection | undefined {
    return this.#components.connectionManager.getConnections(peerId).find((connection) => {
      return connection.status === 'open' && this.#remoteAddrs.has(connection.remoteAddr) && !isLetGo(connection)
    })
  }

  #upgradeOptions (maConn: IrohConnection): { skipEncryption: true, skipProtection: true, remotePeer: PeerId, muxerFactory: IrohStreamMuxerFactory, limits: object } {
    return {
      skipEncryption: true,
      skipProtection: true,
      remotePeer: maConn.remotePeer,
      muxerFactory: new IrohStreamMuxerFactory(maConn),
      limits: {}
    }
  }

  #onBound (endpoint: NativeEndpoint): void {
    const stop = new AbortController()

    this.#session = {
      stop,
      admission: new Admission(stop.signal),
      acceptor: new Acceptor(endpoint, {
        log: this.#log,
        onConnection: (connection, from) => { void this.#onConnection(connection, from) }
      })
    }
  }

  async #onRelease (endpoint: NativeEndpoint): Promise<void> {
    await this.#leaveSession()

    if (endpoint === this.#adopted) {
      const native = await this.#prepare()
      endpoint.setAlpns([...this.#handlers.keys()].map((alpn) => native.toNative(fromString(alpn))))
    }
  }

  async #leaveSession (): Promise<void> {
    const session = this.#session
    this.#session = undefined
    session?.stop.abort(new AbortError('The node is stopping'))
    await session?.acceptor.stop()
  }

  /** Never rejects. */
  async #onConnection (connection: NativeConnection, from: IncomingAddress): Promise<void> {
    const session = this.#session
    const alpn = toString(fromNative(connection.alpn()))
    const handler = this.#handlers.get(alpn)

    if (handler != null) {
      handler(connection)
      return
    }

    if (session == null || !this.#protocols.includes(alpn)) {
      connection.close(0n, [])
      return
    }

    try {
      const remotePeer = remotePeerOf(connection)
      const [native] = await Promise.all([this.#prepare(), this.#endpoint.acquire()])
      const maConn = this.#adopt(native, connection, {
        protocol: alpn,
        remotePeer,
        remoteAddr: incomingMultiaddr(from, remotePeer),
        direction: 'inbound'
      })

      await this.#admit(session, maConn)
    } catch (err) {
      this.#log('an incoming connection was not accepted - %e', err)
      connection.close(0n, [])
    }
  }

  async #admit ({ admission, stop }: Session, maConn: IrohConnection): Promise<void> {
    try {
      await admission.admit(maConn.remoteAddr, () => maConn.status === 'open', async () => {
        await this.#components.upgrader.upgradeInbound(maConn, {
          ...this.#upgradeOptions(maConn),
          signal: stop.signal
        })
      })
    } catch (err) {
      maConn.abort(toError(err))
      throw err
    }
  }

  #onAddresses (): void {
    this.#confirmAddresses()

    for (const listener of this.#listeners) {
      listener.safeDispatchEvent('listening')
    }
  }

  /**
   * Tells libp2p of public addresses and of the relay that they are ours: it
   * announces them only if somebody has verified them, as iroh has.
   */
  #confirmAddresses (): void {
    const { addressManager } = this.#components
    const addresses = new Map(this.#listeners
      .flatMap((listener) => listener.getAddrs())
      .filter((ma) => !isPrivate(ma))
      .map((ma) => [ma.toString(), ma]))

    for (const [key, ma] of addresses) {
      if (!this.#confirmed.has(key)) {
        addressManager.confirmObservedAddr(ma, { type: 'transport', ttl: CONFIRMED_TTL_MS })
      }
    }

    for (const [key, ma] of this.#confirmed) {
      if (!addresses.has(key)) {
        addressManager.removeObservedAddr(ma)
      }
    }

    this.#confirmed = addresses
  }
}

function peerIdIn (ma: Multiaddr): PeerId {
  const value = ma.getComponents().findLast((component) => component.code === CODE_P2P)?.value

  if (value == null) {
    throw new InvalidMultiaddrError(`${ma} names no peer: an iroh endpoint is dialed by its id, so the address must end in /p2p/…`)
  }

  return peerIdFromString(value)
}

function remotePeerOf (connection: NativeConnection): PeerId {
  return peerIdOf(toString(fromNative(connection.remoteId().toBytes()), 'base16'))
}

function incomingMultiaddr ({ kind, addr }: IncomingAddress, peerId: PeerId): Multiaddr {
  const addresses = addr == null
    ? []
    : toMultiaddrs(kind === 'ip' ? { directAddresses: [parseSocketAddressText(addr)] } : { relayUrl: addr, directAddresses: [] }, peerId)

  return addresses.at(0) ?? multiaddr(`/p2p/${peerId}`)
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

function toError (err: unknown): Error {
  return err instanceof Error ? err : new Error(String(err))
}
