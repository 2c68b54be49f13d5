import { expect } from 'chai'
import { TestNode, bytes, hash, sent } from './support/test-node.ts'
import type { Message, PeerKey } from '../../src/proto/index.ts'

const MESSAGES = 400

/** A Gossip that comes in the fifth round. */
function message (text: string): Extract<Message, { type: 'gossip' }> {
  const content = bytes(text)

  return { type: 'gossip', id: hash(content), content, scope: { type: 'swarm', round: 5 } }
}

/** A node that gets messages first from one neighbor, then from another, and whom it answers with Prune. */
function pruned (intervalMs: number): PeerKey[][] {
  const pruned: PeerKey[][] = []

  for (let i = 0; i < MESSAGES; i++) {
    // each time as it was after as many messages at this rate, of which nothing came twice
    const node = busyNode(intervalMs)
    node.receive('a', message(`message ${i}`))
    pruned.push(sent(node.receive('b', message(`message ${i}`)), { type: 'prune' }).map(([, to]) => to as PeerKey))
  }

  return pruned
}

function busyNode (intervalMs: number): TestNode {
  const node = TestNode.with(['a', 'b', 'c'])

  for (let i = 0; i < 40; i++) {
    node.receive('a', message(`before ${i}`))
    node.advance(intervalMs)
  }

  return node
}

function share (lists: PeerKey[][]): number {
  return lists.filter((list) => list.length > 0).length / lists.length
}

describe('a second copy of a message', () => {
  it('cuts its link at up to five messages a second', () => {
    expect(share(pruned(200))).to.equal(1)
  })

  it('cuts its link for few of a hundred messages a second, and always for the same', () => {
    const first = pruned(10)

    // 500 ms are fifty messages, and the next power of two is 64
    expect(share(first)).to.be.within(1 / 256, 1 / 24)
    expect(pruned(10)).to.deep.equal(first)
  })

  it('cuts no link when the one that brought the message first has been cut meanwhile', () => {
    const node = TestNode.with(['a', 'b', 'c'])
    node.receive('a', message('x'))
    node.receive('a', { type: 'prune' })

    expect(node.receive('b', message('x'))).to.deep.equal([])
    expect(node.receive('b', message('y'))).to.not.deep.equal([])
    expect(node.receive('c', message('y'))).to.deep.equal([['send', 'c', { type: 'prune' }]])
  })

  it('takes back a Graft that was not needed', () => {
    for (const [first, second] of [['a', 'b'], ['b', 'a']]) {
      const node = busyNode(10)
      node.receive('b', { type: 'prune' })
      const late = message('late')
      node.receive('b', { type: 'iHave', messages: [{ id: late.id, round: 1 }] })
      expect(sent(node.advance(80), { type: 'graft' })).to.have.lengthOf(1)

      node.receive(first, late)
      expect(sent(node.receive(second, late), { type: 'prune' }), `${first} first`).to.deep.equal([['send', 'b', { type: 'prune' }]])
    }
  })
})
