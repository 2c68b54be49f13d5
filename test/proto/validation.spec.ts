import { expect } from 'chai'
import { TestNode, TOPIC, bytes, gossip, hash, sent, short } from './support/test-node.ts'
import type { Short } from './support/test-node.ts'

/** The tickets of the messages that are to be judged. */
function tickets (effects: Short[]): number[] {
  return effects.flatMap(([what, ticket]) => what === 'validate' ? [ticket as number] : [])
}

describe('a held message', () => {
  let node: TestNode

  beforeEach(() => {
    node = TestNode.with(['a', 'b'])
    node.command({ type: 'holdMessages', hold: true })
  })

  it('is neither delivered nor forwarded before it was accepted', () => {
    const held = node.receive('a', gossip('apple', 3))
    expect(held).to.deep.equal([['validate', 1, 'a', bytes('apple')]])

    expect(node.command({ type: 'validated', ticket: 1, result: 'accept' })).to.deep.equal([
      ['send', 'b', gossip('apple', 4)],
      ['received', { type: 'received', content: bytes('apple'), deliveredFrom: 'a', scope: { type: 'swarm', round: 3 } }]
    ])
    expect(node.size('held')).to.equal(0)
  })

  for (const result of ['ignore', 'reject'] as const) {
    it(`is gone after ${result}, and its copies are not judged again`, () => {
      const [ticket] = tickets(node.receive('a', gossip('apple')))
      expect(node.command({ type: 'validated', ticket, result })).to.deep.equal([])
      expect(node.receive('b', gossip('apple'))).to.deep.equal([['send', 'b', { type: 'prune' }]])
    })
  }

  it('is judged once though copies come meanwhile, and judged once only', () => {
    const [ticket] = tickets(node.receive('a', gossip('apple')))
    expect(node.receive('b', gossip('apple'))).to.deep.equal([['send', 'b', { type: 'prune' }]])
    node.command({ type: 'validated', ticket, result: 'accept' })
    expect(node.command({ type: 'validated', ticket, result: 'accept' })).to.deep.equal([])
  })

  it('leaves timers alone: messages that are announced meanwhile are asked for', () => {
    node.receive('a', gossip('apple'))
    node.receive('b', { type: 'iHave', messages: [{ id: hash(bytes('later')), round: 1 }] })
    expect(sent(node.advance(100), { type: 'graft' })).to.have.length(1)
  })

  it('is given up when nobody judges it', () => {
    const [ticket] = tickets(node.receive('a', gossip('apple')))
    node.advance(32_000)
    expect(node.size('held')).to.equal(0)
    expect(node.command({ type: 'validated', ticket, result: 'accept' })).to.deep.equal([])
    expect(node.state.stats(TOPIC)).to.include({ unjudged: 1, delivered: 0 })
  })

  it('finds no room among too many, and can then be had from somebody else', () => {
    for (let i = 0; i < 1_024; i++) {
      expect(tickets(node.receive('a', gossip(`message ${i}`)))).to.have.length(1)
    }

    expect(node.receive('a', gossip('one too many'))).to.deep.equal([])
    expect(node.state.stats(TOPIC)).to.include({ unjudged: 1 })
    node.command({ type: 'validated', ticket: 1, result: 'accept' })
    expect(tickets(node.receive('b', gossip('one too many')))).to.deep.equal([1_025])
  })

  it('of the neighbors scope is held too', () => {
    const message = { ...gossip('near'), scope: { type: 'neighbors' as const } }
    const [ticket] = tickets(node.receive('a', message))
    expect(node.command({ type: 'validated', ticket, result: 'accept' })).to.deep.equal([
      ['received', { type: 'received', content: bytes('near'), deliveredFrom: 'a', scope: { type: 'neighbors' } }]
    ])
  })

  it('does not exist once nothing is held any more', () => {
    node.command({ type: 'holdMessages', hold: false })
    expect(node.receive('a', gossip('apple')).map(([what]) => what)).to.deep.equal(['send', 'received'])
  })
})

describe('a message of a peer that is not admitted', () => {
  it('is answered as one for a topic that we are not in', () => {
    const node = TestNode.with(['a'], { rules: { understandsRefusal: (data) => data != null } })
    const effects = short(node.handle({ type: 'receiveUnadmitted', from: 'c', topic: TOPIC, message: { type: 'join', data: bytes('ours') } }))

    expect(effects).to.deep.equal([['send', 'c', { type: 'disconnect', alive: false, respond: false }], ['release', 'c']])
    expect(short(node.handle({ type: 'receiveUnadmitted', from: 'd', topic: TOPIC, message: { type: 'join' } }))).to.deep.equal([])
    expect(node.neighbors).to.deep.equal(['a'])
  })
})
