import { noise } from '@chainsafe/libp2p-noise'
import { quic } from '@chainsafe/libp2p-quic'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { TopicId, irohGossip } from 'libp2p-iroh-gossip'
import { endpointIdOf, iroh } from 'libp2p-iroh-gossip/iroh'
import { irohAddresses } from '../../interop/support/address.ts'
import type { TransportName } from './cast.ts'
import type { Link, Member, MemberInit } from './member.ts'
import type { Contact } from '../../interop/support/member.ts'
import type { Identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { IrohGossip, Topic } from 'libp2p-iroh-gossip'

type Node = Libp2p<{ identify: Identify, pubsub: IrohGossip }>

const LISTEN: Record<TransportName, string> = {
  tcp: '/ip4/127.0.0.1/tcp/0',
  quic: '/ip4/127.0.0.1/udp/0/quic-v1',
  iroh: '/ip4/127.0.0.1/udp/0/quic-v1/sni/iroh.invalid'
}

const TRANSPORT = {
  tcp: () => tcp(),
  quic: () => quic(),
  iroh: () => iroh({ relayMode: 'disabled' })
}

/** A libp2p node in this process. */
export class JsMember implements Member {
  readonly role: MemberInit['role']
  readonly #init: MemberInit
  readonly #libp2p: Node
  readonly #end: AbortController
  #topic?: Topic
  /** Payloads counted when it was killed. */
  #payloads = 0
  #stopping?: void | Promise<void>

  private constructor (init: MemberInit, libp2p: Node, end: AbortController) {
    this.role = init.role
    this.#init = init
    this.#libp2p = libp2p
    this.#end = end
  }

  static async start (init: MemberInit): Promise<JsMember> {
    const { speaks } = init.role
    const end = new AbortController()
    const hasEnded = (): boolean => end.signal.aborted
    const libp2p = await createLibp2p({
      addresses: { listen: speaks.map((name) => LISTEN[name]) },
      transports: speaks.map((name) => TRANSPORT[name]()),
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      // everybody here calls from one host, more often than five times a second
      connectionManager: { inboundConnectionThreshold: 1_000 },
      connectionGater: { denyDialPeer: hasEnded, denyInboundConnection: hasEnded },
      services: { identify: identify(), pubsub: irohGossip() }
    })

    return new JsMember(init, libp2p, end)
  }

  get contact (): Contact {
    const multiaddrs = this.#libp2p.getMultiaddrs()

    return { endpointId: endpointIdOf(this.#libp2p.peerId), addresses: irohAddresses(multiaddrs), multiaddrs }
  }

  get isAlive (): boolean {
    return !this.#end.signal.aborted
  }

  async join (contact?: Member): Promise<void> {
    const bootstrap = contact == null ? [] : [this.#dialable(contact.contact.multiaddrs)]
    this.#topic = await this.#libp2p.services.pubsub.join(this.#topicId, { bootstrap })
    void this.#read(this.#topic)
  }

  async broadcast (content: Uint8Array): Promise<void> {
    await this.#topic?.broadcast(content)
  }

  links (): Link[] {
    if (this.#topic == null || !this.isAlive) {
      return []
    }

    const tree = this.#libp2p.services.pubsub.getTree(this.#topicId)
    const eager = new Set(tree.eager.map(String))

    return this.#topic.neighbors().map((peer) => ({
      to: this.#init.nameOf(endpointIdOf(peer)),
      push: eager.has(peer.toString()) ? 'eager' : 'lazy',
      transport: this.#libp2p.getConnections(peer).map((connection) => transportOf(connection.remoteAddr)).at(0)
    }))
  }

  payloads (): number {
    if (this.#topic != null && this.isAlive) {
      this.#payloads = this.#libp2p.services.pubsub.getStats(this.#topicId)?.payloadsReceived ?? 0
    }

    return this.#payloads
  }

  async refresh (): Promise<void> {}

  async kill (): Promise<void> {
    this.payloads()
    this.#end.abort()

    for (const connection of this.#libp2p.getConnections()) {
      connection.abort(new Error('killed'))
    }

    this.#stopping = this.#libp2p.stop()
  }

  async stop (): Promise<void> {
    this.payloads()
    this.#end.abort()
    this.#stopping ??= this.#libp2p.stop()
    await this.#stopping
  }

  get #topicId (): TopicId {
    return TopicId.parse(this.#init.topic)
  }

  /** The addresses of another node that this one can dial. */
  #dialable (multiaddrs: Multiaddr[]): Multiaddr[] {
    return multiaddrs.filter((address) => this.role.speaks.includes(transportOf(address)))
  }

  async #read (topic: Topic): Promise<void> {
    for await (const event of topic) {
      if (event.type === 'received') {
        this.#init.onDelivery(this.role.name, event.content)
      }
    }
  }
}

function transportOf (address: Multiaddr): TransportName {
  const protocols = new Set(address.getComponents().map((component) => component.name))

  if (protocols.has('sni') || protocols.has('http-path') || !(protocols.has('tcp') || protocols.has('quic-v1'))) {
    return 'iroh'
  }

  return protocols.has('tcp') ? 'tcp' : 'quic'
}
