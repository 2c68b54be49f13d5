import { expect } from 'chai'
import { TestNode, bytes } from './support/test-node.ts'
import type { PeerInfo, ShuffleReply } from '../../src/proto/index.ts'

/** A node with the neighbor `a`, which has said how to reach it; nobody else can be dialed. */
function create (): TestNode {
  const node = new TestNode({ rules: { canDial: () => false } })
  node.join([])
  node.receive('a', { type: 'neighbor', priority: 'low', data: bytes('a!') })

  return node
}

function mention (node: TestNode, count: number): void {
  const nodes = Array.from({ length: count }, (_, i) => ({ id: `p${i}`, data: bytes(`${i}`) }))
  node.receive('a', { type: 'shuffle', origin: 'a', nodes, ttl: 0 })
}

/** What the node tells others of its neighbors. */
function told (node: TestNode): PeerInfo[] {
  const [, , reply] = node.receive('s', { type: 'shuffle', origin: 's', nodes: [{ id: 's' }], ttl: 0 })[0]

  return (reply as ShuffleReply).nodes
}

describe('peer data', () => {
  it('of peers in no view is forgotten after a minute', () => {
    const node = create()
    mention(node, 10)
    expect(node.size('peerData')).to.equal(11)
    node.advance(55_000)
    expect(node.size('peerData')).to.equal(11)
    node.receive('a', { type: 'iHave', messages: [] })
    node.advance(10_000)
    expect(node.size('peerData')).to.equal(1)
  })

  it('of neighbors is kept as long as they are', () => {
    const node = create()

    for (let i = 0; i < 10; i++) {
      node.advance(30_000)
      node.receive('a', { type: 'iHave', messages: [] })
    }

    expect(told(node)).to.deep.equal([{ id: 'a', data: bytes('a!') }])
    node.receive('a', { type: 'disconnect', alive: false, respond: false })
    expect(node.size('peerData')).to.equal(0)
  })

  it('of neighbors is not displaced by any number of others', () => {
    const node = create()
    mention(node, 1_000)

    expect(node.size('peerData')).to.equal(99)
    expect(told(node)).to.deep.equal([{ id: 'a', data: bytes('a!') }])
  })
})
