/**
 * A libp2p node and a peer of the Rust crate iroh-gossip, in one topic. Needs
 * cargo; the first run builds the Rust peer.
 *
 * `npx node examples/rust-peer/main.ts`
 */
import { noise } from '@chainsafe/libp2p-noise'
import { identify } from '@libp2p/identify'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { TopicId, irohGossip } from 'libp2p-iroh-gossip'
import { iroh } from 'libp2p-iroh-gossip/iroh'
import { RustPeer } from '../../interop/support/rust-peer.ts'

const signal = AbortSignal.timeout(20_000)
const id = TopicId.random()
const rust = await RustPeer.spawn()
const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/udp/0/quic-v1/sni/iroh.invalid'] },
  transports: [iroh({ relayMode: 'disabled' })],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { identify: identify(), pubsub: irohGossip() }
})

try {
  const rustTopic = await rust.join(id.toString())
  const topic = await node.services.pubsub.join(id, { bootstrap: [rust.multiaddrs] })
  await topic.joined({ signal })
  print('the libp2p node and the Rust peer are neighbors')

  await topic.broadcast(new TextEncoder().encode('hello from JavaScript'))
  await rustTopic.broadcast(new TextEncoder().encode('hello from Rust'))

  for (let event = await topic.next({ signal }); event != null; event = await topic.next({ signal })) {
    if (event.type === 'received') {
      print(`heard by JavaScript: ${new TextDecoder().decode(event.content)}`)
      break
    }
  }
} finally {
  await node.stop()
  await rust.shutdown()
}

function print (line: string): void {
  process.stdout.write(`${line}\n`)
}
