import { expect } from 'chai'
import fc from 'fast-check'
import { FUZZ_RUNS, anyMessage } from './support/arbitraries.ts'
import { Network } from './support/network.ts'
import type { Message, PeerKey } from '../../src/proto/index.ts'

const PEERS = [...'abcdefghijkl']
const peer = fc.constantFrom(...PEERS)

type Step =
  | { type: 'publish', peer: PeerKey }
  | { type: 'start', peer: PeerKey }
  | { type: 'stop' | 'crash', peer: PeerKey }
  | { type: 'cut', peer: PeerKey, other: PeerKey }
  | { type: 'congest', peer: PeerKey, other: PeerKey, congested: boolean }
  | { type: 'inject', peer: PeerKey, other: PeerKey, message: Message }
  | { type: 'wait', ms: number }

/** What does not do harm for good: everybody stays, and nobody lies. */
const harmless: Array<fc.WeightedArbitrary<Step>> = [
  { weight: 6, arbitrary: fc.record({ type: fc.constant('publish' as const), peer }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('start' as const), peer }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('cut' as const), peer, other: peer }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('congest' as const), peer, other: peer, congested: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('wait' as const), ms: fc.constantFrom(1, 20, 100, 700, 5_000) }) }
]
const harmful: Array<fc.WeightedArbitrary<Step>> = [
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('stop' as const, 'crash' as const), peer }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('inject' as const), peer, other: peer, message: anyMessage(peer) }) }
]

function perform (network: Network, steps: Step[]): void {
  let published = 0

  for (const step of steps) {
    switch (step.type) {
      case 'publish': network.publish(step.peer, `step ${published++}`); break
      // everybody joins through the same one, as in practice
      case 'start': network.start(step.peer, step.peer === 'a' ? [] : ['a']); break
      case 'stop': network.stop(step.peer); break
      case 'crash': network.crash(step.peer); break
      case 'wait': network.run(step.ms); break
      default:
        if (step.peer !== step.other && network.members.has(step.peer)) {
          if (step.type === 'cut') {
            network.cut(step.peer, step.other)
          } else if (step.type === 'inject') {
            network.inject(step.peer, step.other, step.message)
          } else {
            network.congest(step.peer, step.other, step.congested)
          }
        }
    }
  }
}

/** Nobody is congested any more, and time passes. */
function calm (network: Network, ms: number): void {
  for (const me of network.members.keys()) {
    PEERS.filter((other) => other !== me).forEach((other) => { network.congest(me, other, false) })
  }

  network.run(ms)
}

describe('a swarm of state machines', () => {
  const runs = Math.ceil(FUZZ_RUNS / 20)

  it('delivers every broadcast to everybody, once, after any connection losses', function () {
    this.timeout(20_000 + runs * 1_000)

    fc.assert(fc.property(fc.nat(), fc.array(fc.oneof(...harmless), { maxLength: 50, size: 'max' }), (seed, steps) => {
      const network = new Network(seed)
      network.start('a', [])
      perform(network, steps)
      calm(network, 120_000)
      const everybody = [...network.members.keys()]

      expect([...network.component('a')].sort(), 'one overlay').to.deep.equal(everybody.sort())
      expect(network.asymmetric(), 'links that only one end knows').to.deep.equal([])

      for (const me of everybody) {
        network.publish(me, `after ${me}`)
        network.run(2_000)
      }

      for (const [me, { known }] of network.members) {
        for (const sender of everybody) {
          expect(known.has(`after ${sender}`), `${me} heard ${sender}`).to.equal(true)
        }
      }
    }), { numRuns: runs })
  })

  it('delivers within each overlay whatever peers do, and agrees on its links', function () {
    this.timeout(20_000 + runs * 1_000)

    fc.assert(fc.property(fc.nat(), fc.array(fc.oneof(...harmless, ...harmful), { maxLength: 60, size: 'max' }), (seed, steps) => {
      const network = new Network(seed)
      network.start('a', [])
      network.start('b', ['a'])
      perform(network, steps)
      calm(network, 180_000)

      expect(network.asymmetric(), 'links that only one end knows').to.deep.equal([])

      for (const me of network.members.keys()) {
        network.publish(me, `after ${me}`)
        network.run(2_000)

        for (const other of network.component(me)) {
          expect(network.members.get(other)?.known.has(`after ${me}`), `${other} heard ${me}`).to.equal(true)
        }
      }
    }), { numRuns: runs })
  })

  it('does the same for the same seed', () => {
    fc.assert(fc.property(fc.nat(), fc.array(fc.oneof(...harmless, ...harmful), { maxLength: 30, size: 'max' }), (seed, steps) => {
      const [first, second] = [1, 2].map(() => {
        const network = new Network(seed, true)
        network.start('a', [])
        network.start('b', ['a'])
        perform(network, steps)
        network.run(20_000)

        return network.trace
      })

      expect(first).to.equal(second)
    }), { numRuns: Math.ceil(runs / 5) })
  })

  it('rests: in a quiet swarm nothing grows', () => {
    const network = new Network(1)
    network.start('a', [])
    PEERS.slice(1).forEach((me) => { network.start(me, ['a']) })
    network.run(10_000)
    PEERS.forEach((me) => { network.publish(me, `by ${me}`) })
    network.run(200_000)
    const sizes = (): unknown => [...network.members.values()].map(({ state }) => {
      const { received, cache, missing, debts, recent, lazyPushQueue, neighborRequests, refusals, strangers } = state.stats('topic')?.sizes ?? {}

      return { received, cache, missing, debts, recent, lazyPushQueue, neighborRequests, refusals, strangers }
    })
    const empty = { received: 0, cache: 0, missing: 0, debts: 0, recent: 0, lazyPushQueue: 0, neighborRequests: 0, refusals: 0, strangers: 0 }

    expect(sizes()).to.deep.equal(PEERS.map(() => empty))
  })
})
