/**
 * Two members of a topic that know nobody but a node of a DHT: they find each
 * other through content routing. The node in the middle has no part in it.
 *
 * `npx node examples/discovery/main.ts`
 */
import { once } from 'node:events'
import { noise } from '@chainsafe/libp2p-noise'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { irohGossip } from 'libp2p-iroh-gossip'

const signal = AbortSignal.timeout(20_000)
const [hub, ...members] = await Promise.all([start(), start(), start()])

try {
  await Promise.all(members.map(async (node) => node.dial(hub.getMultiaddrs(), { signal })))
  print('two members know the hub, and not each other')

  const topics = await Promise.all(members.map(async ({ services: { pubsub } }) => pubsub.join('fruit', { signal })))
  await Promise.all(topics.map(async (topic) => topic.joined({ signal })))
  print(topics[0].neighbors()[0].equals(members[1].peerId) ? 'they found each other' : 'they found somebody else')

  members[1].services.pubsub.subscribe('fruit')
  const heard = once(members[1].services.pubsub, 'message', { signal })
  await topics[0].broadcast(new TextEncoder().encode('banana'), { signal })
  const [{ detail }] = await heard
  print(`one says to the other: ${new TextDecoder().decode(detail.data)}`)
} finally {
  await Promise.all([hub, ...members].map(async (node) => node.stop()))
}

// eslint-disable-next-line @typescript-eslint/explicit-function-return-type -- the services say it
async function start () {
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      ping: ping(),
      // a DHT on loopback: its own protocol, private addresses, every node a server
      dht: kadDHT({ protocol: '/example/kad/1.0.0', clientMode: false, peerInfoMapper: passthroughMapper }),
      pubsub: irohGossip({ discovery: { contentRouting: true } })
    }
  })
}

function print (line: string): void {
  process.stdout.write(`${line}\n`)
}
