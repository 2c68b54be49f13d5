import type { ContestantName, TransportName } from '../support/contestants.ts'
import type { Load } from '../support/swarm.ts'

/** What is compared. */
export type Quantity = 'cpuMicros' | 'bytes' | 'p99' | 'perSecond'

/** Largest wanted ratios ours / theirs. */
export type Wanted = Partial<Record<Quantity, number>>

/** One load, who bears it, and what this package must not exceed. */
export interface Scenario {
  name: string
  load: Load
  /** Each of ours with those it is measured against. */
  against: Partial<Record<ContestantName, Partial<Record<ContestantName, Wanted>>>>
  /** Rounds, where they are not those of the group. */
  rounds?: number
  /** Part of a short run, with so many messages and rounds. */
  short?: { messages: number, rounds: number }
}

/** Swarms that differ in the service only, and the loads that they carry in turns. */
export interface Group {
  name: string
  title: string
  nodes: number
  processes: number
  transport: TransportName
  rounds: number
  scenarios: Scenario[]
  /** Part of a short run, with so many nodes. */
  short?: { nodes: number }
}

const NODES = 20
const asItComes: Wanted = { cpuMicros: 1 / 15, bytes: 1 / 7, p99: 1 / 10 }
const tuned: Wanted = { cpuMicros: 1 / 4, bytes: 1 / 5, p99: 1 / 3 }
/** As much as is taken for two seconds. */
const saturated: Load = { messages: 100_000, bytes: 256, intervalMs: 0, publishers: 1, forMs: 2_000 }

/**
 * What must be shown: at rates that the slowest of them can bear in one process,
 * where nobody has two messages to send at a time, and as fast as each goes.
 */
const main: Group = {
  name: 'main',
  title: '20 nodes in one process, TCP',
  nodes: NODES,
  processes: 1,
  transport: 'tcp',
  rounds: 4,
  short: { nodes: NODES },
  scenarios: [
    {
      name: 'one publisher, 256 B, 20/s',
      load: { messages: 100, bytes: 256, intervalMs: 50, publishers: 1 },
      against: {
        'iroh-gossip': { gossipsub: asItComes, 'gossipsub-tuned': {}, floodsub: {}, 'floodsub-unsigned': {} },
        'iroh-gossip-signed': { gossipsub: { cpuMicros: 1 / 5 }, floodsub: {} }
      },
      short: { messages: 40, rounds: 3 }
    },
    {
      name: 'one publisher, 256 B, 100/s',
      load: { messages: 400, bytes: 256, intervalMs: 10, publishers: 1 },
      against: { 'iroh-gossip': { 'gossipsub-tuned': tuned, 'floodsub-unsigned': {} } },
      short: { messages: 100, rounds: 3 }
    },
    {
      name: 'one publisher, 4000 B, 50/s',
      load: { messages: 200, bytes: 4_000, intervalMs: 20, publishers: 1 },
      against: { 'iroh-gossip': { 'gossipsub-tuned': { cpuMicros: 1 / 5, bytes: 1 / 5 } } },
      short: { messages: 50, rounds: 2 }
    },
    {
      name: 'all publish in turns, 256 B, 100/s',
      load: { messages: 400, bytes: 256, intervalMs: 10, publishers: NODES },
      against: { 'iroh-gossip': { 'gossipsub-tuned': { cpuMicros: 1 / 3, bytes: 1 / 3 } } },
      short: { messages: 100, rounds: 2 }
    },
    {
      name: 'as much as is taken, 256 B',
      load: saturated,
      against: {
        'iroh-gossip': { gossipsub: asItComes, 'gossipsub-tuned': tuned, 'floodsub-unsigned': {} },
        'iroh-gossip-signed': { gossipsub: { cpuMicros: 1 / 5 } }
      },
      short: { messages: 400, rounds: 1 }
    },
    {
      name: 'as much as is taken, 4000 B',
      load: { ...saturated, bytes: 4_000 },
      against: { 'iroh-gossip': { 'gossipsub-tuned': { cpuMicros: 1 / 5, bytes: 1 / 5 } } }
    },
    {
      name: 'as much as is taken, all publish in turns, 256 B',
      load: { ...saturated, publishers: NODES },
      against: { 'iroh-gossip': { 'gossipsub-tuned': { cpuMicros: 1 / 3, bytes: 1 / 3 } } }
    }
  ]
}

const all: Partial<Record<ContestantName, Partial<Record<ContestantName, Wanted>>>> = { 'iroh-gossip': { gossipsub: {}, 'gossipsub-tuned': {} } }

const stress: Group = {
  name: 'stress',
  title: 'bursts, churn: 20 nodes in one process, TCP',
  nodes: NODES,
  processes: 1,
  transport: 'tcp',
  rounds: 3,
  scenarios: [
    {
      name: 'bursts of 32, 256 B, 2/s',
      load: { messages: 320, bytes: 256, intervalMs: 500, burst: 32, publishers: 1 },
      against: { 'iroh-gossip': { 'gossipsub-tuned': {}, 'floodsub-unsigned': {} } },
      short: { messages: 64, rounds: 1 }
    },
    {
      name: 'while 20 % of the nodes churn, 256 B, 20/s',
      load: { messages: 160, bytes: 256, intervalMs: 50, publishers: 1, churn: NODES / 5 },
      against: all,
      short: { messages: 40, rounds: 1 }
    }
  ]
}

/** What libp2p itself takes of all that: no pubsub on it can cost less. */
const floor: Group = {
  name: 'floor',
  title: 'beside bare streams: 20 nodes in one process, TCP, one publisher',
  nodes: NODES,
  processes: 1,
  transport: 'tcp',
  rounds: 4,
  scenarios: [
    { name: '256 B, 20/s', load: { messages: 100, bytes: 256, intervalMs: 50, publishers: 1 }, against: { 'iroh-gossip': { 'bare-relay': {}, 'gossipsub-tuned': {} }, 'bare-relay': { gossipsub: {}, 'gossipsub-tuned': {} } } },
    { name: '256 B, 100/s', load: { messages: 400, bytes: 256, intervalMs: 10, publishers: 1 }, against: { 'iroh-gossip': { 'bare-relay': {}, 'gossipsub-tuned': {} }, 'bare-relay': { gossipsub: {}, 'gossipsub-tuned': {} } } }
  ]
}

/** As fast as each goes, from one message at a time to as many as fit: how far each gains from sending several in one piece. */
const underWay: Group = {
  name: 'under-way',
  title: 'as much as is taken, by messages under way: 20 nodes in one process, TCP, one publisher, 256 B',
  nodes: NODES,
  processes: 1,
  transport: 'tcp',
  rounds: 3,
  scenarios: [1, 4, 16, 32, 64, 256].map((window) => ({
    name: `${window} under way`,
    load: { ...saturated, window },
    against: {
      'iroh-gossip': { gossipsub: asItComes, 'gossipsub-tuned': tuned, 'bare-relay': {} },
      'iroh-gossip-signed': { gossipsub: { cpuMicros: 1 / 5 } }
    }
  }))
}

/** [bytes, milliseconds from one to the next, messages] */
const sizeLoads: Array<[number, number, number]> = [[64, 20, 200], [256, 20, 200], [1_024, 20, 200], [4_096, 25, 160], [16_384, 50, 80], [65_536, 200, 25]]

const sizes: Group = {
  name: 'sizes',
  title: 'sizes: 20 nodes in one process, TCP, one publisher',
  nodes: NODES,
  processes: 1,
  transport: 'tcp',
  rounds: 3,
  short: { nodes: 10 },
  scenarios: sizeLoads.map(([bytes, intervalMs, messages]) => ({
    name: `${bytes} B`,
    load: { messages, bytes, intervalMs, publishers: 1 },
    against: { 'iroh-gossip-large': { 'gossipsub-tuned': {} } },
    ...(bytes === 64 || bytes === 65_536 ? { short: { messages: Math.min(messages, 10), rounds: 2 } } : {})
  }))
}

/** The rate leaves gossipsub, as it comes, half of a core idle. */
function sizeOfSwarm (nodes: number, processes: number): Group {
  return {
    name: processes === 1 ? `nodes-${nodes}` : `processes-${nodes}`,
    title: `${nodes} nodes in ${processes === 1 ? 'one process' : `${processes} processes`}, TCP`,
    nodes,
    processes,
    transport: 'tcp',
    rounds: 2,
    ...(processes > 1 && nodes === 10 ? { short: { nodes } } : {}),
    scenarios: [{
      name: `${nodes} nodes, 256 B, ${Math.round(400 / nodes)}/s`,
      load: { messages: 50, bytes: 256, intervalMs: 2.5 * nodes, publishers: 1 },
      against: all,
      short: { messages: 40, rounds: 1 }
    }]
  }
}

function onTransport (transport: TransportName): Group {
  return {
    name: transport,
    title: `20 nodes in one process, ${transport === 'quic' ? 'QUIC' : 'in memory'}`,
    nodes: NODES,
    processes: 1,
    transport,
    rounds: 3,
    short: { nodes: 10 },
    scenarios: [{
      name: `${transport}, 256 B, 20/s`,
      load: { messages: 80, bytes: 256, intervalMs: 50, publishers: 1 },
      against: all,
      short: { messages: 20, rounds: 1 }
    }]
  }
}

/** In the order of a full run. */
export const groups: Group[] = [
  main,
  floor,
  underWay,
  stress,
  sizes,
  onTransport('quic'),
  onTransport('memory'),
  ...[10, 50, 100].map((nodes) => sizeOfSwarm(nodes, 1)),
  ...[10, 50, 100].map((nodes) => sizeOfSwarm(nodes, 10))
]

/** The part of a group that a short run plays, if any; the swarms of the main group bear those of `stress` too. */
export function shortened (group: Group): Group | undefined {
  const all = group === main ? [...main.scenarios, ...stress.scenarios] : group.scenarios

  return group.short == null
    ? undefined
    : {
        ...group,
        ...group.short,
        processes: Math.min(group.processes, 3),
        scenarios: all.flatMap((scenario) => scenario.short == null ? [] : [{ ...scenario, rounds: scenario.short.rounds, load: { ...scenario.load, messages: scenario.short.messages } }])
      }
}
