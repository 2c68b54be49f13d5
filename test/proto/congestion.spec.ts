import { expect } from 'chai'
import { TestNode, bytes, gossip, hash, sent } from './support/test-node.ts'
import type { Short } from './support/test-node.ts'
import type { Message, OutEvent, PeerKey } from '../../src/proto/index.ts'

function congested (node: TestNode, peer: PeerKey, on: boolean): Short[] {
  return node.handle({ type: 'congestion', peer, congested: on }).flatMap((effect: OutEvent): Short[] =>
    effect.type === 'sendMessage' ? [['send', effect.to, effect.message]] : [['unexpected', effect]])
}

const announced = (texts: string[], round: number): Message => ({
  type: 'iHave',
  messages: texts.map((text) => ({ id: hash(bytes(text)), round }))
})
const graft = (text: string): Message => ({ type: 'graft', id: hash(bytes(text)), round: 1 })

describe('a congested peer', () => {
  it('gets announcements of what it was not sent when its queue has drained', () => {
    const node = TestNode.with(['a', 'b', 'c'])
    expect(congested(node, 'b', true)).to.deep.equal([])

    expect(sent(node.receive('a', gossip('x')))).to.deep.equal([['send', 'c', gossip('x', 1)]])
    expect(sent(node.receive('a', gossip('y')), { to: 'b' })).to.deep.equal([])
    expect(sent(node.advance(100), { to: 'b', type: 'gossip' })).to.deep.equal([])

    expect(congested(node, 'b', false)).to.deep.equal([['send', 'b', announced(['x', 'y'], 1)]])
    expect(congested(node, 'b', false)).to.deep.equal([])
    expect(sent(node.receive('a', gossip('z')), { to: 'b' })).to.deep.equal([['send', 'b', gossip('z', 1)]])
  })

  it('that is lazy gets its announcements then too', () => {
    const node = TestNode.with(['a', 'b'])
    node.receive('b', { type: 'prune' })
    congested(node, 'b', true)
    node.receive('a', gossip('x'))

    expect(sent(node.advance(100), { to: 'b', type: 'iHave' })).to.deep.equal([])
    expect(congested(node, 'b', false)).to.deep.equal([['send', 'b', announced(['x'], 1)]])
  })

  it('does not hear of what can no longer be asked for', () => {
    const node = TestNode.with(['a', 'b'])
    congested(node, 'b', true)
    node.receive('a', gossip('x'))
    node.advance(20_000)
    node.receive('a', gossip('y'))
    node.advance(15_000)

    expect(congested(node, 'b', false)).to.deep.equal([['send', 'b', announced(['y'], 1)]])
  })

  it('gets what it asked for when its queue has drained, even if the cache has forgotten it: it asks only once', () => {
    const node = TestNode.with(['a', 'b'])
    node.receive('a', gossip('x'))
    congested(node, 'b', true)

    expect(node.receive('b', graft('x'))).to.deep.equal([])
    node.advance(40_000)
    expect(congested(node, 'b', false)).to.deep.equal([['send', 'b', gossip('x', 1)]])
  })

  it('gets neighbors messages late, but whole', () => {
    const node = TestNode.with(['a', 'b'])
    congested(node, 'b', true)
    const message = { ...gossip('x'), scope: { type: 'neighbors' } }

    expect(node.command({ type: 'broadcast', content: bytes('x'), scope: 'neighbors' })).to.deep.equal([['send', 'a', message]])
    expect(congested(node, 'b', false)).to.deep.equal([['send', 'b', message]])
  })

  it('is owed a bounded number of announcements and payloads, the newest', () => {
    const node = TestNode.with(['a', 'b'])
    congested(node, 'b', true)

    for (let i = 0; i < 5_000; i++) {
      node.receive('a', gossip(`m${i}`))

      if (i < 600) {
        node.receive('b', graft(`m${i}`))
      }
    }

    expect(node.size('debts')).to.equal(4_096 + 512)
    const effects = congested(node, 'b', false)
    const payloads = sent(effects, { type: 'gossip' })
    const announcements = sent(effects, { type: 'iHave' }).flatMap(([, , message]) => (message as Extract<Message, { type: 'iHave' }>).messages)

    expect(payloads[0]).to.deep.equal(['send', 'b', gossip('m88', 1)])
    expect(payloads).to.have.lengthOf(512)
    expect(announcements).to.have.lengthOf(4_096)
    expect(announcements[4_095]).to.deep.equal({ id: hash(bytes('m4999')), round: 1 })
    expect(node.size('debts')).to.equal(0)
  })

  it('is owed at most a megabyte of payloads', () => {
    const node = TestNode.with(['a', 'b'], { config: { maxMessageSize: 300_000 } })
    congested(node, 'b', true)

    for (let i = 0; i < 5; i++) {
      const content = new Uint8Array(250_000).fill(i)
      node.receive('a', { type: 'gossip', id: hash(content), content, scope: { type: 'swarm', round: 0 } })
      node.receive('b', { type: 'graft', id: hash(content), round: 0 })
    }

    expect(sent(congested(node, 'b', false), { type: 'gossip' })).to.have.lengthOf(4)
  })

  it('is owed nothing any more when it is no neighbor', () => {
    const node = TestNode.with(['a', 'b'])
    congested(node, 'b', true)
    node.receive('a', gossip('x'))
    node.disconnected('b', 'sendStalled')
    expect(node.size('debts')).to.equal(0)

    node.receive('b', { type: 'neighbor', priority: 'low' })
    expect(sent(node.receive('a', gossip('y')), { to: 'b' })).to.deep.equal([['send', 'b', gossip('y', 1)]])
  })

  it('that is a stranger is not served', () => {
    const node = TestNode.with(['a'])
    node.receive('a', gossip('x'))
    congested(node, 's', true)

    expect(node.receive('s', graft('x'))).to.deep.equal([])
    expect(congested(node, 's', false)).to.deep.equal([])
  })
})
