import { noise } from '@chainsafe/libp2p-noise'
import { identify } from '@libp2p/identify'
import { memory } from '@libp2p/memory'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import pWaitFor from 'p-wait-for'
import { irohGossip } from '../../src/index.ts'
import type { IrohGossip, IrohGossipInit, Topic, TopicEvent } from '../../src/index.ts'
import type { Identify } from '@libp2p/identify'
import type { Libp2p, ServiceMap } from '@libp2p/interface'
import type { Ping } from '@libp2p/ping'
import type { Libp2pOptions } from 'libp2p'

interface Services extends ServiceMap {
  pubsub: IrohGossip
  identify: Identify
  ping: Ping
}

/** A libp2p node with the service under test. */
export type TestNode = Libp2p<Services>

let memoryAddress = 0
const started: Libp2p[] = []

/** A started node on TCP, or on the transport of `options`. Stopped by `stopNodes`. */
export async function createNode (init: IrohGossipInit = {}, options: Libp2pOptions = {}): Promise<TestNode> {
  const node = await createLibp2p<Services>({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 10_000 },
    ...options,
    services: { identify: identify(), ping: ping(), pubsub: irohGossip(init) }
  })
  started.push(node)

  return node
}

/** A node that only nodes of this process reach, without sockets. */
export async function createMemoryNode (init: IrohGossipInit = {}, options: Libp2pOptions = {}): Promise<TestNode> {
  return createNode(init, {
    ...options,
    addresses: { listen: [`/memory/gossip-${memoryAddress++}`] },
    transports: [memory()]
  })
}

/** A node that has never heard of gossip, on TCP or as `options` say. Stopped by `stopNodes`. */
export async function createBareNode (options: Libp2pOptions = {}): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    ...options
  })
  started.push(node)

  return node
}

/** Stops every node that was created since the last call. */
export async function stopNodes (): Promise<void> {
  await Promise.all(started.splice(0).map(async (node) => { await node.stop() }))
}

/** Waits until `holds` is true; fails with `what` after 20 s. */
export async function until (what: string, holds: () => boolean): Promise<void> {
  await pWaitFor(holds, { interval: 5, timeout: { milliseconds: 20_000, message: `It never came true that ${what}` } })
}

/** Everything that a handle hears, gathered in the background. */
export class Heard {
  readonly events: TopicEvent[] = []

  constructor (topic: Topic) {
    void this.#read(topic)
  }

  /** Contents received so far, as text. */
  get texts (): string[] {
    return this.events.flatMap((event) => event.type === 'received' ? text(event.content) : [])
  }

  async #read (topic: Topic): Promise<void> {
    for await (const event of topic) {
      this.events.push(event)
    }
  }
}

export function bytes (value: string): Uint8Array {
  return new TextEncoder().encode(value)
}

export function text (value: Uint8Array): string {
  return new TextDecoder().decode(value)
}
