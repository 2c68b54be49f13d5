import { expect } from 'chai'
import { TestNode, bytes, gossip, hash, sent } from './support/test-node.ts'
import type { IHave, IHaveEntry, Message, PeerKey } from '../../src/proto/index.ts'

const prune: Message = { type: 'prune' }

function iHave (...texts: string[]): Message {
  return { type: 'iHave', messages: texts.map((text) => ({ id: hash(bytes(text)), round: 0 })) }
}

function lazyNode (lazy: PeerKey[], me = 'me'): TestNode {
  const node = TestNode.with(['eager', ...lazy], { me })
  lazy.forEach((peer) => node.receive(peer, prune))

  return node
}

/** Publishes at a steady rate, and returns the announcements in each IHave that a peer gets meanwhile. */
function publishSteadily (node: TestNode, count: number, intervalMs: number, to = 'lazy'): IHaveEntry[][] {
  const announced: IHaveEntry[][] = []

  for (let i = 0; i < count; i++) {
    const effects = [...node.publish(`${node.now} ${i}`), ...node.advance(intervalMs)]
    announced.push(...sent(effects, { to, type: 'iHave' }).map(([, , message]) => (message as IHave).messages))
  }

  return announced
}

function lengths (lists: unknown[][]): number[] {
  return lists.map((list) => list.length)
}

describe('announcements', () => {
  it('leave one by one at ten messages a second', () => {
    expect(lengths(publishSteadily(lazyNode(['lazy']), 30, 100))).to.deep.equal(Array.from({ length: 30 }, () => 1))
  })

  it('leave together at a hundred a second: fifteen to twenty-six in a message to a peer that announces nothing', () => {
    const node = lazyNode(['lazy'])
    publishSteadily(node, 60, 10)
    const busy = lengths(publishSteadily(node, 800, 10))

    // one in 256 messages is announced at once, and what waits leaves with it
    expect(busy.filter((length) => length < 15).length).to.be.at.most(2 * Math.ceil(800 / 256))
    expect(busy.length).to.be.at.most(800 / 15)
    expect(Math.max(...busy)).to.be.at.most(26)
  })

  it('are all made in the end, once each', () => {
    const node = lazyNode(['lazy'])
    const all = publishSteadily(node, 200, 10)
    all.push(...sent(node.advance(300), { to: 'lazy', type: 'iHave' }).map(([, , message]) => (message as IHave).messages))
    const ids = all.flat().map(({ id }) => Buffer.from(id).toString('hex'))

    expect(ids).to.have.lengthOf(200)
    expect(new Set(ids).size).to.equal(200)
  })

  it('leave half as often where the other end of the link announces what else there is', () => {
    const node = lazyNode(['lazy'])
    publishSteadily(node, 60, 10)
    const announced: number[] = []

    // what the peer has announced needs no announcement, what is newer does
    for (let i = 0; i < 20; i++) {
      const texts = Array.from({ length: 20 }, (_, j) => `${i} of ${j}`)
      texts.forEach((text) => {
        node.publish(text)
        announced.push(...sent(node.advance(5), { type: 'iHave' }).map(([, , message]) => (message as IHave).messages.length))
      })
      node.receive('lazy', iHave(...texts.slice(0, -1)))
    }

    // 2,000 ms, in which the two of them take turns every 100 ms
    expect(announced.length).to.be.within(8, 12)
  })

  it('leave after 5 ms again when the topic has been quiet', () => {
    const node = lazyNode(['lazy'])
    publishSteadily(node, 200, 10)
    node.advance(1_000)
    node.publish('x')

    expect(node.advance(5)).to.deep.equal([['send', 'lazy', iHave('x')]])
  })

  it('are not made to a peer that has announced the message', () => {
    const node = lazyNode(['b', 'c'])
    node.publish('x')
    node.receive('b', iHave('x'))

    expect(sent(node.advance(500), { type: 'iHave' })).to.deep.equal([['send', 'c', iHave('x')]])
  })

  it('are not made to a peer that has sent the message, or was sent it', () => {
    const node = lazyNode(['b', 'c'])
    node.publish('x')
    node.receive('b', gossip('x'))
    node.receive('c', { type: 'graft', id: hash(bytes('x')), round: 0 })

    expect(sent(node.advance(500), { type: 'iHave' })).to.deep.equal([])
  })

  it('go on to a peer that announces other messages', () => {
    const node = lazyNode(['b'])
    node.publish('x')
    node.receive('b', iHave('y'))

    expect(sent(node.advance(500), { to: 'b', type: 'iHave' })).to.deep.equal([['send', 'b', iHave('x')]])
  })
})
