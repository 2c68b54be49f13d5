import { expect } from 'chai'
import { TestNode, disconnectAlive, neighborLow, sent } from './support/test-node.ts'
import type { Short } from './support/test-node.ts'
import type { Message, PeerKey } from '../../src/proto/index.ts'

describe('peers that were found', () => {
  const found = (node: TestNode, ...peers: PeerKey[]): Short[] => sent(node.command({ type: 'found', peers }))

  it('are contacts of a node without neighbors', () => {
    const node = new TestNode()
    node.join([])

    expect(found(node, 'a', 'b')).to.deep.equal([['send', 'a', { type: 'join', data: undefined }]])
  })

  it('are asked with low priority, as many as slots are free', () => {
    const node = TestNode.with(['a', 'b', 'c'])

    expect(found(node, 'd', 'a', 'e', 'f')).to.deep.equal([['send', 'd', neighborLow], ['send', 'e', neighborLow]])
    // those that were not asked are for the next free slot
    expect(sent(node.receive('d', disconnectAlive as Message))).to.deep.equal([['send', 'f', neighborLow]])
  })

  it('drive no neighbor out, however many there are', () => {
    const node = TestNode.with(['a', 'b', 'c', 'd'])
    found(node, 'e')

    expect(found(node, 'f', 'g')).to.deep.equal([])
    node.receive('e', { type: 'neighbor', priority: 'low' })
    expect(found(node, 'h')).to.deep.equal([])
    expect(node.neighbors).to.have.members(['a', 'b', 'c', 'd', 'e'])
  })

  it('are not asked again at once after they refused', () => {
    const node = TestNode.with(['a', 'b', 'c'])
    found(node, 'd')
    node.receive('d', disconnectAlive as Message)

    expect(found(node, 'd')).to.deep.equal([])
    expect(found(node, 'e')).to.deep.equal([['send', 'e', neighborLow]])
  })
})
