/**
 * Conducts a swarm: its nodes live in other processes (`swarm-host.ts`), in the
 * same network namespace as this one, which adds nothing to what is counted.
 * Told what to do by `SwarmProcess`.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { now } from './clock.ts'
import { Hosts } from './hosts.ts'
import { interfaceBytes } from './interface-bytes.ts'
import { answer } from './requests.ts'
import { percentile } from './tally.ts'
import type { Cost, Load, LoadResult, SwarmInit } from './swarm.ts'
import type { TallyReport } from './tally.ts'

const TOPIC = 'benchmark'
/** Messages under way at most where as many are published as the swarm takes. */
const WINDOW = 256
const CHUNK = 64
/** Portions that a window is handed over in, at least. */
const PORTIONS = 4
/** How long a delivery may be overdue before it counts as lost. */
const PATIENCE_MS = 10_000
/** Announcements of the last messages, and copies that are still under way. */
const SETTLE_MS = 500
const START_PATIENCE_MS = 60_000
/** Milliseconds after which a process says how many deliveries it has, though there are fewer than it was asked for. */
const REACHED_MS = 250
/** A swarm in which views and meshes have settled says less than this, and still spreads announcements. */
const QUIET_BYTES_PER_NODE_SECOND = 1_500
const QUIET_MS = 1_000

let hosts: Hosts
let init: SwarmInit
let loads = 0
let topics = 0

async function until (what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = now() + START_PATIENCE_MS; !await holds();) {
    if (now() > end) {
      throw new Error(`waited in vain until ${what}`)
    }

    await delay(20)
  }
}

/** What passes from now on until the returned function is called. */
async function meter (): Promise<() => Promise<Cost & { packets: number }>> {
  const before = interfaceBytes()
  const cpu = await hosts.sum('cpu')
  const startedAt = now()

  return async () => {
    const ms = now() - startedAt
    const cpuMicros = await hosts.sum('cpu') - cpu
    const { bytes, packets } = interfaceBytes()

    return { cpuMicros, bytes: bytes - before.bytes, packets: packets - before.packets, ms }
  }
}

/** Starts the nodes, connects them by a random graph, and subscribes them. */
async function start (given: SwarmInit): Promise<Cost> {
  init = given
  hosts = new Hosts(init)
  const read = await meter()
  const nodes = await hosts.create(init.nodes)

  for (const node of nodes.slice(1)) {
    await hosts.dial(node, init.dials, nodes.slice(0, node))
  }

  await hosts.each('subscribe', nodes, { topics: [TOPIC] })

  if (init.contestant !== 'none') {
    await until('every node knows another one in the topic', async () => linked(nodes))
  }

  return read()
}

async function linked (nodes: number[]): Promise<boolean> {
  const answers = await hosts.each<boolean>('linked', nodes, { topic: TOPIC })

  return answers.every((answer) => answer)
}

/** Waits until the nodes have said next to nothing for two seconds, at most so long; in memory, where nobody sees it, half of that. */
async function settle ({ atMostMs }: { atMostMs: number }): Promise<void> {
  const startedAt = now()
  const isSeen = interfaceBytes().bytes > 0 && init.transport !== 'memory'

  for (let quiet = 0; quiet < 2 && now() < startedAt + atMostMs / (isSeen ? 1 : 2);) {
    const { bytes } = interfaceBytes()
    await delay(Math.min(QUIET_MS, atMostMs / 4))
    const passed = interfaceBytes().bytes - bytes
    quiet = isSeen && passed < QUIET_BYTES_PER_NODE_SECOND * init.nodes * QUIET_MS / 1_000 ? quiet + 1 : 0
  }
}

/** A new node, connected like the others. */
async function enter (): Promise<number> {
  const others = hosts.nodes
  const [node] = await hosts.create(1)
  await hosts.dial(node, init.dials, others)

  return node
}

/** Nodes go and others come, evenly over so many milliseconds. */
async function churn (leavers: number[], overMs: number): Promise<void> {
  const startedAt = now()

  for (const [i, leaver] of leavers.entries()) {
    await delay(Math.max(0, startedAt + (i + 0.5) * overMs / leavers.length - now()))
    await hosts.leave(leaver)
    await hosts.each('subscribe', [await enter()], { topics: [TOPIC] })
  }
}

/** Publishes; without an interval in portions, so that a bounded number is under way. Returns the number of messages. */
async function publish (load: number, publishers: number[], receivers: number, { messages, bytes, intervalMs, burst = 1, forMs = Infinity, window = WINDOW }: Load): Promise<number> {
  const startAt = now() + 5
  const some = { topic: TOPIC, load, bytes, publishers, startAt, intervalMs }

  if (intervalMs > 0) {
    await hosts.each('publish', [], { ...some, from: 0, to: messages, burst })

    return messages
  }

  const portion = Math.max(1, Math.min(CHUNK, window / PORTIONS))
  let sent = 0

  while (sent < messages && now() < startAt + forMs) {
    const to = Math.min(messages, sent + portion)
    await hosts.each('publish', [], { ...some, from: sent, to, burst: Math.max(1, portion / 4) })
    sent = to
    await delivered(receivers * Math.max(0, sent - window))
  }

  return sent
}

/**
 * Waits for so many deliveries, as long as there is progress. A single process
 * says when it has them: to be asked every other millisecond would cost it more
 * than a message does.
 */
async function delivered (wanted: number): Promise<void> {
  const isOne = init.processes === 1
  let last = -1
  let since = now()

  for (let count = 0; count < wanted && now() < since + PATIENCE_MS;) {
    count = isOne ? await hosts.sum('reached', { wanted, atMostMs: REACHED_MS }) : await hosts.sum('delivered')

    if (count > last) {
      last = count
      since = now()
    }

    count < wanted && !isOne && await delay(2)
  }
}

/** Publishes, waits for the last delivery, and says what it took. */
async function load (given: Load): Promise<LoadResult> {
  loads = (loads + 1) % 4_096
  const nodes = hosts.nodes
  const publishers = Array.from({ length: given.publishers }, (_, i) => nodes[Math.floor(i * nodes.length / given.publishers)])
  const leavers = nodes.filter((node) => !publishers.includes(node)).slice(-(given.churn ?? 0)).slice(0, given.churn ?? 0)
  const stayers = nodes.filter((node) => !leavers.includes(node))
  // one that publishes does not hear itself
  const receivers = stayers.length - 1
  await hosts.each('expect', stayers, { load: loads, messages: given.messages, publishers })

  const read = await meter()
  const [published] = await Promise.all([
    publish(loads, publishers, receivers, given),
    churn(leavers, given.messages / (given.burst ?? 1) * given.intervalMs)
  ])
  const expected = published * receivers
  await delivered(expected)
  const { ms } = await read()
  await delay(SETTLE_MS)
  const { cpuMicros, bytes, packets } = await read()
  const reports = await hosts.each<TallyReport>('report', [])
  const sum = (key: 'delivered' | 'duplicates' | 'foreign'): number => reports.reduce((total, report) => total + report[key], 0)
  const count = sum('delivered')
  const latencies = Float64Array.from(reports.flatMap(({ latencies }) => [...latencies])).sort()

  return {
    published,
    expected,
    delivered: count,
    duplicates: sum('duplicates'),
    foreign: sum('foreign'),
    cpuMicros: cpuMicros / Math.max(count, 1),
    bytes: bytes / Math.max(count, 1),
    packets: packets / Math.max(count, 1),
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    p100: percentile(latencies, 1),
    perSecond: count * 1_000 / ms
  }
}

/** Messages at a steady rate, until the newcomer has one. */
async function firstMessage (): Promise<number> {
  const publisher = hosts.nodes[0]
  const node = await enter()
  await delay(SETTLE_MS)
  loads = (loads + 1) % 4_096
  const intervalMs = 20
  await hosts.each('expect', [node], { load: loads, messages: START_PATIENCE_MS / intervalMs, publishers: [publisher] })
  const startedAt = now()
  await hosts.each('subscribe', [node], { topics: [TOPIC] })
  let took = 0

  for (let i = 0; took === 0 && i < START_PATIENCE_MS / intervalMs; i++) {
    await hosts.ask(publisher, 'publish', { topic: TOPIC, load: loads, bytes: 64, publishers: [publisher], startAt: startedAt, intervalMs, from: i, to: i + 1, burst: 1 })
    took = await hosts.sum('delivered') > 0 ? now() - startedAt : 0
  }

  await delay(SETTLE_MS)
  await hosts.leave(node)

  return took
}

answer({
  start,
  load,
  settle,
  firstMessage,
  idle: async ({ ms }: { ms: number }) => {
    const read = await meter()
    await delay(ms)

    return read()
  },
  subscribe: async ({ topics: more }: { topics: number }) => {
    await hosts.each('subscribe', hosts.nodes, { topics: Array.from({ length: more }, () => `idle ${topics++}`) })
  },
  visit: async ({ visitors }: { visitors: number }) => hosts.visit(visitors),
  subscribing: async ({ ms }: { ms: number }) => {
    const node = await enter()
    await delay(SETTLE_MS)
    const read = await meter()
    await hosts.each('subscribe', [node], { topics: [TOPIC] })
    await until('the newcomer is linked', async () => linked([node]))
    const { ms: tookMs } = await read()
    await delay(Math.max(0, ms - tookMs))
    const { cpuMicros, bytes } = await read()
    await hosts.leave(node)

    return { cpuMicros, bytes, ms: tookMs }
  },
  heap: async () => {
    const heaps = await hosts.each<{ bytes: number }>('heap', [])

    return heaps.reduce((sum, { bytes }) => sum + bytes, 0)
  },
  stop: async () => {
    await hosts.each('stop', [])
    setTimeout(() => { process.exit() }, 100)
  }
})
