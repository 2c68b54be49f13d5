import { multiaddr } from '@multiformats/multiaddr'
import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'
import { TopicId } from '../../src/index.ts'
import { endpointIdOf } from '../support/address.ts'
import { Changes } from '../support/changes.ts'
import { Tally, numberedContent } from '../support/numbered.ts'
import type { Topic } from '../../src/index.ts'
import type { JsNode } from '../support/js-node.ts'
import type { JsProcessUse } from '../support/js-process.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/** Everything a line of stdin may carry; which of it depends on `do`. */
interface Request {
  id: number
  do: string
  topic: string
  peer: string
  peers: string[]
  bootstrap: string[]
  addresses: string[]
  multiaddrs: string[]
  content: string
  tag: string
  first: number
  count: number | boolean
  size: number
}

interface Joined {
  handle: Topic
  tally?: Tally
  lagged: number
  changes: Changes
}

/** The longest that a count may be waited for, in milliseconds. */
const COUNT_PATIENCE_MS = 55_000

/** Performs the commands on one node, and prints replies and events. */
export class JsPeer {
  /** Whether it was shut down by command. */
  stopped = false
  readonly #node: JsNode
  readonly #print: (line: unknown) => void
  readonly #addresses = new Map<string, Multiaddr[]>()
  readonly #topics = new Map<string, Joined>()

  constructor (node: JsNode, print: (line: unknown) => void) {
    this.#node = node
    this.#print = print
    print({ event: 'ready', endpointId: node.endpointId, addresses: node.addresses, multiaddrs: node.multiaddrs.map(String) })
  }

  /** Takes one line of stdin, and says whether it was the last. */
  async onLine (line: string): Promise<boolean> {
    const request: Request = JSON.parse(line)

    try {
      this.#print({ reply: request.id, value: await this.#perform(request) })
    } catch (err) {
      this.#print({ reply: request.id, error: String(err) })
    }

    return this.stopped
  }

  async #perform (request: Request): Promise<unknown> {
    switch (request.do) {
      case 'addPeer':
        this.#addresses.set(request.peer, request.multiaddrs.map((address) => multiaddr(address)))
        return
      case 'join':
        await this.#join(request)
        return
      case 'joinPeers':
        await this.#topic(request).handle.joinPeers(this.#targets(request.peers))
        return
      case 'leave':
        await this.#topic(request).handle.leave()
        this.#topics.delete(request.topic)
        return
      case 'broadcast':
        await this.#topic(request).handle.broadcast(fromString(request.content, 'hex'))
        return
      case 'broadcastNeighbors':
        await this.#topic(request).handle.broadcastNeighbors(fromString(request.content, 'hex'))
        return
      case 'flood':
        for (let i = request.first; i < request.first + Number(request.count); i++) {
          await this.#topic(request).handle.broadcast(numberedContent(request.tag, i, request.size))
        }
        return
      case 'awaitCount': {
        const { changes, tally } = this.#topic(request)
        const { tag, count } = request
        await changes.until(`${tag} is counted`, () => (tally?.count(tag).distinct ?? 0) >= Number(count), undefined, COUNT_PATIENCE_MS)
        return
      }
      case 'counts': {
        const { tally, lagged } = this.#topic(request)
        return { tags: tally?.all() ?? {}, lagged }
      }
      case 'neighbors':
        return this.#topic(request).handle.neighbors().map(endpointIdOf)
      case 'use':
        return this.#use()
      case 'shutdown':
        await this.#node.stop()
        this.stopped = true
        return
      default:
        throw new Error(`unknown command ${request.do}`)
    }
  }

  async #join (request: Request): Promise<void> {
    const { topic, bootstrap, count } = request
    const handle = await this.#node.pubsub.join(TopicId.parse(topic), { bootstrap: this.#targets(bootstrap) })
    const joined: Joined = { handle, tally: count === true ? new Tally() : undefined, lagged: 0, changes: new Changes() }
    this.#topics.set(topic, joined)
    this.#read(topic, joined).catch((err) => { this.#print({ event: 'ended', topic, error: String(err) }) })
  }

  async #read (topic: string, joined: Joined): Promise<void> {
    for await (const event of joined.handle) {
      switch (event.type) {
        case 'received':
          if (joined.tally?.add(event.content) === true) {
            joined.changes.notify()
          } else {
            this.#print({
              event: 'received',
              topic,
              content: toString(event.content, 'hex'),
              deliveredFrom: endpointIdOf(event.deliveredFrom),
              scope: event.scope
            })
          }
          break
        case 'neighborUp':
        case 'neighborDown':
          this.#print({ event: event.type, topic, peer: endpointIdOf(event.peer) })
          break
        case 'lagged':
          joined.lagged += event.missed
          this.#print({ event: 'lagged', topic })
          break
        default:
          throw new Error(`unknown event ${JSON.stringify(event satisfies never)}`)
      }
    }
  }

  #use (): JsProcessUse {
    const connections = this.#node.libp2p.getConnections()

    return {
      connections: connections.map(({ remotePeer, direction }) => ({ peer: endpointIdOf(remotePeer), dialed: direction === 'outbound' })),
      streams: connections.reduce((sum, { streams }) => sum + streams.length, 0),
      timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
      heapBytes: process.memoryUsage().heapUsed
    }
  }

  #topic ({ topic }: Request): Joined {
    const joined = this.#topics.get(topic)

    if (joined == null) {
      throw new Error('no such topic')
    }

    return joined
  }

  #targets (peers: string[]): Multiaddr[][] {
    return peers.map((peer) => this.#addresses.get(peer) ?? [])
  }
}
