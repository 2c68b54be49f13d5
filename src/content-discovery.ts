import { sha256 } from '@noble/hashes/sha2.js'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import { concat } from 'uint8arrays/concat'
import { fromString } from 'uint8arrays/from-string'
import type { TopicId } from './topic-id.ts'
import type { TopicEntry, TopicRegistry } from './topic-registry.ts'
import type { ContentRouting, Logger, PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/** Multicodec of raw bytes, and of SHA2-256. */
const RAW = 0x55
const SHA2_256 = 0x12

/** Milliseconds between two look-ups while a topic wants neighbors, doubling from the first to the last. */
const FIRST_LOOKUP_MS = 1_000
const MAX_LOOKUP_MS = 60_000

/** Milliseconds that one look-up or announcement may take. */
const TIMEOUT_MS = 30_000

/** Providers that are tried from one look-up. */
const MAX_PROVIDERS = 20

/** Milliseconds between two announcements that succeeded: providers are forgotten after a day or two. */
const ANNOUNCE_INTERVAL_MS = 12 * 3_600_000

/**
 * The CID under which members of a topic announce themselves: raw bytes whose
 * SHA2-256 hash is that of the protocol's name and the topic's id. So networks
 * with another protocol stay apart, and the announcement does not tell the id
 * of a topic that should be known to its members only.
 */
export function topicCid (protocol: string, topic: TopicId): CID {
  const digest = sha256(concat([fromString(`${protocol}/topic/`), topic.bytes]))

  return CID.createV1(RAW, Digest.create(SHA2_256, digest))
}

/**
 * Announces topics through libp2p's content routing, and looks there for other
 * members as long as a topic has room for neighbors.
 */
export class ContentDiscovery {
  readonly #routing: ContentRouting
  readonly #protocol: string
  readonly #topics: TopicRegistry
  readonly #log: Logger
  readonly #onFound: (entry: TopicEntry, peer: PeerId, addresses: Multiaddr[]) => void
  readonly #enough: number
  #stop = new AbortController()

  /**
   * @param enough - neighbors with which a topic looks for no more
   */
  constructor (routing: ContentRouting, protocol: string, topics: TopicRegistry, log: Logger, onFound: (entry: TopicEntry, peer: PeerId, addresses: Multiaddr[]) => void, enough: number) {
    this.#routing = routing
    this.#protocol = protocol
    this.#topics = topics
    this.#log = log
    this.#onFound = onFound
    this.#enough = enough
  }

  start (): void {
    this.#stop = new AbortController()
  }

  stop (): void {
    this.#stop.abort()
  }

  /** Announces and looks until the topic is left. */
  onTopicEntered (entry: TopicEntry): void {
    const cid = topicCid(this.#protocol, entry.id)
    void this.#run(entry, cid)
  }

  async #run (entry: TopicEntry, cid: CID): Promise<void> {
    const { signal } = this.#stop
    const isCurrent = (): boolean => !signal.aborted && this.#topics.get(entry.id.toString()) === entry
    let announceAt = 0
    let pauseMs = FIRST_LOOKUP_MS

    while (isCurrent()) {
      if (performance.now() >= announceAt && await this.#announce(cid, signal)) {
        announceAt = performance.now() + ANNOUNCE_INTERVAL_MS
      }

      if (isCurrent() && entry.neighbors.size < this.#enough) {
        await this.#lookUp(entry, cid, signal)
      }

      await pause(pauseMs, signal)
      pauseMs = Math.min(pauseMs * 2, MAX_LOOKUP_MS)
    }
  }

  async #announce (cid: CID, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#routing.provide(cid, { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) })

      return true
    } catch (err) {
      this.#log('could not announce a topic as %s - %e', cid, err)

      return false
    }
  }

  async #lookUp (entry: TopicEntry, cid: CID, signal: AbortSignal): Promise<void> {
    let found = 0

    try {
      for await (const { id, multiaddrs } of this.#routing.findProviders(cid, { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) })) {
        if (signal.aborted || found++ >= MAX_PROVIDERS) {
          return
        }

        if (id.type === 'Ed25519') {
          const suffix = `/p2p/${id}`
          this.#onFound(entry, id, multiaddrs.map((address) => address.toString().endsWith(suffix) ? address : address.encapsulate(suffix)))
        }
      }
    } catch (err) {
      this.#log('could not look up %s - %e', cid, err)
    }
  }
}

/** Resolves after so many milliseconds, or as soon as the signal fires. */
async function pause (milliseconds: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    signal.addEventListener('abort', done)

    if (signal.aborted) {
      done()
    }
  })
}
