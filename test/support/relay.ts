import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { createBareNode, createNode, until } from './nodes.ts'
import type { TestNode } from './nodes.ts'
import type { IrohGossipInit } from '../../src/index.ts'
import type { Connection, Libp2p } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Libp2pOptions } from 'libp2p'

/**
 * A node on loopback TCP that relays between others and knows nothing of
 * gossip. Its relayed connections have circuit relay v2's default limits: two
 * minutes, 128 KiB. Stopped by `stopNodes`.
 */
export async function createRelay (): Promise<Libp2p> {
  return createBareNode({ services: { identify: identify(), relay: circuitRelayServer() } })
}

/**
 * A node that listens through the relay and nowhere else, with its reservation
 * made: others reach it only over a relayed, limited connection. Stopped by
 * `stopNodes`.
 */
export async function createRelayedNode (relay: Libp2p, init: IrohGossipInit = {}, options: Libp2pOptions = {}): Promise<TestNode> {
  const node = await createNode(init, {
    addresses: { listen: relay.getMultiaddrs().map((address) => `${address}/p2p-circuit`) },
    transports: [tcp(), circuitRelayTransport()],
    ...options
  })
  await until('the relay has a place for the node', () => relayedAddresses(node).length > 0)

  return node
}

/** A node that can dial through relays, and listens on TCP itself. Stopped by `stopNodes`. */
export async function createRelayDialer (init: IrohGossipInit = {}, options: Libp2pOptions = {}): Promise<TestNode> {
  return createNode(init, { transports: [tcp(), circuitRelayTransport()], ...options })
}

/** Where the node can be reached through relays. */
export function relayedAddresses (node: Libp2p): Multiaddr[] {
  return node.getMultiaddrs().filter((address) => address.toString().includes('/p2p-circuit'))
}

/** Whether the connection goes through a relay, and is limited by it. */
export function isRelayed (connection: Connection): boolean {
  return connection.limits != null && connection.remoteAddr.toString().includes('/p2p-circuit')
}
