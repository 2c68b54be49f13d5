import { noise } from '@chainsafe/libp2p-noise'
import { floodsub } from '@libp2p/floodsub'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { memory } from '@libp2p/memory'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { irohGossip } from '../../src/index.ts'
import type { Identify } from '@libp2p/identify'
import type { Libp2p, PeerId, ServiceMap, TypedEventTarget } from '@libp2p/interface'

/** What the three pubsub services have in common, as far as the benchmarks use it. */
export interface Broadcaster extends TypedEventTarget<{ message: CustomEvent<{ data: Uint8Array }> }> {
  subscribe (topic: string): void
  publish (topic: string, data: Uint8Array): Promise<unknown>
  getSubscribers (topic: string): PeerId[]
}

interface Services extends ServiceMap {
  identify: Identify
  pubsub: Broadcaster
}

/** A node with one of the services. */
export type ContestantNode = Libp2p<Services>

/** Largest message of any benchmark, with room for its frame. */
const MAX_MESSAGE_SIZE = 128 * 1024

/** The first twelve bytes of every message are its number and the time it was sent. */
function cheapId (message: { data: Uint8Array }): Uint8Array {
  return message.data.subarray(0, 12)
}

/** gossipsub distrusts more than ten peers at one IP address, and would starve nodes of a swarm on one machine. */
const ONE_HOST = { IPColocationFactorWeight: 0 }

/** A service by the name it has in results. */
const services = {
  /** This package as it comes. */
  'iroh-gossip': () => irohGossip({}),
  /** This package for messages above 4 KiB. */
  'iroh-gossip-large': () => irohGossip({ maxMessageSize: MAX_MESSAGE_SIZE }),
  /** This package for a node that names whom to join through: connected peers are not asked for topics. */
  'iroh-gossip-bootstrap': () => irohGossip({ discovery: { connectedPeers: false } }),
  /** gossipsub as it comes, but for the rule above: signed, flood publish. */
  gossipsub: () => gossipsub({ scoreParams: ONE_HOST, allowPublishToZeroTopicPeers: true }),
  /** gossipsub with all that makes it cheap; IDONTWANT is on as it comes, from 512 bytes. */
  'gossipsub-tuned': () => gossipsub({
    scoreParams: ONE_HOST,
    allowPublishToZeroTopicPeers: true,
    globalSignaturePolicy: 'StrictNoSign',
    floodPublish: false,
    batchPublish: true,
    msgIdFn: cheapId,
    fastMsgIdFn: (message) => Buffer.from(message.data?.subarray(0, 12) ?? []).toString('latin1')
  }),
  floodsub: () => floodsub()
}

/** Names of all contestants. */
export type ContestantName = keyof typeof services

/** How the nodes of a swarm reach each other. */
export type TransportName = 'tcp' | 'memory'

let memoryAddress = 0

/** A started node. */
export async function createContestant (name: ContestantName, transport: TransportName): Promise<ContestantNode> {
  const service = services[name] as () => (components: object) => Broadcaster

  return createLibp2p<Services>({
    addresses: { listen: [transport === 'tcp' ? '/ip4/127.0.0.1/tcp/0' : `/memory/bench-${memoryAddress++}`] },
    transports: [transport === 'tcp' ? tcp() : memory()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 10_000, maxIncomingPendingConnections: 10_000 },
    services: { identify: identify(), pubsub: service() }
  })
}
