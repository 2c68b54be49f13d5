import { progress } from '../support/results.ts'
import { SwarmProcess } from '../support/swarm.ts'
import type { ContestantName } from '../support/contestants.ts'
import type { Cost } from '../support/swarm.ts'

/** What a swarm costs that has nothing to say, and those who come to it. */
export interface IdleResult {
  /** Bytes of heap of a node in one topic, beyond those of a node without pubsub. */
  heapPerNode: number
  /** Of each node and second, in one topic: CPU and bytes, those of a node without pubsub taken off. */
  cpuMicrosPerNodeSecond: number
  bytesPerNodeSecond: number
  /** Of each further topic on each node. */
  heapPerTopic: number
  cpuMicrosPerTopicSecond: number
  bytesPerTopicSecond: number
  /** Of each further connected peer that is in no topic, a node without pubsub taken off. */
  heapPerPeer: number
  /** From `subscribe` to the first message, and CPU and bytes of all nodes until it sits in its place. */
  firstMessageMs: number
  joinCpuMicros: number
  joinBytes: number
}

/** How large the swarms are, and how long they are watched. */
export interface IdleInit {
  nodes: number
  topics: number
  idleMs: number
  settleMs: number
  /** All contestants at once: sooner, and the CPU is that of each process all the same. */
  together: boolean
}

interface Raw {
  heap: { before: number, after: number, connected: number }
  idle: { one: Cost, many: Cost }
  join: Cost
  firstMessageMs: number
}

const VISITORS = 5
/** Contestants whose idle cost is told. */
const contestants: ContestantName[] = ['none', 'iroh-gossip', 'gossipsub', 'gossipsub-tuned', 'floodsub']

async function measure (contestant: ContestantName, { nodes, topics, idleMs, settleMs, together }: IdleInit): Promise<Raw> {
  const { swarm } = await SwarmProcess.start({ contestant, nodes, processes: 1, transport: 'tcp', dials: 5, seed: 7 })
  const hasPubsub = contestant !== 'none'
  await swarm.settle(settleMs)
  const join = hasPubsub ? await swarm.subscribing(idleMs) : { cpuMicros: 0, bytes: 0, ms: 0 }
  const one = await swarm.idle(idleMs)
  const before = await swarm.heap()
  await swarm.subscribe(topics)
  // thousands of memberships in one process: it must have time for those who dial it later
  await swarm.settle(settleMs * (together ? 1 : 10))
  const after = await swarm.heap()
  const many = await swarm.idle(idleMs)
  await swarm.visit(VISITORS)
  await swarm.settle(settleMs)
  const connected = await swarm.heap()
  const firstMessageMs = hasPubsub ? await swarm.firstMessage() : 0
  await swarm.stop()

  return { heap: { before, after, connected }, idle: { one, many }, join, firstMessageMs }
}

/** What silence costs each contestant. */
export async function measureIdle (init: IdleInit): Promise<Partial<Record<ContestantName, IdleResult>>> {
  const { nodes, topics, idleMs } = init
  const raw = new Map<ContestantName, Raw>()
  const measureOne = async (contestant: ContestantName): Promise<void> => {
    progress(`idle: ${contestant}, ${nodes} nodes, then ${topics} topics more`)
    raw.set(contestant, await measure(contestant, init))
  }

  if (init.together) {
    await Promise.all(contestants.map(measureOne))
  }

  for (const contestant of contestants.filter((contestant) => !raw.has(contestant))) {
    await measureOne(contestant)
  }

  const none = raw.get('none')
  const seconds = idleMs / 1_000
  const perPeer = ({ heap: { after, connected } }: Raw): number => (connected - after) / (VISITORS * nodes)
  const results: Partial<Record<ContestantName, IdleResult>> = {}

  for (const [contestant, own] of raw) {
    if (none != null && own !== none) {
      const { heap, idle: { one, many }, join, firstMessageMs } = own
      results[contestant] = {
        heapPerNode: (heap.before - none.heap.before) / nodes,
        cpuMicrosPerNodeSecond: (one.cpuMicros - none.idle.one.cpuMicros) / nodes / seconds,
        bytesPerNodeSecond: (one.bytes - none.idle.one.bytes) / nodes / seconds,
        heapPerTopic: (heap.after - heap.before) / nodes / topics,
        cpuMicrosPerTopicSecond: (many.cpuMicros - one.cpuMicros) / nodes / topics / seconds,
        bytesPerTopicSecond: (many.bytes - one.bytes) / nodes / topics / seconds,
        heapPerPeer: perPeer(own) - perPeer(none),
        firstMessageMs,
        joinCpuMicros: join.cpuMicros,
        joinBytes: join.bytes
      }
    }
  }

  return results
}
