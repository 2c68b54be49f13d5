import { expect } from 'chai'
import { TestNode, bytes, gossip, hash, neighborLow, sent } from './support/test-node.ts'
import type { IHave, Message } from '../../src/proto/index.ts'

const neighbor: Message = { type: 'neighbor', priority: 'low' }
const announcedAs = (...entries: Array<[text: string, round: number]>): Message => ({
  type: 'iHave',
  messages: entries.map(([text, round]) => ({ id: hash(bytes(text)), round }))
})
const announced = (texts: string[], round: number): Message => announcedAs(...texts.map((text): [string, number] => [text, round]))

function offered (node: TestNode, peer: string): unknown[] {
  return sent(node.receive(peer, neighbor), { type: 'iHave' }).map(([, , message]) => message)
}

describe('a new neighbor', () => {
  it('is offered the messages of the last ten seconds, after our Neighbor', () => {
    const node = TestNode.with(['a'])
    node.receive('a', gossip('old'))
    node.advance(10_000)
    node.receive('a', gossip('x', 2))
    node.publish('own')
    node.advance(3_000)

    expect(node.receive('b', neighbor)).to.deep.equal([
      ['up', 'b'],
      ['send', 'b', neighborLow],
      ['send', 'b', { type: 'iHave', messages: [{ id: hash(bytes('x')), round: 3 }, { id: hash(bytes('own')), round: 0 }] }]
    ])
  })

  it('is offered by a node that is young in the topic what that published, and what it got in the last three seconds', () => {
    const node = new TestNode()
    node.join([])
    node.receive('a', neighbor)
    node.receive('a', gossip('x'))
    node.publish('own')
    node.advance(2_999)
    expect(offered(node, 'b')).to.deep.equal([announcedAs(['x', 1], ['own', 0])])

    node.advance(6_001)
    expect(offered(node, 'c')).to.deep.equal([announced(['own'], 0)])
    node.receive('a', gossip('y'))
    node.advance(5_000)
    expect(offered(node, 'd')).to.deep.equal([announced(['y'], 1)])
  })

  it('is offered what was published when there was nobody, whatever its age, once', () => {
    const node = new TestNode()
    node.join([])
    expect(sent(node.publish('x'))).to.deep.equal([])
    node.advance(25_000)

    expect(offered(node, 'a')).to.deep.equal([announced(['x'], 0)])
    expect(offered(node, 'b')).to.deep.equal([])
    expect(node.receive('a', { type: 'graft', id: hash(bytes('x')), round: 0 })).to.deep.equal([['send', 'a', gossip('x', 0)]])
  })

  it('is offered what was published when nobody was left', () => {
    const node = TestNode.with(['a'])
    node.receive('a', { type: 'disconnect', alive: false, respond: false })
    node.publish('x')
    node.advance(25_000)

    expect(offered(node, 'b')).to.deep.equal([announced(['x'], 0)])
  })

  it('is not offered what has left the cache', () => {
    const node = new TestNode()
    node.join([])
    node.publish('x')
    node.advance(31_500)

    expect(offered(node, 'a')).to.deep.equal([])
    expect(node.size('recent')).to.equal(0)
  })

  it('is not offered what came by an offer: it would wander for ever', () => {
    const node = TestNode.with(['a'])
    node.receive('b', neighbor)
    node.receive('b', announced(['x'], 4))
    node.advance(80)
    node.receive('b', gossip('x', 4))
    node.receive('a', gossip('y', 4))

    expect(offered(node, 'c')).to.deep.equal([announced(['y'], 5)])
  })

  it('is offered what an old neighbor had to be asked for', () => {
    const node = TestNode.with(['a'])
    node.receive('a', announced(['x'], 4))
    node.advance(80)
    node.receive('a', gossip('x', 4))

    expect(offered(node, 'c')).to.deep.equal([announced(['x'], 5)])
  })

  it('is offered at most 256 messages, the newest', () => {
    const node = TestNode.with(['a'])

    for (let i = 0; i < 300; i++) {
      node.receive('a', gossip(`m${i}`))
    }

    const ids = (offered(node, 'b') as IHave[]).flatMap(({ messages }) => messages.map(({ id }) => id))
    expect(ids).to.deep.equal(Array.from({ length: 256 }, (_, i) => hash(bytes(`m${i + 44}`))))
  })
})
