import { expect } from 'chai'
import { TestNode, disconnectLeft } from './support/test-node.ts'
import type { Message } from '../../src/proto/index.ts'

/** The question of a peer whether we are in the topic. */
function question (from: string): Message {
  return { type: 'shuffle', origin: from, nodes: [], ttl: 0 }
}

describe('the question whether a peer is in the topic', () => {
  it('goes to those that are no neighbors, and lets go of them', () => {
    const node = TestNode.with(['a'])

    expect(node.command({ type: 'inquire', peers: ['a', 'b', 'me', 'c'] })).to.deep.equal([
      ['send', 'b', question('me')],
      ['send', 'c', question('me')],
      ['release', 'b'],
      ['release', 'c']
    ])
  })

  it('is answered by who is in it, and changes no view', () => {
    const node = TestNode.with(['a'])

    expect(node.receive('b', question('b'))).to.deep.equal([['send', 'b', { type: 'shuffleReply', nodes: [] }], ['release', 'b']])
    expect(node.state.neighbors('topic')).to.deep.equal(['a'])
    expect(node.state.passivePeers('topic')).to.deep.equal([])
  })

  it('is met with silence by who is not, whereas a walk is not', () => {
    const node = TestNode.with(['a'])

    expect(node.receive('b', question('b'), 'another')).to.deep.equal([])
    expect(node.receive('b', { type: 'shuffle', origin: 'b', nodes: [{ id: 'b' }], ttl: 0 }, 'another')).to.deep.include(['send', 'b', disconnectLeft])
  })

  it('does nothing in a topic that was not joined', () => {
    expect(new TestNode().command({ type: 'inquire', peers: ['a'] })).to.deep.equal([])
  })

  it('has its end when we leave: also those are told that are no neighbors, once', () => {
    const node = TestNode.with(['a'])
    const effects = node.command({ type: 'quit', tell: ['a', 'b', 'me'] })
    const told = effects.filter(([what, , message]) => what === 'send' && (message as Message).type === 'disconnect')

    expect(told).to.deep.equal([['send', 'a', disconnectLeft], ['send', 'b', disconnectLeft]])
  })
})
