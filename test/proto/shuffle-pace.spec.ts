import { expect } from 'chai'
import { TestNode, sent } from './support/test-node.ts'
import type { PeerInfo, Rules, Shuffle } from '../../src/proto/index.ts'

const NEIGHBORS = ['a', 'b', 'c', 'd', 'e']

/** How often a young node shuffles in 50 s, while strangers answer each time. */
function shufflesOf (reply: (nth: number) => PeerInfo[], rules: Partial<Rules> = {}): number {
  const node = new TestNode({ rules })
  node.join([])
  NEIGHBORS.forEach((peer) => node.receive(peer, { type: 'neighbor', priority: 'low' }))
  let count = 0

  for (let i = 0; i < 500; i++) {
    for (const [,, message] of sent(node.advance(100), { type: 'shuffle' })) {
      if ((message as Shuffle).ttl > 0) {
        node.receive('stranger', { type: 'shuffleReply', nodes: reply(count++) })
      }
    }
  }

  return count
}

describe('a young node', () => {
  it('shuffles often while that brings somebody new', () => {
    const count = shufflesOf((nth) => [...NEIGHBORS.slice(0, 3).map((id) => ({ id })), { id: `new${nth}` }])

    // after 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s, a tenth more or less
    expect(count).to.equal(6)
  })

  it('shuffles as rarely as others once two replies in a row brought nobody new', () => {
    const count = shufflesOf(() => [{ id: 'me' }, ...NEIGHBORS.slice(0, 3).map((id) => ({ id }))])

    // the third was due before the second was answered
    expect(count).to.equal(3)
  })

  it('shuffles as rarely as others after a single reply if nobody is known but neighbors', () => {
    const count = shufflesOf(() => NEIGHBORS.slice(0, 4).map((id) => ({ id })), { understandsRefusal: () => true })

    // the second was due before the first was answered
    expect(count).to.equal(2)
  })

  it('shuffles often while only some replies bring nobody new', () => {
    const count = shufflesOf((nth) => [...NEIGHBORS.slice(0, 3), nth % 2 === 0 ? 'd' : `new${nth}`].map((id) => ({ id })))

    expect(count).to.equal(6)
  })
})
