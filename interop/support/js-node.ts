import { noise } from '@chainsafe/libp2p-noise'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { TopicId, irohGossip } from '../../src/index.ts'
import { iroh } from '../../src/transport-iroh/index.ts'
import { endpointIdOf, irohAddresses } from './address.ts'
import { JsTopic } from './js-topic.ts'
import type { JoinOptions, Member } from './member.ts'
import type { IrohGossip, IrohGossipInit } from '../../src/index.ts'
import type { Identify } from '@libp2p/identify'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/** How a JavaScript peer can be reached. */
export type TransportName = 'iroh' | 'tcp'

/** How a JavaScript peer is started. */
export interface JsNodeOptions {
  /** By default native iroh alone. */
  transports?: TransportName[]
  /** Whether the node listens, as it does by default. */
  listen?: boolean
  /** Keeps the id of a node that is started again. */
  privateKey?: PrivateKey
  gossip?: IrohGossipInit
  /** Connections that libp2p takes from one host in a second: its default is 5. By default 1,000, for everybody here calls from one. */
  inboundConnectionThreshold?: number
}

const LISTEN = {
  iroh: '/ip4/127.0.0.1/udp/0/quic-v1/sni/iroh.invalid',
  tcp: '/ip4/127.0.0.1/tcp/0'
}

const TRANSPORT = {
  iroh: () => iroh({ relayMode: 'disabled' }),
  tcp: () => tcp()
}

/** A libp2p node with our service, configured as the README says. */
export class JsNode implements Member {
  readonly name: string
  readonly kind = 'js'
  readonly endpointId: string
  readonly libp2p: Libp2p<{ identify: Identify, pubsub: IrohGossip }>

  private constructor (libp2p: JsNode['libp2p']) {
    this.libp2p = libp2p
    this.endpointId = endpointIdOf(libp2p.peerId)
    this.name = `js:${this.endpointId.slice(0, 8)}`
  }

  static async start (options: JsNodeOptions = {}): Promise<JsNode> {
    const { transports = ['iroh'], listen = true, privateKey, gossip, inboundConnectionThreshold = 1_000 } = options
    const libp2p = await createLibp2p({
      privateKey,
      addresses: { listen: listen ? transports.map((name) => LISTEN[name]) : [] },
      transports: transports.map((name) => TRANSPORT[name]()),
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionManager: { inboundConnectionThreshold },
      services: { identify: identify(), pubsub: irohGossip(gossip) }
    })

    return new JsNode(libp2p)
  }

  get pubsub (): IrohGossip {
    return this.libp2p.services.pubsub
  }

  get multiaddrs (): Multiaddr[] {
    return this.libp2p.getMultiaddrs()
  }

  get addresses (): string[] {
    return irohAddresses(this.multiaddrs)
  }

  async join (topic: string, options: JoinOptions = {}): Promise<JsTopic> {
    const { bootstrap = [], count = false } = options
    const handle = await this.pubsub.join(TopicId.parse(topic), { bootstrap: bootstrap.map((contact) => contact.multiaddrs) })

    return new JsTopic(this, handle, count)
  }

  async stop (): Promise<void> {
    await this.libp2p.stop()
  }
}
