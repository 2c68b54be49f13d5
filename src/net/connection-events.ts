import { endpointIdOf, isIrohAddress } from '../iroh-address.ts'
import type { Connections } from './connections.ts'
import type { NativeLinks } from './native-links.ts'
import type { NetworkComponents, NetworkInit } from './network-init.ts'
import type { RemotePeer } from './remote-peer.ts'
import type { PeerKey } from '../proto/messages.ts'
import type { Connection, PeerId } from '@libp2p/interface'

/** What follows from connections that open and close. */
export interface ConnectionEventsInit extends Pick<NetworkInit, 'protocol' | 'log' | 'onDisconnected' | 'onPeerAvailable'> {
  connections: Connections
  native: NativeLinks
  /** The peer, while a topic needs it or something is still to be sent to it. */
  peer (key: PeerKey): RemotePeer | undefined
}

/** Watches libp2p's connections for those that can carry gossip, and for peers that have none left. */
export class ConnectionEvents {
  readonly #components: NetworkComponents
  readonly #init: ConnectionEventsInit
  #topologyId: string | undefined

  constructor (components: NetworkComponents, init: ConnectionEventsInit) {
    this.#components = components
    this.#init = init
  }

  /** Watches from now on, and takes in the connections that are open. */
  async start (): Promise<void> {
    const { registrar, events, connectionManager } = this.#components

    this.#topologyId = await registrar.register(this.#init.protocol, {
      notifyOnLimitedConnection: true,
      onConnect: (peerId) => {
        this.#announce(peerId)
      }
    })
    events.addEventListener('connection:open', this.#onConnectionOpen)
    events.addEventListener('connection:close', this.#onConnectionClose)

    for (const connection of connectionManager.getConnections()) {
      this.#init.native.of(connection)
      this.#announceKnown(connection.remotePeer)
    }
  }

  stop (): void {
    const { registrar, events } = this.#components

    events.removeEventListener('connection:open', this.#onConnectionOpen)
    events.removeEventListener('connection:close', this.#onConnectionClose)

    if (this.#topologyId != null) {
      registrar.unregister(this.#topologyId)
      this.#topologyId = undefined
    }
  }

  readonly #onConnectionOpen = (evt: CustomEvent<Connection>): void => {
    const connection = evt.detail

    if (connection.remotePeer.type !== 'Ed25519' || !this.#init.connections.isOurNetwork(connection)) {
      return
    }

    this.#init.native.of(connection)
    const peer = this.#init.peer(endpointIdOf(connection.remotePeer))

    // a Rust peer that dials us anew may have lost the connection before without a word, as when it was killed:
    // what we said there would reach nobody (rule 8: it sends on the newest itself)
    if (connection.direction === 'inbound' && isIrohAddress(connection.remoteAddr)) {
      peer?.moveTo(connection)
    }

    if (connection.direct) {
      peer?.leaveRelays()
    }

    peer?.flush()

    // a native connection speaks gossip and nothing else; others are announced by identify
    if (isIrohAddress(connection.remoteAddr)) {
      this.#announce(connection.remotePeer)
    } else {
      // one that was known by a connection which may not carry gossip
      this.#announceKnown(connection.remotePeer)
    }
  }

  readonly #onConnectionClose = (evt: CustomEvent<Connection>): void => {
    const { remotePeer } = evt.detail

    if (remotePeer.type !== 'Ed25519') {
      return
    }

    const key = endpointIdOf(remotePeer)

    this.#init.native.onClosed(key, evt.detail)

    if (this.#init.connections.best(remotePeer) != null) {
      return
    }

    const peer = this.#init.peer(key)

    if (this.#init.connections.isDialing(key)) {
      // a new connection is on its way; should it fail, that ends the peer
      return
    }

    // 15 to 30 s after a Rust peer was killed (rule 11)
    if (peer != null) {
      peer.fail('connectionClosed')
    } else {
      // a peer that only ever wrote to us
      this.#init.onDisconnected(key, 'connectionClosed')
    }
  }

  /** A peer that was connected before we started: identify does not run again. */
  #announceKnown (peerId: PeerId): void {
    this.#components.peerStore.get(peerId).then(({ protocols }) => {
      if (protocols.includes(this.#init.protocol)) {
        this.#announce(peerId)
      }
    }).catch((err) => {
      // an unknown peer is announced by identify
      if (err.name !== 'NotFoundError') {
        this.#init.log('could not look up the protocols of %p - %e', peerId, err)
      }
    })
  }

  #announce (peerId: PeerId): void {
    // a connection through a relay may come first, and not be allowed to carry gossip
    if (peerId.type === 'Ed25519' && this.#init.connections.best(peerId) != null) {
      this.#init.onPeerAvailable(endpointIdOf(peerId))
    }
  }
}
