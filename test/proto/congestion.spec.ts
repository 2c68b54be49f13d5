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

function payloads (effects: Short[]): Uint8Array[] {
  return sent(effects, { type: 'gossip' }).map(([, , message]) => (message as Extract<Message, { type: 'gossip' }>).content)
}

describe('a congested peer', () => {
  it('gets what it was not sent when its queue has drained', () => {
    const node = TestNode.with(['a', 'b', 'c'])
    expect(congested(node, 'b', true)).to.deep.equal([])

    expect(sent(node.receive('a', gossip('x')))).to.deep.equal([['send', 'c', gossip('x', 1)]])
    expect(sent(node.receive('a', gossip('y')), { to: 'b' })).to.deep.equal([])
    expect(sent(node.advance(100), { to: 'b', type: 'gossip' })).to.deep.equal([])

    expect(congested(node, 'b', false)).to.deep.equal([['send', 'b', gossip('x', 1)], ['send', 'b', gossip('y', 1)]])
    expect(congested(node, 'b', false)).to.deep.equal([])
    expect(sent(node.receive('a', gossip('z')), { to: 'b' })).to.deep.equal([['send', 'b', gossip('z', 1)]])
  })

  it('that is lazy gets announcements then', () => {
    const node = TestNode.with(['a', 'b'])
    node.receive('b', { type: 'prune' })
    congested(node, 'b', true)
    node.receive('a', gossip('x'))

    expect(sent(node.advance(100), { to: 'b', type: 'iHave' })).to.deep.equal([])
    expect(congested(node, 'b', false)).to.deep.equal([['send', 'b', announced(['x'], 1)]])
  })

  it('that became lazy meanwhile gets announcements, also of what was about to be announced', () => {
    const node = TestNode.with(['a', 'b', 'c'])
    node.receive('b', { type: 'prune' })
    node.receive('a', gossip('x'))
    congested(node, 'b', true)
    congested(node, 'c', true)
    node.receive('a', gossip('y'))
    node.receive('c', { type: 'prune' })

    expect(sent(node.advance(100), { type: 'iHave' })).to.deep.equal([])
    expect(congested(node, 'b', false)).to.deep.equal([['send', 'b', announced(['y', 'x'], 1)]])
    expect(congested(node, 'c', false)).to.deep.equal([['send', 'c', announced(['y'], 1)]])
  })

  it('does not get what it has shown to know', () => {
    const node = TestNode.with(['a', 'b', 'c'])
    congested(node, 'b', true)
    congested(node, 'c', true)
    node.receive('a', gossip('x'))
    node.receive('a', gossip('y'))
    node.receive('b', announced(['x'], 1))
    node.receive('c', gossip('y', 1))

    expect(congested(node, 'b', false)).to.deep.equal([['send', 'b', gossip('y', 1)]])
    // the duplicate made it lazy
    expect(congested(node, 'c', false)).to.deep.equal([['send', 'c', announced(['x'], 1)]])
  })

  it('does not get what the cache has forgotten', () => {
    const node = TestNode.with(['a', 'b'])
    congested(node, 'b', true)
    node.receive('a', gossip('x'))
    node.advance(20_000)
    node.receive('a', gossip('y'))
    node.advance(15_000)

    expect(congested(node, 'b', false)).to.deep.equal([['send', 'b', gossip('y', 1)]])
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

  it('is paid all that it is owed, in order, a little each time, and what is new comes last', () => {
    const node = TestNode.with(['a', 'b'])
    const contents = Array.from({ length: 500 }, (_, i) => {
      const content = new Uint8Array(4_000)
      new DataView(content.buffer).setUint32(0, i)

      return content
    })
    congested(node, 'b', true)
    const receive = (content: Uint8Array): void => {
      node.receive('a', { type: 'gossip', id: hash(content), content, scope: { type: 'swarm', round: 0 } })
    }
    contents.slice(0, -1).forEach(receive)
    const got: Uint8Array[] = []

    for (let drains = 0; node.state.isCongested('b'); drains++) {
      const payment = payloads(congested(node, 'b', false))
      expect(payment).to.have.lengthOf.within(1, 5)
      got.push(...payment)

      if (drains === 0) {
        receive(contents[499])
      }
    }

    expect(got).to.deep.equal(contents)
    expect(node.size('debts')).to.equal(0)
    expect(sent(node.receive('a', gossip('z')), { to: 'b' })).to.deep.equal([['send', 'b', gossip('z', 1)]])
  })

  it('that is lazy hears of everything, in as many announcements as fit into a payment', () => {
    const node = TestNode.with(['a', 'b'])
    node.receive('b', { type: 'prune' })
    congested(node, 'b', true)
    const texts = Array.from({ length: 6_000 }, (_, i) => `m${i}`)
    texts.forEach((text) => { node.receive('a', gossip(text)) })
    const ids: Uint8Array[] = []

    while (node.state.isCongested('b')) {
      const entries = sent(congested(node, 'b', false), { type: 'iHave' }).flatMap(([, , message]) => (message as Extract<Message, { type: 'iHave' }>).messages)
      expect(entries).to.have.lengthOf.within(1, 500)
      ids.push(...entries.map(({ id }) => id))
    }

    expect(ids).to.deep.equal(texts.map((text) => hash(bytes(text))))
  })

  it('is paid in all topics, by turns', () => {
    const node = TestNode.with(['a', 'b'])
    node.join([], 'other')
    node.receive('b', { type: 'neighbor', priority: 'low' }, 'other')
    congested(node, 'b', true)

    for (let i = 0; i < 10; i++) {
      for (const topic of ['topic', 'other']) {
        node.command({ type: 'broadcast', content: new Uint8Array(4_000).fill(i), scope: 'swarm' }, topic)
      }
    }

    const topics = [1, 2].map(() => node.handle({ type: 'congestion', peer: 'b', congested: false })
      .flatMap((effect) => effect.type === 'sendMessage' ? [effect.topic] : []))
    expect(topics.map((names) => [...new Set(names)])).to.deep.include.members([['topic'], ['other']])
  })

  it('gets more than is held of what it asked for, from the cache', () => {
    const node = TestNode.with(['a', 'b'], { config: { maxMessageSize: 300_000 } })
    const contents = Array.from({ length: 50 }, (_, i) => new Uint8Array(250_000).fill(i))
    congested(node, 'b', true)

    for (const content of contents) {
      node.receive('a', { type: 'gossip', id: hash(content), content, scope: { type: 'swarm', round: 0 } })
      node.receive('b', { type: 'graft', id: hash(content), round: 0 })
    }

    const got: Uint8Array[] = []

    while (node.state.isCongested('b')) {
      got.push(...payloads(congested(node, 'b', false)))
    }

    expect(got).to.deep.equal(contents)
  })

  it('is owed at most eight megabytes of neighbors messages, the newest', () => {
    const node = TestNode.with(['a', 'b'], { config: { maxMessageSize: 2_000_000 } })
    congested(node, 'b', true)

    for (let i = 0; i < 10; i++) {
      node.command({ type: 'broadcast', content: new Uint8Array(1_000_000).fill(i), scope: 'neighbors' })
    }

    const got: Uint8Array[] = []

    while (node.state.isCongested('b')) {
      got.push(...payloads(congested(node, 'b', false)))
    }

    expect(got.map((content) => content[0])).to.deep.equal([2, 3, 4, 5, 6, 7, 8, 9])
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
