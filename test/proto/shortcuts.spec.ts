import { expect } from 'chai'
import { Simulation } from '../../src/simulator/index.ts'
import { TestNode, bytes, gossip, hash, sent } from './support/test-node.ts'
import type { Message, PeerKey } from '../../src/proto/index.ts'

const ROUND = 5

/** A node in a stream of a hundred messages a second, which come from `a`; `b` and `c` are spare. */
function busyNode (roundOf: (message: number) => number = () => ROUND, me = 'me'): TestNode {
  const node = TestNode.with(['a', 'b', 'c'], { me })
  node.receive('b', { type: 'prune' })
  node.receive('c', { type: 'prune' })

  for (let i = 0; i < 60; i++) {
    node.receive('a', gossip(`earlier ${i}`, roundOf(i)))
    node.advance(10)
  }

  return node
}

function announced (node: TestNode, text: string): PeerKey[] {
  return sent(node.receive('a', gossip(text, ROUND)), { type: 'iHave' }).map(([, to]) => to as PeerKey)
}

/** Messages out of 2,000 that a busy node announces at once. */
function scouts (me?: string): string[] {
  return Array.from({ length: 2_000 }, (_, i) => `message ${i}`).filter((text) => announced(busyNode(undefined, me), text).length > 0)
}

const [scout, another, ...others] = scouts()

function iHave (text: string, round: number): Message {
  return { type: 'iHave', messages: [{ id: hash(bytes(text)), round }] }
}

/** A node that was told of a path over `b` as much shorter, and what it said. */
function told (node: TestNode, hops: number, text = scout, by = 'b'): unknown[] {
  node.receive(by, iHave(text, ROUND - hops))

  return sent(node.receive('a', gossip(text, ROUND))).filter(([, , message]) => ['graft', 'prune'].includes((message as Message).type))
}

const graft = (hops: number): unknown[] => [['send', 'b', { type: 'graft', round: ROUND - hops }]]
const pruned = (...peers: PeerKey[]): unknown[] => peers.map((peer) => ['send', peer, { type: 'prune' }])

describe('shorter paths in a stream of messages', () => {
  it('show by messages that are announced at once: one in 256 at most, the same ones at all nodes', () => {
    const texts = scouts()

    expect(texts).to.have.lengthOf.within(2, 2_000 / 100)
    expect(scouts('another')).to.deep.equal(texts)
    expect(announced(busyNode(), texts[0])).to.have.members(['b', 'c'])
  })

  it('show four times a second at most: whoever makes messages may choose their ids', () => {
    const node = busyNode()
    const times = [scout, another, others[0]].map((text) => announced(node, text).length)

    expect(times).to.deep.equal([2, 0, 0])
    node.advance(250)
    expect(announced(node, others[1])).to.have.lengthOf(2)
  })

  it('are asked for when one hop shorter, and replace the old link once that comes second', () => {
    const node = busyNode()

    expect(told(node, 1)).to.deep.equal(graft(1))
    expect(node.eager).to.deep.equal(['a'])

    node.receive('b', gossip('x', ROUND - 1))
    expect(sent(node.receive('a', gossip('x', ROUND)))).to.deep.equal(pruned('a'))
    expect([node.eager, node.lazy]).to.deep.equal([['b'], ['a', 'c']])
  })

  it('are given up when what comes over them comes second', () => {
    const node = busyNode()
    told(node, 1)
    node.receive('a', gossip('x', ROUND))

    expect(sent(node.receive('b', gossip('x', ROUND - 1)))).to.deep.equal(pruned('b'))
    expect([node.eager, node.lazy]).to.deep.equal([['a'], ['b', 'c']])
  })

  it('leave no gap and make no cycle: what still comes over the old link is delivered, and does not go back over the new one', () => {
    const node = busyNode()
    told(node, 1)
    node.receive('b', gossip('x', ROUND - 1))
    const effects = node.receive('a', gossip('was under way', ROUND))

    expect(effects.map(([what]) => what)).to.include('received')
    expect(sent(effects, { type: 'gossip' })).to.deep.equal([])
  })

  it('take the place of the old link at once if that ends', () => {
    for (const end of [(node: TestNode) => node.disconnected('a'), (node: TestNode) => node.receive('a', { type: 'prune' })]) {
      const node = busyNode()
      told(node, 1)
      end(node)

      expect(node.eager).to.deep.equal(['b'])
    }
  })

  it('take its place too if nothing comes over it any more', () => {
    const node = busyNode()
    told(node, 1)

    for (let i = 0; i < 40; i++) {
      node.receive('b', gossip(`${i}`, ROUND - 1))
    }

    expect(node.eager).to.include('b')
  })

  it('are tried one at a time: the one before is given up', () => {
    const node = busyNode()
    told(node, 1)
    node.advance(250)

    expect(told(node, 2, another, 'c')).to.deep.equal([...pruned('b'), ['send', 'c', { type: 'graft', round: ROUND - 2 }]])
    node.receive('c', gossip('x', ROUND - 2))
    expect(sent(node.receive('a', gossip('x', ROUND)))).to.deep.equal(pruned('a'))
    expect(node.eager).to.deep.equal(['c'])
  })

  it('are forgotten if they end first', () => {
    const node = busyNode()
    told(node, 1)
    node.disconnected('b')
    node.receive('b', { type: 'neighbor', priority: 'low' })
    node.receive('b', gossip('x', ROUND))

    expect(sent(node.receive('a', gossip('x', ROUND)), { type: 'prune' })).to.deep.equal([])
  })

  it('are not asked for when as long, nor where messages come from several senders', () => {
    expect(told(busyNode(), 0)).to.deep.equal([])
    expect(told(busyNode((i) => ROUND + i % 2), 3)).to.deep.equal([])
  })

  it('make the tree of one sender as flat as the overlay allows, after many have sent, without anything late, lost or twice', () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const nodes = 20
      const simulation = new Simulation({ nodes, seed, latency: { type: 'uniform', minMs: 1, maxMs: 5 } })
      simulation.bootstrap()
      simulation.pass(10_000)
      let turn = 0
      simulation.roundsOf(400, () => turn++ % nodes)
      const [before] = simulation.roundsOf(1, () => 0)
      const rounds = simulation.roundsOf(2_000, () => 0)
      const [after] = simulation.roundsOf(1, () => 0)

      expect(after.hops, `seed ${seed}`).to.be.at.most(shortest(simulation) + 0.4)
      expect(after.hops, `seed ${seed}`).to.be.at.most(before.hops)
      // a message that had to be asked for takes 80 ms and more
      expect(Math.max(...rounds.map(({ lastDeliveryMs }) => lastDeliveryMs)), `seed ${seed}`).to.be.below(80)
      expect(rounds.reduce((sum, { missed }) => sum + missed, 0)).to.equal(0)
      expect(rounds.reduce((sum, { rmr }) => sum + rmr, 0) / rounds.length).to.be.below(0.05)
      expect(simulation.duplicates).to.equal(0)
    }
  })
})

/** Mean peers between the first node and the others, over the shortest paths that there are. */
function shortest ({ network }: Simulation): number {
  const distances = new Map([[0, 0]])

  for (const [node, distance] of distances) {
    network.neighbors(node).filter((neighbor) => !distances.has(neighbor)).forEach((neighbor) => distances.set(neighbor, distance + 1))
  }

  return [...distances.values()].reduce((sum, distance) => sum + distance, 0) / (distances.size - 1) - 1
}
