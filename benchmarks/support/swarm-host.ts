/**
 * A process that holds some nodes of a swarm, by their numbers in it. Told what
 * to do by `swarm-process.ts`.
 */
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises'
import { multiaddr } from '@multiformats/multiaddr'
import { now } from './clock.ts'
import { createContestant } from './contestants.ts'
import { answer } from './requests.ts'
import { Tally, content } from './tally.ts'
import type { ContestantName, ContestantNode, TransportName } from './contestants.ts'
import type { TallyReport } from './tally.ts'

/** Which messages of a load to publish, and when. */
export interface Publishing {
  topic: string
  load: number
  bytes: number
  /** First message, and the one after the last. */
  from: number
  to: number
  /** Nodes that publish in turns, here or elsewhere. */
  publishers: number[]
  /** When message 0 is due, on the shared clock. */
  startAt: number
  /** Milliseconds from one burst to the next; 0 for at once. */
  intervalMs: number
  /** Messages that are due at the same time. */
  burst: number
}

/** What a request that concerns some nodes says. */
export interface Some { nodes: number[] }

const nodes = new Map<number, ContestantNode>()
/** One that nobody looks at, until there is a load. */
let tally = new Tally(0, 0, [], [])

function node (number: number): ContestantNode {
  const node = nodes.get(number)

  if (node == null) {
    throw new Error(`node ${number} is not here`)
  }

  return node
}

function listen (number: number, { services: { pubsub } }: ContestantNode): void {
  pubsub.addEventListener('message', ({ detail }) => { tally.onMessage(number, detail.data) })
}

/** Starts nodes and says where they listen. */
async function create ({ contestant, transport, nodes: numbers }: Some & { contestant: ContestantName, transport: TransportName }): Promise<Array<[number, string[]]>> {
  const addresses: Array<[number, string[]]> = []

  for (const number of numbers) {
    const created = await createContestant(contestant, transport)
    listen(number, created)
    nodes.set(number, created)
    addresses.push([number, created.getMultiaddrs().map((address) => address.toString())])
  }

  return addresses
}

async function publish ({ topic, load, bytes, from, to, publishers, startAt, intervalMs, burst }: Publishing): Promise<void> {
  let waiting: Array<Promise<unknown>> = []

  for (let i = from; i < to; i++) {
    const publisher = nodes.get(publishers[i % publishers.length])

    if (i % burst === 0) {
      await Promise.all(waiting)
      waiting = []
      const wait = startAt + i / burst * intervalMs - now()
      wait > 0 && intervalMs > 0 ? await delay(wait) : await turn()
    }

    if (publisher != null) {
      // a message that is refused counts as lost at all others
      waiting.push(publisher.services.pubsub.publish(topic, content(load, i, bytes)).catch((err: Error) => { process.stderr.write(`${err.message}\n`) }))
    }
  }

  await Promise.all(waiting)
}

/** What is held after collection, the least of a few readings. */
async function heap (): Promise<{ bytes: number }> {
  let least = Infinity

  for (let i = 0; i < 6; i++) {
    globalThis.gc?.()
    await turn()
    least = Math.min(least, process.memoryUsage().heapUsed)
  }

  return { bytes: least }
}

answer({
  create,
  publish,
  heap,
  dial: async ({ node: number, addresses }: { node: number, addresses: string[][] }) => {
    await Promise.all(addresses.map(async (all) => node(number).dial(all.map((address) => multiaddr(address)))))
  },
  subscribe: ({ nodes: numbers, topics }: Some & { topics: string[] }) => {
    numbers.forEach((number) => { topics.forEach((topic) => { node(number).services.pubsub.subscribe(topic) }) })
  },
  /** Whether each of the nodes knows another one in the topic. */
  linked: ({ nodes: numbers, topic }: Some & { topic: string }) => numbers.every((number) => node(number).services.pubsub.getSubscribers(topic).length > 0),
  leave: async ({ node: number }: { node: number }) => {
    const left = node(number)
    nodes.delete(number)
    await left.stop()
  },
  expect: ({ load, messages, publishers, nodes: numbers }: Some & { load: number, messages: number, publishers: number[] }) => {
    tally = new Tally(load, messages, publishers, numbers)
    globalThis.gc?.()
  },
  delivered: () => tally.delivered,
  reached: async ({ wanted, atMostMs }: { wanted: number, atMostMs: number }) => tally.reached(wanted, atMostMs),
  report: (): TallyReport => tally.report(),
  /** User and system time so far, in microseconds. */
  cpu: () => {
    const { user, system } = process.cpuUsage()

    return user + system
  },
  stop: () => { setTimeout(() => { process.exit() }, 50) }
})
