/** The measured node, alone in this process. Driven by `measure.ts`. */
import { fork } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { writeHeapSnapshot } from 'node:v8'
import { multiaddr } from '@multiformats/multiaddr'
import { createContestant } from '../support/contestants.ts'
import { interfaceBytes } from '../support/interface-bytes.ts'
import { answer, ask } from '../support/requests.ts'
import { topicName } from './topics.ts'
import type { TopicsInit, TopicsMeasured } from './measure.ts'
import type { ChildProcess } from 'node:child_process'

const PATIENCE_MS = 120_000
/** Less than this is said of each topic in a second once the questions of the beginning have been answered. */
const QUIET_BYTES_PER_SECOND = 100
const CONNECTED_MS = 2_000
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

/** Waits until every peer knows somebody in each of its topics. */
async function found (far: ChildProcess, topics: number, atMostMs: number): Promise<void> {
  for (const end = performance.now() + atMostMs; performance.now() < end && await ask<number>(far, 'alone', { topics }) > 0;) {
    await delay(1_000)
  }
}

/** Waits until the questions of the beginning have been asked and answered. */
async function settled (topics: number, atMostMs: number): Promise<void> {
  const watchMs = Math.min(5_000, atMostMs / 4)

  for (const end = performance.now() + atMostMs; performance.now() < end;) {
    const { bytes } = interfaceBytes()
    await delay(watchMs)

    if (interfaceBytes().bytes - bytes < QUIET_BYTES_PER_SECOND * topics * watchMs / 1_000) {
      return
    }
  }
}

async function measure ({ topics, peers, idleMs, settleMs, restMs, snapshot, messages }: TopicsInit): Promise<TopicsMeasured> {
  const far = fork(fileURLToPath(new URL('./peers.ts', import.meta.url)))
  const addresses = await ask<string[]>(far, 'start', { peers })
  const node = await createContestant('iroh-gossip', 'tcp')
  const { pubsub } = node.services
  const received = { count: 0 }
  pubsub.addEventListener('message', () => { received.count++ })
  await Promise.all(addresses.map(async (address) => node.dial(multiaddr(address))))
  await delay(CONNECTED_MS)

  const heapBefore = await heap()
  const timersBefore = timers()
  await ask(far, 'subscribe', { topics })
  const startedAt = performance.now()

  for (let topic = 0; topic < topics; topic++) {
    pubsub.subscribe(topicName(topic))

    if (topic % 50 === 49) {
      await delay(5)
    }
  }

  const alone = new Set(Array.from({ length: topics }, (_, topic) => topicName(topic)))
  await until(() => {
    alone.forEach((topic) => { pubsub.getSubscribers(topic).length > 0 && alone.delete(topic) })

    return alone.size === 0
  }, PATIENCE_MS, 200)
  const joinMs = performance.now() - startedAt
  await found(far, topics, settleMs)
  await settled(topics, settleMs)
  await delay(restMs)
  const heapBytesPerTopic = (await heap() - heapBefore) / topics
  const timersAfter = timers()

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
    published += await ask<number>(far, 'publish', { from, to: Math.min(messages, from + WINDOW), topics })
    const expected = published
    await until(() => received.count >= expected, PATIENCE_MS / 20, 2)
  }

  const cpuMicrosPerDelivery = (cpuMicros() - busyCpu) / Math.max(received.count, 1)
  far.disconnect()

  return { heapBytesPerTopic, timersBefore, timersAfter, topicsWithNeighbors: topics - alone.size, joinMs, ...idle, cpuMicrosPerDelivery, published, delivered: received.count }
}

answer({ measure })
