import { expect } from 'chai'
import { TestNode, disconnectAlive, sent } from './support/test-node.ts'
import type { Message, PeerKey } from '../../src/proto/index.ts'

const REMEMBERED = ['f', 'g', 'h', 'i', 'j', 'k']

/** Who is asked in turn, after a neighbor was lost, while everybody refuses; these are connected. */
function asked (connected: PeerKey[], seed: number): unknown[] {
  const node = TestNode.with(['a', 'b', 'c', 'd', 'e'], { seed, rules: { isConnected: (peer) => connected.includes(peer) } })
  node.receive('a', { type: 'shuffle', origin: 'z', nodes: REMEMBERED.map((id) => ({ id })), ttl: 0 })
  const order: unknown[] = []

  for (let effects = node.disconnected('e'), i = 0; i < 3; i++) {
    const [[, to]] = sent(effects, { type: 'neighbor' })
    order.push(to)
    effects = node.receive(to as PeerKey, disconnectAlive as Message)
  }

  return order
}

describe('a node with a free slot', () => {
  it('asks first two that it is connected to, then anybody', () => {
    const thirds = new Set<unknown>()

    for (let seed = 0; seed < 40; seed++) {
      const [first, second, third] = asked(['f', 'g', 'h'], seed)
      expect(['f', 'g', 'h']).to.include.members([first, second])
      thirds.add(third)
    }

    expect([...thirds]).to.include.members(['i', 'j', 'k'])
  })

  it('asks anybody where none of those that it remembers is connected', () => {
    const firsts = new Set<unknown>()

    for (let seed = 0; seed < 60; seed++) {
      firsts.add(asked([], seed)[0])
    }

    expect([...firsts].sort()).to.deep.equal(REMEMBERED)
  })
})
