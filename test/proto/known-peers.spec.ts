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

describe('known peers', () => {
  it('in no view are forgotten after twenty minutes', () => {
    const node = create()
    mention(node, 10)
    expect(node.size('knownPeers')).to.equal(11)

    for (let minute = 0; minute < 19; minute++) {
      node.advance(60_000)
      node.receive('a', { type: 'iHave', messages: [] })
    }

    expect(node.size('knownPeers')).to.equal(11)
    node.advance(60_000)
    node.receive('a', { type: 'iHave', messages: [] })
    node.advance(10_000)
    expect(node.size('knownPeers')).to.equal(1)
  })

  it('are kept as long as they are neighbors', () => {
    const node = create()

    for (let i = 0; i < 50; i++) {
      node.advance(30_000)
      node.receive('a', { type: 'iHave', messages: [] })
    }

    expect(told(node)).to.deep.equal([{ id: 'a', data: bytes('a!') }])
    // the one that asked is known as well
    expect(node.size('knownPeers')).to.equal(2)
    node.receive('a', { type: 'disconnect', alive: false, respond: false })
    expect(node.size('knownPeers')).to.equal(1)
  })

  it('are not displaced by any number of others while they are neighbors', () => {
    const node = create()
    mention(node, 1_000)

    expect(node.size('knownPeers')).to.equal(256)
    expect(told(node)).to.deep.equal([{ id: 'a', data: bytes('a!') }])
  })
})
