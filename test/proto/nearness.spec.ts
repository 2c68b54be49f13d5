import { expect } from 'chai'
import { TestNode, disconnectAlive, neighborLow, sent } from './support/test-node.ts'
import type { Short } from './support/test-node.ts'

/** Marks a peer of our kind. */
const OURS = Uint8Array.of(1)
const rules = { understandsRefusal: (data?: Uint8Array) => data?.[0] === 1 }

/** A node just joined, with these neighbors; each answered after 100 ms. */
function youngNode (neighbors: string[], data?: Uint8Array): TestNode {
  const node = new TestNode({ rules })
  node.join([])

  for (const peer of neighbors) {
    node.receive(peer, { type: 'neighbor', priority: 'low', data })
  }

  node.advance(100)

  for (const peer of neighbors) {
    node.receive(peer, { type: 'neighbor', priority: 'low' })
  }

  return node
}

function recipients (effects: Short[]): unknown[] {
  return effects.map(([, to]) => to)
}

describe('a peer of our kind that asks after it sounded us', () => {
  const sounding = (from: string): Parameters<TestNode['receive']>[1] =>
    ({ type: 'shuffle', origin: from, nodes: [{ id: from, data: OURS }], ttl: 0 })

  it('is accepted by a full node if it is nearer than the farthest neighbor, which is let go', () => {
    const node = youngNode(['a', 'b', 'c', 'd', 'e'])
    expect(recipients(sent(node.receive('n', sounding('n')), { type: 'shuffleReply' }))).to.deep.equal(['n'])
    node.advance(20)

    const effects = node.receive('n', { type: 'neighbor', priority: 'low' })
    expect(sent(effects, { to: 'n' })).to.deep.equal([['send', 'n', neighborLow]])
    expect(node.neighbors).to.include('n').and.have.lengthOf(5)
    // the first two are not to be given up
    expect(node.neighbors).to.include.members(['a', 'b'])
    const [victim] = ['c', 'd', 'e'].filter((peer) => !node.neighbors.includes(peer))
    expect(sent(effects, { to: victim, type: 'disconnect' })).to.deep.equal([['send', victim, disconnectAlive]])
  })

  it('is refused if it is not', () => {
    const node = youngNode(['a', 'b', 'c', 'd', 'e'])
    node.receive('n', sounding('n'))
    node.advance(95)
    node.receive('n', { type: 'neighbor', priority: 'low' })

    expect(sent(node.advance(300), { to: 'n', type: 'disconnect' })).to.deep.equal([['send', 'n', disconnectAlive]])
    expect(node.neighbors).to.deep.equal(['a', 'b', 'c', 'd', 'e'])
  })
})

describe('a young node', () => {
  const told = (node: TestNode, ...ids: string[]): unknown => node.receive('a', { type: 'shuffle', origin: 'z', nodes: ids.map((id) => ({ id, data: OURS })), ttl: 0 })
  const reply = (node: TestNode, from: string): Short[] => node.receive(from, { type: 'shuffleReply', nodes: [{ id: 'z' }] })
  const soundings = (effects: Short[]): unknown[] => recipients(sent(effects, { type: 'shuffle' }).filter(([,, message]) => (message as { ttl: number }).ttl === 0))

  /** The first of those who are sounded in the next seconds, while neighbors answer after so many milliseconds. */
  function firstSounded (node: TestNode, neighborsAfterMs: number): unknown {
    for (let i = 0; i < 10_000; i++) {
      for (const to of soundings(node.advance(1))) {
        if (!node.neighbors.includes(to as string)) {
          return to
        }

        node.now += neighborsAfterMs
        const [other] = soundings(reply(node, to as string))

        if (other !== undefined) {
          return other
        }
      }
    }

    return undefined
  }

  it('sounds remembered peers of our kind, and no others', () => {
    const node = youngNode(['a', 'b', 'c', 'd', 'e'])
    node.receive('a', { type: 'shuffle', origin: 'z', nodes: [{ id: 'n', data: OURS }, { id: 'rust' }], ttl: 0 })
    const sounded = soundings(node.advance(1_400))
    expect(sounded).to.include('n').and.not.include('rust')
  })

  it('sounds nobody but its neighbors where these are near enough', () => {
    const node = youngNode(['a', 'b', 'c', 'd', 'e'], OURS)
    told(node, 'n', 'm')

    expect(firstSounded(node, 4)).to.equal(undefined)
  })

  it('sounds others where a neighbor is far', () => {
    const node = youngNode(['a', 'b', 'c', 'd', 'e'], OURS)
    told(node, 'n', 'm')

    expect(firstSounded(node, 60)).to.be.oneOf(['n', 'm'])
  })

  it('sounds nobody while it is late for its own timers', () => {
    const node = youngNode(['a', 'b', 'c', 'd', 'e'])
    told(node, 'n', 'm')
    node.lateMs = 20
    expect(soundings(node.advance(20_000))).to.deep.equal([])
    node.lateMs = 0
    expect(soundings(node.advance(2_000))).to.include.members(['n', 'm'])
  })

  it('measures only once the way is open: the first answer may have taken a dial', () => {
    const node = youngNode(['a', 'b', 'c', 'd', 'e'], OURS)
    told(node, 'n')
    expect(firstSounded(node, 60)).to.equal('n')
    node.advance(300)
    expect(soundings(reply(node, 'n'))).to.deep.equal(['n'])
    node.advance(20)
    expect(sent(reply(node, 'n'), { to: 'n', type: 'neighbor' })).to.deep.equal([['send', 'n', neighborLow]])
  })

  it('does not ask who is no nearer than its neighbors', () => {
    const node = youngNode(['a', 'b', 'c', 'd', 'e'], OURS)
    told(node, 'n')
    firstSounded(node, 60)
    reply(node, 'n')
    node.advance(99)
    expect(sent(reply(node, 'n'), { to: 'n', type: 'neighbor' })).to.deep.equal([])
  })

  it('lets go of who does not answer', () => {
    const node = youngNode(['a', 'b', 'c', 'd', 'e'])
    told(node, 'n')
    const effects = node.advance(10_000)
    expect(effects).to.deep.include(['release', 'n'])
  })
})

describe('a node that is let go', () => {
  it('asks first whom it was told of first', () => {
    const node = TestNode.with(['a', 'b', 'c', 'd', 'e'])

    // all our own Shuffles are answered: the reply before a goodbye must not pass for such an answer
    for (let i = 0; i < 10; i++) {
      node.receive('stranger', { type: 'shuffleReply', nodes: [{ id: 'a' }] })
    }

    node.receive('e', { type: 'shuffleReply', nodes: ['x', 'p', 'q', 'r'].map((id) => ({ id })) })

    expect(recipients(sent(node.receive('e', disconnectAlive as Parameters<TestNode['receive']>[1]), { type: 'neighbor' }))).to.deep.equal(['x'])
  })
})

describe('a lost neighbor that asks again', () => {
  it('is accepted by a full node: two parts of an overlay may meet in it', () => {
    const node = TestNode.with(['a', 'b', 'c', 'd', 'e'])
    node.disconnected('e')
    node.receive('f', { type: 'neighbor', priority: 'low' })
    expect(node.neighbors).to.include('f').and.have.lengthOf(5)

    node.receive('e', { type: 'neighbor', priority: 'low' })
    expect(node.neighbors).to.include('e').and.have.lengthOf(5)
  })
})
