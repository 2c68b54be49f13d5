/**
 * A stock libp2p node in a process of its own, which has never heard of this
 * package. Dials the address that it is given, and prints as JSON what it
 * learned: `{"protocols":[…],"addresses":[…],"pingMs":…}`.
 */
import { noise } from '@chainsafe/libp2p-noise'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { IdentifyResult } from '@libp2p/interface'

const node = await createLibp2p({
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { identify: identify(), ping: ping() }
})
const identified = new Promise<IdentifyResult>((resolve) => {
  node.addEventListener('peer:identify', (evt) => { resolve(evt.detail) })
})
const connection = await node.dial(multiaddr(process.argv[2]))
const { protocols, listenAddrs } = await identified
const pingMs = await node.services.ping.ping(connection.remotePeer)
process.stdout.write(`${JSON.stringify({ protocols, addresses: listenAddrs.map(String), pingMs })}\n`)
await node.stop()
