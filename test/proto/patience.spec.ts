import { expect } from 'chai'
import { TestNode, disconnectAlive, sent } from './support/test-node.ts'
import type { Short } from './support/test-node.ts'
import type { Message, PeerKey } from '../../src/proto/index.ts'

const neighborLow: Message = { type: 'neighbor', priority: 'low' }
const NEIGHBORS = ['a', 'b', 'c', 'd', 'e']
const REMEMBERED = ['f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o']

/** Whom the node may ask. */
function tell (node: TestNode, topic?: string): void {
  node.receive('a', { type: 'shuffle', origin: 'z', nodes: REMEMBERED.map((id) => ({ id })), ttl: 0 }, topic)
}

function fullNode (): TestNode {
  const node = TestNode.with(NEIGHBORS, { rules: { understandsRefusal: () => true } })
  tell(node)

  return node
}

function asked (effects: Short[]): PeerKey[] {
  return sent(effects, { type: 'neighbor' }).map(([, to]) => to as PeerKey)
}

/** For how long the node waits for the answers to the requests among these effects. */
function waits (effects: Short[]): number[] {
  return effects.filter(([what, timer]) => what === 'timer' && timer === 'pendingNeighborRequest').map(([, , ms]) => ms as number)
}

/** A neighbor lets go of it, and it gets the answer of whom it asks first after so many milliseconds; all others keep silent. Returns who that was. */
function replaceNeighbor (node: TestNode, lost: PeerKey, afterMs: number, answer: Message = neighborLow): PeerKey {
  tell(node)
  const [first] = asked(node.receive(lost, disconnectAlive as Message))
  node.advance(afterMs)
  node.receive(first, answer)
  node.advance(20_000)

  return first
}

describe('the patience of a node', () => {
  it('is what is configured while answers come sooner, or not at all', () => {
    const node = fullNode()
    replaceNeighbor(node, 'e', 100)
    node.receive('d', disconnectAlive as Message)
    const unanswered = waits(node.advance(5_000))

    expect(unanswered.length).to.be.at.least(5)
    expect(new Set(unanswered)).to.deep.equal(new Set([500]))
  })

  for (const [what, answer] of [['accept', neighborLow], ['refuse', disconnectAlive]] as const) {
    it(`grows when peers that were given up ${what} in the end, up to ten seconds`, () => {
      const node = fullNode()
      replaceNeighbor(node, 'e', 2_000, answer as Message)
      const longer = Math.min(...waits([...node.receive('d', disconnectAlive as Message), ...node.advance(20_000)]))
      expect(longer).to.be.within(1_000, 10_000)

      const slow = fullNode()
      replaceNeighbor(slow, 'e', 9_500, answer as Message)
      replaceNeighbor(slow, 'd', 9_500, answer as Message)
      expect(Math.max(...waits([...slow.receive('c', disconnectAlive as Message), ...slow.advance(20_000)]))).to.be.within(longer, 10_000)
    })
  }

  it('is what is configured again after a minute without answers, and not shaken by one that comes half an hour late', () => {
    const node = fullNode()
    replaceNeighbor(node, 'e', 2_000)
    node.advance(60_000)
    tell(node)
    expect(new Set(waits([...node.receive('d', disconnectAlive as Message), ...node.advance(5_000)]))).to.deep.equal(new Set([500]))

    const silent = fullNode()
    const [first] = asked(silent.receive('e', disconnectAlive as Message))
    silent.advance(30 * 60_000)
    silent.receive(first, neighborLow)
    tell(silent)
    expect(new Set(waits([...silent.receive('d', disconnectAlive as Message), ...silent.advance(5_000)]))).to.deep.equal(new Set([500]))
  })

  it('is shared by all topics', () => {
    const node = fullNode()
    replaceNeighbor(node, 'e', 2_000)
    node.join([], 'another')
    NEIGHBORS.forEach((peer) => node.receive(peer, neighborLow, 'another'))
    tell(node, 'another')

    expect(waits(node.receive('b', disconnectAlive as Message, 'another'))[0]).to.be.above(500)
  })

  it('ends when answers are prompt again', () => {
    const node = fullNode()
    let lost = replaceNeighbor(node, 'e', 2_000)

    for (let i = 0; i < 40; i++) {
      lost = replaceNeighbor(node, lost, 5)
    }

    expect(waits(node.receive(lost, disconnectAlive as Message))).to.deep.equal([500])
  })
})

describe('a node that is late for its own timers', () => {
  it('does not take it for the silence of others for ten seconds', () => {
    const node = fullNode()
    node.lateMs = 100
    node.advance(30_000)
    expect(asked(node.receive('e', disconnectAlive as Message))).to.have.lengthOf(1)
    expect(asked(node.advance(9_000))).to.deep.equal([])
    expect(asked(node.advance(5_000))).to.not.deep.equal([])
  })

  it('goes on with a contact, and asks others after ten seconds', () => {
    const node = new TestNode()
    node.lateMs = 100
    node.join(['a', 'b'])

    expect(sent(node.advance(9_000))).to.deep.equal([])
    expect(sent(node.advance(6_000), { to: 'b' })).to.not.deep.equal([])
  })

  it('keeps its first Shuffles for later', () => {
    const node = new TestNode()
    node.lateMs = 100
    node.join([])
    node.receive('a', neighborLow)
    node.receive('b', neighborLow)
    // it has to be late a few times before it knows
    node.advance(3_000)
    expect(sent(node.advance(30_000), { type: 'shuffle' })).to.deep.equal([])
    node.lateMs = 0
    expect(sent(node.advance(30_000), { type: 'shuffle' })).to.not.deep.equal([])
  })

  it('shuffles after a minute however late it is', () => {
    const node = new TestNode()
    node.lateMs = 100
    node.join([])
    node.receive('a', neighborLow)
    node.receive('b', neighborLow)

    expect(sent(node.advance(90_000), { type: 'shuffle' })).to.not.deep.equal([])
  })

  it('is no such node because of a single pause', () => {
    const node = fullNode()
    node.lateMs = 1_000
    node.advance(1_500)
    node.lateMs = 0
    node.advance(20_000)
    node.receive('e', disconnectAlive as Message)

    expect(asked(node.advance(2_000))).to.not.deep.equal([])
  })
})
