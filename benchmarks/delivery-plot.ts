/**
 * How many of 1,000 nodes have a broadcast after so many milliseconds, with
 * both rule sets: writes `docs/simulation-delivery.svg`. Run: node benchmarks/delivery-plot.ts
 */
import { writeFileSync } from 'node:fs'
import { Simulation, plotSvg } from '../src/simulator/index.ts'
import type { RuleSet } from '../src/simulator/index.ts'

function curve (rules: RuleSet): Array<readonly [number, number]> {
  const simulation = new Simulation({ nodes: 1_000, seed: 0, rules, latency: { type: 'uniform', minMs: 10, maxMs: 50 } })
  const { network } = simulation
  simulation.bootstrap()
  simulation.rounds(5, 'one')
  const start = network.now
  const broadcast = simulation.broadcast(1)
  const points: Array<readonly [number, number]> = []

  for (let ms = 0; ms <= 700; ms += 10) {
    network.run(start + ms)
    points.push([ms, broadcast.delivered.size / 10])
  }

  return points
}

writeFileSync(new URL('../docs/simulation-delivery.svg', import.meta.url), plotSvg({
  title: 'A new sender in a swarm of 1,000: nodes that have the message',
  xLabel: 'virtual milliseconds since the broadcast',
  yLabel: '%',
  series: [{ name: 'this package', points: curve('ours') }, { name: 'iroh-gossip 0.101', points: curve('upstream') }]
}))
