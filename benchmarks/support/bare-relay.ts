import { TypedEventEmitter } from 'main-event'
import { Uint8ArrayList } from 'uint8arraylist'
import { HEAD_BYTES } from './tally.ts'
import type { Broadcaster } from './contestants.ts'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import type { ConnectionManager, Registrar } from '@libp2p/interface-internal'

const PROTOCOL = '/bare-relay/1'
const LENGTH_BYTES = 4
/** A frame without content: its sender has another one who brings everything. */
const ENOUGH = new Uint8Array(LENGTH_BYTES)

interface Neighbor {
  stream: Promise<Stream>
  /** Whether it wants to be sent what comes. */
  isFed: boolean
}

/**
 * The least that a broadcast over libp2p can do: one stream to each connected
 * peer, on which every message is sent as it is. Who gets the first message a
 * second time says so, and is sent nothing more over that link. No topics, no
 * membership, no repair, no signature: what is left is the price of libp2p itself.
 *
 * The first load must have one publisher.
 */
export class BareRelay extends TypedEventEmitter<{ message: CustomEvent<{ data: Uint8Array }> }> implements Broadcaster {
  readonly #components: { registrar: Registrar, connectionManager: ConnectionManager }
  readonly #neighbors = new Map<string, Neighbor>()
  readonly #seen = new Set<string>()
  /** The message that cuts links: several would cut a cycle at several places. */
  #first: string | undefined

  constructor (components: { registrar: Registrar, connectionManager: ConnectionManager }) {
    super()
    this.#components = components
  }

  async start (): Promise<void> {
    await this.#components.registrar.handle(PROTOCOL, (stream, connection) => { this.#read(stream, connection) })
  }

  async stop (): Promise<void> {
    await this.#components.registrar.unhandle(PROTOCOL)
  }

  subscribe (): void {}

  async publish (_: string, data: Uint8Array): Promise<void> {
    const id = idOf(data)
    this.#first ??= id
    this.#seen.add(id)
    await this.#relay(data)
  }

  getSubscribers (): PeerId[] {
    return [...new Map(this.#components.connectionManager.getConnections().map(({ remotePeer }) => [remotePeer.toString(), remotePeer])).values()]
  }

  #neighbor (peer: PeerId): Neighbor {
    const key = peer.toString()
    let neighbor = this.#neighbors.get(key)

    if (neighbor == null) {
      const [connection] = this.#components.connectionManager.getConnections(peer)
      neighbor = { stream: connection.newStream(PROTOCOL), isFed: true }
      this.#neighbors.set(key, neighbor)
    }

    return neighbor
  }

  async #relay (data: Uint8Array, from?: PeerId): Promise<void> {
    const frame = new Uint8Array(LENGTH_BYTES + data.byteLength)
    new DataView(frame.buffer).setUint32(0, data.byteLength)
    frame.set(data, LENGTH_BYTES)

    await Promise.all(this.getSubscribers().map(async (peer) => {
      const neighbor = this.#neighbor(peer)

      if (neighbor.isFed && from?.equals(peer) !== true) {
        (await neighbor.stream).send(frame)
      }
    }))
  }

  #read (stream: Stream, connection: Connection): void {
    const rest = new Uint8ArrayList()

    stream.addEventListener('message', ({ data }) => {
      rest.append(data)

      while (rest.byteLength >= LENGTH_BYTES) {
        const bytes = rest.getUint32(0)

        if (rest.byteLength < LENGTH_BYTES + bytes) {
          break
        }

        const content = rest.subarray(LENGTH_BYTES, LENGTH_BYTES + bytes)
        rest.consume(LENGTH_BYTES + bytes)
        this.#onFrame(content, connection.remotePeer)
      }
    })
  }

  #onFrame (content: Uint8Array, from: PeerId): void {
    const neighbor = this.#neighbor(from)

    if (content.byteLength === 0) {
      neighbor.isFed = false
      return
    }

    const id = idOf(content)

    if (this.#seen.has(id)) {
      if (id === this.#first) {
        neighbor.isFed = false
        void neighbor.stream.then((stream) => { stream.send(ENOUGH) })
      }

      return
    }

    this.#first ??= id
    this.#seen.add(id)
    this.safeDispatchEvent('message', { detail: { data: content } })
    void this.#relay(content, from)
  }
}

function idOf (data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, HEAD_BYTES).toString('latin1')
}
