import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromString } from '@libp2p/peer-id'
import { CODE_P2P, multiaddr } from '@multiformats/multiaddr'
import binding from '@number0/iroh/index.js'
import { fromMultiaddr, formatSocketAddress, peerIdOf } from '../../../src/iroh-address.ts'
import { PROTOCOL } from './nodes.ts'
import type { Ed25519PrivateKey, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Connection, Endpoint } from '@number0/iroh'

const created: NativePeer[] = []

/**
 * An iroh endpoint without libp2p: what a Rust peer shows of itself below its
 * gossip.
 */
export class NativePeer {
  readonly endpoint: Endpoint
  readonly privateKey: Ed25519PrivateKey

  private constructor (endpoint: Endpoint, privateKey: Ed25519PrivateKey) {
    this.endpoint = endpoint
    this.privateKey = privateKey
    created.push(this)
  }

  static async create (alpns: string[] = [PROTOCOL]): Promise<NativePeer> {
    const privateKey = await generateKeyPair('Ed25519')
    const builder = binding.Endpoint.builder()
    builder.applyMinimal()
    builder.relayMode(binding.RelayMode.disabled())
    builder.secretKey([...privateKey.raw.subarray(0, 32)])
    builder.alpns(alpns.map(toBytes))
    builder.bindAddr('127.0.0.1:0')
    builder.bindAddr('[::1]:0')

    return new NativePeer(await builder.bind(), privateKey)
  }

  get peerId (): PeerId {
    return peerIdOf(this.endpoint.id().toString())
  }

  get multiaddr (): Multiaddr {
    const [socket] = this.endpoint.boundSockets().filter((address) => address.startsWith('127.0.0.1'))

    return multiaddr(`/ip4/127.0.0.1/udp/${socket.split(':')[1]}/quic-v1/sni/iroh.invalid/p2p/${this.peerId}`)
  }

  /** Dials a node at one of its iroh addresses. */
  async dial (address: Multiaddr, alpn: string = PROTOCOL): Promise<Connection> {
    const peerId = peerIdFromString(address.getComponents().findLast(({ code }) => code === CODE_P2P)?.value ?? '')

    return this.dialSocket(peerId, formatSocketAddress(fromMultiaddr(address).directAddresses[0]), alpn)
  }

  async dialSocket (peerId: PeerId, socket: string, alpn: string = PROTOCOL): Promise<Connection> {
    const id = binding.EndpointId.fromBytes([...peerId.publicKey?.raw ?? []])

    return this.endpoint.connect(new binding.EndpointAddr(id, undefined, [socket]), toBytes(alpn))
  }

  /** The next connection, and the socket address that it came from. */
  async accept (): Promise<{ connection: Connection, from: string }> {
    const incoming = await this.endpoint.acceptNext()
    const from = await incoming?.remoteAddr()
    const accepting = await incoming?.accept()
    const connection = await accepting?.connect()

    if (connection == null || from?.addr == null) {
      throw new Error('The endpoint is closed')
    }

    return { connection, from: from.addr }
  }
}

/** Closes every endpoint that was created since the last call. */
export async function closeNativePeers (): Promise<void> {
  await Promise.all(created.splice(0).map(async ({ endpoint }) => endpoint.close()))
}

/** Reads a native stream to its end. */
export async function readAll (stream: { read (sizeLimit: number): Promise<number[]> }): Promise<number[]> {
  const bytes: number[] = []

  while (true) {
    const chunk = await stream.read(65_536)

    if (chunk.length === 0) {
      return bytes
    }

    bytes.push(...chunk)
  }
}

export function toBytes (text: string): number[] {
  return [...new TextEncoder().encode(text)]
}
