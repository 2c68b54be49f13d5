/**
 * Three libp2p nodes that sign what they say, and a market that only hears
 * about ripe fruit: the node in the middle judges before it passes anything on.
 *
 * `npx node examples/validators-and-signing/main.ts`
 */
import { once } from 'node:events'
import { noise } from '@chainsafe/libp2p-noise'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { TopicValidatorResult, irohGossip } from 'libp2p-iroh-gossip'
import type { Identify } from '@libp2p/identify'
import type { Libp2p, PeerId } from '@libp2p/interface'
import type { IrohGossip, IrohGossipInit } from 'libp2p-iroh-gossip'

type Node = Libp2p<{ identify: Identify, pubsub: IrohGossip }>

const TOPIC = 'market'
const signal = AbortSignal.timeout(10_000)
const inspector = await start()
// farm and shop would become neighbors: they let in nobody but the inspector
const onlyInspector = (peer: PeerId): boolean => peer.equals(inspector.peerId)
const [farm, shop] = await Promise.all([start(onlyInspector), start(onlyInspector)])

try {
  inspector.services.pubsub.topicValidators.set(TOPIC, async (_, message) => {
    const fruit = new TextDecoder().decode(message.data)
    // a look into a database, say: whatever else arrives meanwhile goes on
    await Promise.resolve()
    const result = fruit.startsWith('ripe') ? TopicValidatorResult.Accept : TopicValidatorResult.Ignore
    print(`the inspector says ${result} to: ${fruit}`)

    return result
  })

  for (const { services: { pubsub } } of [farm, inspector, shop]) {
    pubsub.subscribe(TOPIC)
  }

  // farm and shop know the inspector only
  await farm.dial(inspector.getMultiaddrs(), { signal })
  await shop.dial(inspector.getMultiaddrs(), { signal })
  await Promise.all([farm, shop].map(subscribed))

  const heard = once(shop.services.pubsub, 'message', { signal })

  for (const fruit of ['green banana', 'ripe cherry']) {
    await farm.services.pubsub.publish(TOPIC, new TextEncoder().encode(fruit))
  }

  const [{ detail }] = await heard
  print(`the shop hears: ${new TextDecoder().decode(detail.data)}, signed by ${farm.peerId.equals(detail.from) ? 'the farm' : 'somebody else'}`)
} finally {
  await Promise.all([farm, inspector, shop].map(async (node) => node.stop()))
}

async function start (allowPeer?: IrohGossipInit['allowPeer']): Promise<Node> {
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      pubsub: irohGossip({ globalSignaturePolicy: 'StrictSign', allowPeer })
    }
  })
}

/** Resolves when a node knows somebody else in the topic. */
async function subscribed ({ services: { pubsub } }: Node): Promise<void> {
  while (pubsub.getSubscribers(TOPIC).length === 0) {
    await once(pubsub, 'subscription-change', { signal })
  }
}

function print (line: string): void {
  process.stdout.write(`${line}\n`)
}
