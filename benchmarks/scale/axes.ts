import { measureTopics } from '../idle-topics/measure.ts'
import { progress } from '../support/results.ts'
import { spread } from '../support/statistics.ts'
import { SwarmProcess } from '../support/swarm.ts'
import type { ContestantName } from '../support/contestants.ts'
import type { Spread } from '../support/statistics.ts'
import type { Load, LoadResult } from '../support/swarm.ts'

/** What was measured at one place of an axis. */
export interface Step {
  at: number
  figures: Record<string, Spread>
}

/** How much is measured. */
export interface ScaleInit {
  /** Places on the axis, ascending. */
  places: number[]
  rounds: number
  /** Milliseconds for which each round publishes. */
  loadMs: number
  settleMs: number
}

const NODES = 20
const BYTES = 256
const DIALS = 5
/** Deliveries a second that a core bears with room to spare. */
const EASY_DELIVERIES = 1_000
/** Bytes delivered a second that a core bears with room to spare. */
const EASY_BYTES = 4_000_000
const MAX_RATE = 100
const MANY_TOPICS = 1_000

async function startSwarm (contestant: ContestantName, nodes: number, settleMs: number): Promise<SwarmProcess> {
  const { swarm } = await SwarmProcess.start({ contestant, nodes, processes: 1, transport: 'tcp', dials: DIALS, seed: 7 })
  await swarm.settle(settleMs)

  return swarm
}

function figures (results: LoadResult[], more: (result: LoadResult) => Record<string, number> = () => ({})): Record<string, Spread> {
  const all = results.map((result) => ({
    cpuMicros: result.cpuMicros,
    bytes: result.bytes,
    packets: result.packets,
    p50: result.p50,
    p99: result.p99,
    p100: result.p100,
    perSecond: result.perSecond,
    missed: result.expected - result.delivered,
    duplicates: result.duplicates,
    ...more(result)
  }))

  return Object.fromEntries(Object.keys(all[0]).map((key) => [key, spread(all.map((each) => each[key as keyof typeof each]))]))
}

async function play (swarm: SwarmProcess, load: Load, rounds: number): Promise<LoadResult[]> {
  const results: LoadResult[] = []

  for (let round = 0; round < rounds; round++) {
    results.push(await swarm.load(load))
  }

  return results
}

/** At a rate that every swarm bears: the number of nodes in one process. */
export async function byPeers ({ places, rounds, loadMs, settleMs }: ScaleInit): Promise<Step[]> {
  const steps: Step[] = []

  for (const nodes of places) {
    const swarm = await startSwarm('iroh-gossip', nodes, settleMs)
    const intervalMs = Math.max(1_000 / MAX_RATE, 1_000 * nodes / EASY_DELIVERIES)
    const load = { messages: Math.ceil(loadMs / intervalMs), bytes: BYTES, intervalMs, publishers: 1 }
    await swarm.load(load)
    steps.push({ at: nodes, figures: figures(await play(swarm, load, rounds)) })
    await swarm.stop()
    progress(`scale: ${nodes} nodes`)
  }

  return steps
}

/** 20 nodes, messages of 256 bytes: the number of them in a second. */
export async function byRate ({ places, rounds, loadMs, settleMs }: ScaleInit): Promise<Step[]> {
  const swarm = await startSwarm('iroh-gossip', NODES, settleMs)
  await swarm.load({ messages: 100, bytes: BYTES, intervalMs: 20, publishers: 1 })
  const steps: Step[] = []

  for (const rate of places) {
    // timers have milliseconds: faster than that in small bursts
    const burst = Math.max(1, Math.round(rate / 250))
    const load = { messages: Math.max(10, Math.ceil(rate * loadMs / 1_000)), bytes: BYTES, intervalMs: burst * 1_000 / rate, burst, publishers: 1 }
    steps.push({ at: rate, figures: figures(await play(swarm, load, rounds)) })
    progress(`scale: ${rate} messages a second`)
  }

  await swarm.stop()

  return steps
}

/** 20 nodes, at a rate that each size allows: the bytes of a message. */
export async function bySize ({ places, rounds, loadMs, settleMs }: ScaleInit): Promise<Step[]> {
  const swarm = await startSwarm('iroh-gossip-large', NODES, settleMs)
  await swarm.load({ messages: 100, bytes: BYTES, intervalMs: 20, publishers: 1 })
  const steps: Step[] = []

  for (const bytes of places) {
    const intervalMs = Math.max(1_000 / MAX_RATE, 1_000 * bytes * NODES / EASY_BYTES)
    const load = { messages: Math.max(4, Math.ceil(loadMs / intervalMs)), bytes, intervalMs, publishers: 1 }
    steps.push({ at: bytes, figures: figures(await play(swarm, load, rounds), (result) => ({ overhead: result.bytes - bytes, cpuNanosPerByte: result.cpuMicros * 1_000 / bytes })) })
    progress(`scale: ${bytes} bytes`)
  }

  await swarm.stop()

  return steps
}

/** A node with 50 peers, five of them in each topic: the number of topics. One round: it takes minutes. */
export async function byTopics ({ places, loadMs, settleMs, peers }: ScaleInit & { peers: number }): Promise<Step[]> {
  const steps: Step[] = []

  for (const topics of places) {
    // the first Shuffles of a topic come four minutes after the join, and what they open is heap for a while
    const patienceMs = settleMs * (topics < MANY_TOPICS ? 4 : 20)
    const measured = await measureTopics({ topics, peers, idleMs: 2 * loadMs, settleMs: patienceMs, restMs: settleMs, messages: 1_000 })
    steps.push({ at: topics, figures: Object.fromEntries(Object.entries(measured).map(([key, value]) => [key, spread([value])])) })
    progress(`scale: ${topics} topics`)
  }

  return steps
}
