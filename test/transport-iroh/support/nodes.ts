import { noise } from '@chainsafe/libp2p-noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import pWaitFor from 'p-wait-for'
import { isIrohAddress } from '../../../src/iroh-address.ts'
import { iroh } from '../../../src/transport-iroh/index.ts'
import type { IrohInit } from '../../../src/transport-iroh/index.ts'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import type { Ping } from '@libp2p/ping'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Libp2pOptions } from 'libp2p'

export const PROTOCOL = '/iroh-gossip/1'
export const LISTEN = '/ip4/127.0.0.1/udp/0/quic-v1/sni/iroh.invalid'

export type IrohNode = Libp2p<{ ping: Ping }>

const created: Libp2p[] = []

/** A node on loopback with native iroh and TCP. Stopped by `stopNodes`. */
export async function createNode (init: IrohInit = {}, options: Libp2pOptions = {}): Promise<IrohNode> {
  const node = await createLibp2p<{ ping: Ping }>({
    addresses: { listen: [LISTEN, '/ip4/127.0.0.1/tcp/0'] },
    transports: [iroh({ relayMode: 'disabled', ...init }), tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    ...options,
    services: { ping: ping() }
  })
  created.push(node)

  return node
}

/** Stops every node that was created since the last call. */
export async function stopNodes (): Promise<void> {
  await Promise.all(created.splice(0).map(async (node) => node.stop()))
}

/** Where the node is reached by native iroh. */
export function irohAddress (node: Libp2p): Multiaddr {
  const address = node.getMultiaddrs().find(isIrohAddress)

  if (address == null) {
    throw new Error('The node does not listen by iroh')
  }

  return address
}

/** Where the node is reached by TCP. */
export function tcpAddress (node: Libp2p): Multiaddr {
  const address = node.getMultiaddrs().find((ma) => !isIrohAddress(ma))

  if (address == null) {
    throw new Error('The node does not listen by TCP')
  }

  return address
}

/** A gossip stream, opened as the service does it. */
export async function openStream (connection: Connection): Promise<Stream> {
  return connection.newStream(PROTOCOL, { runOnLimitedConnection: true })
}

/** One incoming stream and what it brought. */
export interface Received {
  stream: Stream
  connection: Connection
  bytes: number
  chunks: Uint8Array[]
  /** Whether the remote finished it. */
  isFinished: boolean
}

/** Everything that comes in by gossip streams from now on. */
export async function receive (node: Libp2p): Promise<Received[]> {
  const all: Received[] = []

  await node.handle(PROTOCOL, (stream, connection) => {
    const received: Received = { stream, connection, bytes: 0, chunks: [], isFinished: false }
    all.push(received)
    stream.addEventListener('message', ({ data }) => {
      received.bytes += data.byteLength
      received.chunks.push(data.subarray().slice())
    })
    stream.addEventListener('remoteCloseWrite', () => { received.isFinished = true })
  }, { runOnLimitedConnection: true, maxInboundStreams: 1_000 })

  return all
}

/** Waits until `holds` is true; fails with `what` after 10 s. */
export async function until (what: string, holds: () => boolean): Promise<void> {
  await pWaitFor(holds, { interval: 5, timeout: { milliseconds: 10_000, message: `It never came true that ${what}` } })
}
