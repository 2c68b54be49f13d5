/**
 * Three libp2p nodes on TCP that tell each other about fruit. Written for
 * gossipsub, but for the two lines that say so.
 *
 * `npx node examples/gossipsub-replacement/main.ts`
 */
import { once } from 'node:events'
import { noise } from '@chainsafe/libp2p-noise'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { irohGossip } from 'libp2p-iroh-gossip' // was: import { gossipsub } from '@libp2p/gossipsub'
import type { Identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import type { IrohGossip } from 'libp2p-iroh-gossip'

type Node = Libp2p<{ identify: Identify, pubsub: IrohGossip }>

const TOPIC = 'fruit'
const TIMEOUT_MS = 10_000

const fruits = ['banana', 'cherry', 'plum']
const signal = AbortSignal.timeout(TIMEOUT_MS)
const nodes = await Promise.all(fruits.map(start))

try {
  const heard = nodes.map(listen)
  nodes.forEach((node) => { node.services.pubsub.subscribe(TOPIC) })

  // each of the others connects to the first one; subscribers find each other from there
  const [first, ...others] = nodes
  await Promise.all(others.map(async (node) => node.dial(first.getMultiaddrs(), { signal })))
  await Promise.all(nodes.map(subscribed))

  for (const [i, { services: { pubsub } }] of nodes.entries()) {
    await pubsub.publish(TOPIC, new TextEncoder().encode(fruits[i]))
  }

  await Promise.all(heard)
  print(`✔ ${nodes.length} nodes, ${fruits.length} messages, each heard by the ${nodes.length - 1} others`)
} finally {
  await Promise.all(nodes.map(async (node) => node.stop()))
}

async function start (): Promise<Node> {
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      pubsub: irohGossip() // was: gossipsub()
    }
  })
}

/** Resolves when a node has heard everything that the others say. */
async function listen ({ services: { pubsub } }: Node, index: number): Promise<void> {
  const missing = new Set(fruits.toSpliced(index, 1))

  pubsub.addEventListener('message', (evt) => {
    const fruit = new TextDecoder().decode(evt.detail.data)
    missing.delete(fruit)
    print(`the ${fruits[index]} node hears on ${evt.detail.topic}: ${fruit}`)
  })

  while (missing.size > 0) {
    await once(pubsub, 'message', { signal })
  }
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
