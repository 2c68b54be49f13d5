import { noise } from '@chainsafe/libp2p-noise'
import { quic } from '@chainsafe/libp2p-quic'
import { floodsub } from '@libp2p/floodsub'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { memory } from '@libp2p/memory'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { TypedEventEmitter } from 'main-event'
import { irohGossip } from '../../src/index.ts'
import { BareRelay } from './bare-relay.ts'
import { unsignedFloodsub } from './unsigned-floodsub.ts'
import type { GossipsubOpts } from '@libp2p/gossipsub'
import type { Identify } from '@libp2p/identify'
import type { Libp2p, PeerId, ServiceMap, TypedEventTarget } from '@libp2p/interface'

/** What the pubsub services have in common, as far as the benchmarks use it. */
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
const MAX_MESSAGE_SIZE = 2 * 1024 * 1024

/** The first twelve bytes of every message are its number and the time it was sent. */
const ID_BYTES = 12

/** gossipsub distrusts more than ten peers at one IP address, and would starve nodes of a swarm on one machine. */
const ONE_HOST: Partial<GossipsubOpts> = { scoreParams: { IPColocationFactorWeight: 0 }, allowPublishToZeroTopicPeers: true }

/** All that makes gossipsub cheap; IDONTWANT is on as it comes, from 512 bytes. */
const TUNED: Partial<GossipsubOpts> = {
  ...ONE_HOST,
  floodPublish: false,
  batchPublish: true,
  msgIdFn: (message) => message.data.subarray(0, ID_BYTES),
  fastMsgIdFn: (message) => Buffer.from(message.data?.subarray(0, ID_BYTES) ?? []).toString('latin1')
}

/** A node that is connected and has no pubsub: what libp2p costs by itself. */
class NoPubsub extends TypedEventEmitter<{ message: CustomEvent<{ data: Uint8Array }> }> implements Broadcaster {
  subscribe (): void {}

  async publish (): Promise<void> {}

  getSubscribers (): PeerId[] {
    return []
  }
}

/** A service by the name that it has in results. */
const services = {
  /** This package as it comes: unsigned. */
  'iroh-gossip': () => irohGossip({}),
  /** This package for messages above 4 KiB. */
  'iroh-gossip-large': () => irohGossip({ maxMessageSize: MAX_MESSAGE_SIZE }),
  /** This package, keeping messages and their ids for seconds only, so that a short run sees them expire. */
  'iroh-gossip-forgetful': () => irohGossip({ broadcast: { messageCacheRetentionMs: 2_000, messageIdRetentionMs: 4_000 } }),
  /** This package with a signature on every message. */
  'iroh-gossip-signed': () => irohGossip({ globalSignaturePolicy: 'StrictSign' }),
  /** gossipsub as it comes, but for the rule above: signed, flood publish. */
  gossipsub: () => gossipsub(ONE_HOST),
  'gossipsub-tuned': () => gossipsub({ ...TUNED, globalSignaturePolicy: 'StrictNoSign' }),
  'gossipsub-tuned-signed': () => gossipsub(TUNED),
  /** floodsub as it comes: signed. */
  floodsub: () => floodsub(),
  'floodsub-unsigned': () => unsignedFloodsub(),
  /** No pubsub at all: messages along a tree of bare streams. */
  'bare-relay': () => (components: ConstructorParameters<typeof BareRelay>[0]) => new BareRelay(components),
  none: () => () => new NoPubsub()
}

/** Names of all contestants. */
export type ContestantName = keyof typeof services

/** How the nodes of a swarm reach each other. `memory` is for those of one process. */
export type TransportName = 'tcp' | 'quic' | 'memory'

/** A busy machine loses no connection: pubsub is compared, not patience. */
const PATIENCE_MS = 60_000

let memoryAddress = 0

const transports = {
  tcp: { address: () => '/ip4/127.0.0.1/tcp/0', transport: () => tcp() },
  quic: { address: () => '/ip4/127.0.0.1/udp/0/quic-v1', transport: () => quic() },
  memory: { address: () => `/memory/bench-${memoryAddress++}`, transport: () => memory() }
}

/** A started node. */
export async function createContestant (name: ContestantName, transportName: TransportName): Promise<ContestantNode> {
  const service = services[name] as () => (components: object) => Broadcaster
  const { address, transport } = transports[transportName]

  return createLibp2p<Services>({
    addresses: { listen: [address()] },
    transports: [transport()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: {
      inboundConnectionThreshold: 10_000,
      maxIncomingPendingConnections: 10_000,
      dialTimeout: PATIENCE_MS,
      inboundUpgradeTimeout: PATIENCE_MS
    },
    // libp2p pings every connection at the same moment, once in ten seconds: no pubsub's cost, and in one process most of p99
    connectionMonitor: { enabled: false },
    services: { identify: identify(), pubsub: service() }
  })
}
