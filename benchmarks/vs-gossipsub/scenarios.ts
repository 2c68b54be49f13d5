import type { ContestantName } from '../support/contestants.ts'
import type { Load } from '../support/swarm.ts'

/** One load, who bears it, and what this package must not exceed, as shares of the opponent's figures. */
export interface Scenario {
  name: string
  load: Load
  opponents: ContestantName[]
  ours: ContestantName
  /** Largest wanted ratio ours / theirs, by opponent. */
  wanted: Partial<Record<ContestantName, Partial<Record<Quantity, number>>>>
}

/** What is compared. */
export type Quantity = 'cpuMicros' | 'bytes' | 'p99'

const tuned = { cpuMicros: 1 / 4, bytes: 1 / 5, p99: 1 / 3 }

/** The first rate is one that gossipsub as it comes can bear in one process. */
export const scenarios: Scenario[] = [
  {
    name: 'one publisher, 256 B, 20/s',
    load: { messages: 100, bytes: 256, intervalMs: 50, publishers: 1 },
    ours: 'iroh-gossip',
    opponents: ['gossipsub', 'gossipsub-tuned', 'floodsub'],
    wanted: { gossipsub: { cpuMicros: 1 / 15, bytes: 1 / 7, p99: 1 / 10 }, 'gossipsub-tuned': tuned }
  },
  {
    name: 'one publisher, 256 B, 100/s',
    load: { messages: 400, bytes: 256, intervalMs: 10, publishers: 1 },
    ours: 'iroh-gossip',
    opponents: ['gossipsub-tuned', 'floodsub'],
    wanted: { 'gossipsub-tuned': tuned }
  },
  {
    name: 'one publisher, 4000 B, 50/s',
    load: { messages: 200, bytes: 4_000, intervalMs: 20, publishers: 1 },
    ours: 'iroh-gossip',
    opponents: ['gossipsub-tuned', 'floodsub'],
    wanted: { 'gossipsub-tuned': { cpuMicros: 1 / 5, bytes: 1 / 5 } }
  },
  {
    name: 'all publish in turns, 256 B, 100/s',
    load: { messages: 400, bytes: 256, intervalMs: 10, publishers: 20 },
    ours: 'iroh-gossip',
    opponents: ['gossipsub-tuned', 'floodsub'],
    wanted: { 'gossipsub-tuned': { cpuMicros: 1 / 3, bytes: 1 / 3 } }
  }
]
