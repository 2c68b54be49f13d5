/**
 * A process that holds a swarm and puts load on it. Driven by `SwarmProcess`.
 */
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises'
import { createContestant } from './contestants.ts'
import { interfaceBytes } from './interface-bytes.ts'
import { answer } from './requests.ts'
import type { ContestantNode } from './contestants.ts'
import type { Load, LoadResult, SwarmInit } from './swarm.ts'

const TOPIC = 'benchmark'
/** The number of a message and the time at which it was sent. */
const HEAD_BYTES = 12
const PATIENCE_MS = 60_000

let nodes: ContestantNode[] = []
/** Of the load that is on: by node, how often each message came. */
let counts: Uint8Array[] = []
let latencies: number[] = []
let foreign = 0
let series = 0

/** A generator of the same numbers for the same seed (mulberry32). */
function numbers (seed: number): () => number {
  let state = seed

  return () => {
    state = state + 0x6d2b79f5 | 0
    let t = Math.imul(state ^ state >>> 15, 1 | state)
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t

    return ((t ^ t >>> 14) >>> 0) / 2 ** 32
  }
}

async function until (what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE_MS

  while (!holds()) {
    if (performance.now() > end) {
      throw new Error(`waited in vain until ${what}`)
    }

    await delay(20)
  }
}

/** Starts the nodes and connects them by a random graph, the same for the same seed. */
async function start (init: SwarmInit): Promise<{ cpuMs: number, bytes: number, ms: number }> {
  const cpu = process.cpuUsage()
  const before = interfaceBytes().bytes
  const startedAt = performance.now()
  nodes = []

  for (let i = 0; i < init.nodes; i++) {
    const node = await createContestant(init.contestant, init.transport)
    nodes.push(node)
  }

  nodes.forEach((node, i) => {
    node.services.pubsub.addEventListener('message', (evt) => { onMessage(i, evt.detail.data) })
  })

  const all = nodes
  const random = numbers(init.seed)

  for (let i = 1; i < nodes.length; i++) {
    const others = new Set<number>()

    while (others.size < Math.min(init.dials, i)) {
      others.add(Math.floor(random() * i))
    }

    const dialer = nodes[i]
    const addresses = [...others].map((other) => all[other].getMultiaddrs())
    await Promise.all(addresses.map(async (address) => dialer.dial(address)))
  }

  for (const node of nodes) {
    node.services.pubsub.subscribe(TOPIC)
  }

  await until('every node has subscribers', () => all.every((node) => node.services.pubsub.getSubscribers(TOPIC).length > 0))
  const { user, system } = process.cpuUsage(cpu)

  return { cpuMs: (user + system) / 1_000, bytes: interfaceBytes().bytes - before, ms: performance.now() - startedAt }
}

function onMessage (node: number, data: Uint8Array): void {
  const view = new DataView(data.buffer, data.byteOffset)
  const number = view.getUint32(0)

  if (number >>> 20 !== series) {
    foreign++
    return
  }

  counts[node][number & 0xfffff]++
  latencies.push(performance.now() - view.getFloat64(4))
}

function percentile (sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0
}

/** Publishes, waits for the last delivery, and says what it took. */
async function load ({ messages, bytes, intervalMs, publishers }: Load): Promise<LoadResult> {
  series = (series + 1) % 4096
  counts = nodes.map(() => new Uint8Array(messages))
  latencies = []
  foreign = 0
  const expected = messages * (nodes.length - 1)
  globalThis.gc?.()

  const before = interfaceBytes()
  const cpu = process.cpuUsage()
  const startedAt = performance.now()

  for (let i = 0; i < messages; i++) {
    const data = new Uint8Array(Math.max(bytes, HEAD_BYTES))
    const view = new DataView(data.buffer)
    view.setUint32(0, series << 20 | i)
    view.setFloat64(4, performance.now())
    const publisher = nodes[Math.floor((i % publishers) * nodes.length / publishers)]
    await publisher.services.pubsub.publish(TOPIC, data)

    const wait = startedAt + (i + 1) * intervalMs - performance.now()

    if (wait > 0) {
      await delay(wait)
    } else if (i % 16 === 15) {
      // as fast as the swarm takes it, with a bounded number under way
      await turn()
      const floor = (i - 256) * (nodes.length - 1)

      for (const end = performance.now() + 5_000; latencies.length < floor && performance.now() < end;) {
        await turn()
      }
    }
  }

  const publishedMs = performance.now() - startedAt

  for (const end = performance.now() + 15_000; latencies.length < expected && performance.now() < end;) {
    await delay(5)
  }

  const tookMs = performance.now() - startedAt
  // announcements of the last messages, and copies that are still under way
  await delay(500)
  const { user, system } = process.cpuUsage(cpu)
  const after = interfaceBytes()

  let delivered = 0
  let duplicates = 0

  for (const times of counts) {
    for (const time of times) {
      delivered += time > 0 ? 1 : 0
      duplicates += time > 1 ? time - 1 : 0
    }
  }

  const sorted = Float64Array.from(latencies).sort()

  return {
    expected,
    delivered,
    duplicates,
    foreign,
    cpuMicros: (user + system) / Math.max(delivered, 1),
    bytes: (after.bytes - before.bytes) / Math.max(delivered, 1),
    packets: (after.packets - before.packets) / Math.max(delivered, 1),
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    p100: percentile(sorted, 1),
    publishedMs,
    perSecond: delivered * 1_000 / tookMs
  }
}

/** What an idle swarm costs for some time. */
async function idle ({ ms }: { ms: number }): Promise<{ cpuMicros: number, bytes: number }> {
  const before = interfaceBytes().bytes
  const cpu = process.cpuUsage()
  await delay(ms)
  const { user, system } = process.cpuUsage(cpu)

  return { cpuMicros: (user + system) / nodes.length / (ms / 1_000), bytes: (interfaceBytes().bytes - before) / nodes.length / (ms / 1_000) }
}

// a benchmark that was interrupted leaves nothing behind
process.once('disconnect', () => { process.exit() })

answer({
  start,
  load,
  idle,
  settle: async ({ ms }: { ms: number }) => { await delay(ms) },
  heap: async () => {
    for (let i = 0; i < 4; i++) {
      globalThis.gc?.()
      await turn()
    }

    return { bytes: process.memoryUsage().heapUsed }
  },
  stop: async () => {
    setTimeout(() => { process.exit() }, 100)
  }
})
