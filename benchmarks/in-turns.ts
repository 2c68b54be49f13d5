/**
 * What a topic that is busy all the time costs: nodes publish in turns, in
 * virtual time, 10 to 50 ms from node to node. The first messages, which come
 * before the tree has formed, stand apart.
 *
 * Run: node benchmarks/in-turns.ts [nodes=100] [messages a second=100] [seeds=2]
 */
import { Simulation } from '../src/simulator/index.ts'
import type { Broadcast } from '../src/simulator/index.ts'

const [nodes = 100, rate = 100, seeds = 2] = process.argv.slice(2).map(Number)
const FIRST = 400
const MESSAGES = 1_200

function times (broadcasts: Broadcast[]): number[] {
  return broadcasts
    .flatMap(({ delivered, sender, sentAt }) => [...delivered].filter(([node]) => node !== sender).map(([, at]) => at - sentAt))
    .sort((a, b) => a - b)
}

function quantile (sorted: number[], share: number): number {
  return Math.round(sorted[Math.ceil(sorted.length * share) - 1] ?? NaN)
}

for (let seed = 0; seed < seeds; seed++) {
  const simulation = new Simulation({ nodes, seed, latency: { type: 'uniform', minMs: 10, maxMs: 50 } })
  simulation.bootstrap()
  const broadcasts: Broadcast[] = []
  /** Payloads received when each message was sent. */
  const payloads: number[] = []

  for (let i = 0; i <= MESSAGES; i++) {
    payloads.push(simulation.received.payloads)
    broadcasts.push(simulation.broadcast(i % nodes))
    simulation.pass(1_000 / rate)
  }

  simulation.pass(5_000)

  for (const [from, to] of [[0, FIRST], [FIRST, MESSAGES]]) {
    const sorted = times(broadcasts.slice(from, to))
    const each = (payloads[to] - payloads[from]) / (to - from) / (nodes - 1)
    console.log(`seed ${seed}, messages ${from} to ${to}: median ${quantile(sorted, 0.5)} ms, 99 % ${quantile(sorted, 0.99)} ms, ${each.toFixed(2)} payloads for each delivery, ${(to - from) * (nodes - 1) - sorted.length} missed`)
  }
}
