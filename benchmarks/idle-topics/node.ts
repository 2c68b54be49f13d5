/** The measured node, alone in this process. Driven by `measure.ts`. */
import { fork } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { writeHeapSnapshot } from 'node:v8'
import { multiaddr } from '@multiformats/multiaddr'
import { createContestant } from '../support/contestants.ts'
import { interfaceBytes } from '../support/interface-bytes.ts'
import { answer, ask } from '../support/requests.ts'
import { progress } from '../support/results.ts'
import { missingLinks, topicName } from './topics.ts'
import type { TopicsInit, TopicsMeasured } from './measure.ts'
import type { TopicRange } from './topics.ts'
import type { ContestantNode } from '../support/contestants.ts'
import type { ChildProcess } from 'node:child_process'

const PATIENCE_MS = 120_000
/** Less than this is said of each topic in a second once the questions of the beginning have been answered. */
const QUIET_BYTES_PER_SECOND = 25
const CONNECTED_MS = 2_000
const LOOK_MS = 200
/** Of the peers. */
const PROCESSES = 2
/** How long those who join together have until the next ones come. */
const CHUNK_PATIENCE_MS = 30_000
/** Topics joined at once by the node and its peers: 51 nodes share a machine, and all joins at once would be a test of that. */
const AT_ONCE = 100
/** Messages under way at most. */
const WINDOW = 100

/** What is held after collection, the least of a few readings. */
async function heap (): Promise<number> {
  let least = Infinity

  for (let i = 0; i < 8; i++) {
    globalThis.gc?.()
    await delay(10)
    least = Math.min(least, process.memoryUsage().heapUsed)
  }

  return least
}

function timers (): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
}

/** CPU time of this process so far. */
function cpuMicros (): number {
  const { user, system } = process.cpuUsage()

  return user + system
}

/** Waits for something, for so long at most. */
async function until (holds: () => boolean, patienceMs: number, intervalMs: number): Promise<void> {
  for (const end = performance.now() + patienceMs; !holds() && performance.now() < end;) {
    await delay(intervalMs)
  }
}

/** Waits until all who share topics are linked; returns how many links the node and its peers lack. */
async function linked (far: ChildProcess[], node: ContestantNode, range: TopicRange, atMostMs: number): Promise<number> {
  for (const end = performance.now() + atMostMs; ;) {
    const theirs = await Promise.all(far.map(async (child) => ask<number>(child, 'missingLinks', range)))
    const missing = theirs.reduce((sum, links) => sum + links, missingLinks(node, range))

    if (missing === 0 || performance.now() > end) {
      return missing
    }

    await delay(LOOK_MS)
  }
}

/** Waits until the questions of the beginning have been asked and answered. */
async function settled (topics: number, atMostMs: number): Promise<void> {
  const watchMs = Math.min(5_000, atMostMs / 4)

  for (const end = performance.now() + atMostMs; performance.now() < end;) {
    const { bytes } = interfaceBytes()
    await delay(watchMs)
    const perSecond = (interfaceBytes().bytes - bytes) * 1_000 / watchMs
    progress(`idle-topics: ${Math.round(perSecond / 1_000)} kB a second`)

    if (perSecond < QUIET_BYTES_PER_SECOND * topics) {
      return
    }
  }
}

async function measure ({ topics, peers, idleMs, settleMs, restMs, snapshot, messages }: TopicsInit): Promise<TopicsMeasured> {
  const count = Math.ceil(peers / PROCESSES)
  const far = Array.from({ length: PROCESSES }, () => fork(fileURLToPath(new URL('./peers.ts', import.meta.url))))
  const addresses = (await Promise.all(far.map(async (child, i) => ask<string[]>(child, 'start', { peers, first: i * count, count: Math.min(count, peers - i * count) })))).flat()
  const node = await createContestant('iroh-gossip', 'tcp')
  const { pubsub } = node.services
  const received = { count: 0 }
  pubsub.addEventListener('message', () => { received.count++ })
  await Promise.all(addresses.map(async (address) => node.dial(multiaddr(address))))
  await delay(CONNECTED_MS)

  const heapBefore = await heap()
  const timersBefore = timers()
  const startedAt = performance.now()

  for (let from = 0; from < topics; from += AT_ONCE) {
    const range = { from, to: Math.min(topics, from + AT_ONCE) }
    await Promise.all(far.map(async (child) => ask(child, 'subscribe', range)))

    for (let topic = from; topic < range.to; topic++) {
      pubsub.subscribe(topicName(topic))
    }

    const missing = await linked(far, node, range, CHUNK_PATIENCE_MS)
    progress(`idle-topics: ${range.to} of ${topics} joined after ${Math.round((performance.now() - startedAt) / 1_000)} s${missing === 0 ? '' : `, ${missing} links missing`}`)
  }

  const linksMissing = await linked(far, node, { from: 0, to: topics }, PATIENCE_MS)
  const joinMs = performance.now() - startedAt
  await settled(topics, settleMs)
  await delay(restMs)
  const heapBytesPerTopic = (await heap() - heapBefore) / topics
  const timersAfter = timers()
  progress(`idle-topics: ${Math.round(heapBytesPerTopic)} bytes of heap for each topic`)

  const bytes = interfaceBytes().bytes
  const idleCpu = cpuMicros()
  await delay(idleMs)
  const perTopicAndMinute = (amount: number): number => amount / topics * 60_000 / idleMs
  const idle = {
    idleBytesPerTopicAndMinute: perTopicAndMinute(interfaceBytes().bytes - bytes),
    idleCpuMicrosPerTopicAndMinute: perTopicAndMinute(cpuMicros() - idleCpu)
  }

  if (snapshot != null) {
    writeHeapSnapshot(snapshot)
  }

  const busyCpu = cpuMicros()

  let published = 0

  for (let from = 0; from < messages; from += WINDOW) {
    published += await ask<number>(far[0], 'publish', { from, to: Math.min(messages, from + WINDOW), topics })
    const expected = published
    await until(() => received.count >= expected, PATIENCE_MS / 20, 2)
  }

  const cpuMicrosPerDelivery = (cpuMicros() - busyCpu) / Math.max(received.count, 1)
  far.forEach((child) => { child.disconnect() })

  return { heapBytesPerTopic, timersBefore, timersAfter, linksMissing, joinMs, ...idle, cpuMicrosPerDelivery, published, delivered: received.count }
}

answer({ measure })
