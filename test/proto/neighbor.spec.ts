import { expect } from 'chai'
import { TestNode, bytes, disconnectAlive, disconnectLeft, neighborHigh, neighborLow, sent } from './support/test-node.ts'
import type { Short } from './support/test-node.ts'
import type { Message } from '../../src/proto/index.ts'

const FULL = ['a', 'b', 'c', 'd', 'e']
const low: Message = { type: 'neighbor', priority: 'low' }
const high: Message = { type: 'neighbor', priority: 'high' }

/** A full node that remembers these peers. */
function fullNode (passive: string[] = [], init: ConstructorParameters<typeof TestNode>[0] = {}): TestNode {
  const node = TestNode.with(FULL, init)

  if (passive.length > 0) {
    node.receive('a', { type: 'shuffle', origin: 'a', nodes: passive.map((id) => ({ id })), ttl: 0 })
  }

  return node
}

describe('Neighbor from a stranger', () => {
  for (const [request, answer] of [[low, neighborLow], [high, neighborHigh]] as const) {
    it(`with ${request.type === 'neighbor' ? request.priority : ''} priority is accepted into a free slot and answered with the same`, () => {
      const node = new TestNode()
      node.join([])

      expect(node.receive('a', request)).to.deep.equal([['up', 'a'], ['send', 'a', answer]])
      // its last word
      expect(node.receive('a', low)).to.deep.equal([])
      // another request
      expect(node.receive('a', low)).to.deep.equal([['send', 'a', neighborLow]])
    })
  }

  it('teaches how to reach it', () => {
    const node = new TestNode()
    node.join([])

    expect(node.receive('a', { type: 'neighbor', priority: 'low', data: bytes('a!') })).to.deep.equal([
      ['peerData', 'a', bytes('a!')],
      ['up', 'a'],
      ['send', 'a', neighborLow]
    ])
    // the same again is no news; empty data says nothing, and too much would spread
    expect(node.receive('a', { type: 'neighbor', priority: 'low', data: bytes('a!') })).to.deep.equal([])
    expect(node.receive('a', { type: 'neighbor', priority: 'low', data: bytes('') })).to.deep.equal([['send', 'a', neighborLow]])
    expect(node.receive('a', { type: 'neighbor', priority: 'low', data: new Uint8Array(473) })).to.deep.equal([])
    expect(node.receive('a', { type: 'neighbor', priority: 'low', data: new Uint8Array(472) })[0]).to.deep.equal(['peerData', 'a', new Uint8Array(472)])
  })

  it('with low priority is refused by a full node, late and after alternatives', () => {
    const node = fullNode(['p'])

    expect(node.receive('x', low)).to.deep.equal([['timer', 'refuse', 300]])
    expect(node.receive('x', low)).to.deep.equal([])

    const effects = node.advance(300)
    const reply = effects[0][2] as Extract<Message, { type: 'shuffleReply' }>
    expect(effects).to.deep.equal([['send', 'x', reply], ['send', 'x', disconnectAlive], ['release', 'x']])
    expect(reply.nodes.map(({ id }) => id)).to.have.members([...FULL, 'p'])
  })

  it('is accepted after all when a slot became free meanwhile', () => {
    const node = fullNode()
    node.receive('x', low)
    node.receive('a', disconnectLeft as Message)

    expect(node.advance(300)).to.deep.equal([['up', 'x'], ['send', 'x', neighborLow]])
  })

  it('is not refused any more when it has gone elsewhere', () => {
    const node = fullNode()
    node.receive('x', low)
    node.receive('x', disconnectAlive as Message)

    expect(node.advance(1_000)).to.deep.equal([])
  })

  it('is refused at its own time when it asks again', () => {
    const node = fullNode()
    node.receive('x', low)
    node.advance(100)
    node.receive('x', disconnectAlive as Message)
    node.receive('x', low)

    expect(node.advance(299)).to.deep.equal([])
    expect(sent(node.advance(1), { type: 'disconnect' })).to.deep.equal([['send', 'x', disconnectAlive]])
  })

  it('with high priority makes a full node drop a neighbor, three times in a row', () => {
    const node = fullNode()

    for (const peer of ['x', 'y', 'z']) {
      const effects = node.receive(peer, high)
      expect(effects[0][2]).to.equal('evicted')
      expect(effects).to.deep.include.members([['up', peer], ['send', peer, neighborHigh]])
    }

    expect(node.receive('w', high)).to.deep.equal([['timer', 'refuse', 300]])
    expect(node.neighbors).to.have.lengthOf(5)
  })

  it('refuses the oldest at once when too many wait', () => {
    const node = fullNode()

    for (let i = 0; i < 64; i++) {
      expect(node.receive(`x${i}`, low)).to.deep.equal([['timer', 'refuse', 300]])
    }

    const effects = node.receive('x64', low)
    expect(sent(effects, { to: 'x0', type: 'disconnect' })).to.deep.equal([['send', 'x0', disconnectAlive]])
    expect(node.size('refusals')).to.equal(64)
    expect(sent(node.advance(300), { type: 'disconnect' })).to.have.lengthOf(64)
    expect(node.size('refusals')).to.equal(0)
  })
})

describe('asking for a neighbor', () => {
  it('follows the loss of one, with low priority', () => {
    const node = fullNode(['p'])

    expect(node.disconnected('a')).to.deep.equal([
      ['down', 'a', 'connectionClosed'],
      ['send', 'p', neighborLow],
      ['timer', 'pendingNeighborRequest', 500],
      ['timer', 'rejoin']
    ])
  })

  it('is with high priority, one at a time, for who has none', () => {
    const node = TestNode.with(['a'], { config: { membership: { activeViewCapacity: 1 } } })
    node.receive('a', { type: 'shuffle', origin: 'a', nodes: [{ id: 'p' }, { id: 'q' }], ttl: 0 })
    const first = sent(node.disconnected('a'))
    const other = first[0][1] === 'p' ? 'q' : 'p'

    expect(first).to.deep.equal([['send', first[0][1], neighborHigh]])
    expect(sent(node.advance(499))).to.deep.equal([])
    expect(sent(node.advance(1))).to.deep.equal([['send', other, neighborHigh]])
  })

  it('says the last word when the answer comes: a Rust peer that answered waits for one', () => {
    const node = fullNode(['p'])
    node.disconnected('a')

    expect(node.receive('p', low)).to.deep.equal([['up', 'p'], ['send', 'p', neighborLow]])
    expect(node.passive).to.deep.equal([])
  })

  it('tells again how to reach a remembered peer', () => {
    const node = TestNode.with(FULL)
    node.receive('a', { type: 'shuffle', origin: 'a', nodes: [{ id: 'p', data: bytes('p!') }], ttl: 0 })

    expect(node.disconnected('a').slice(1, 3)).to.deep.equal([
      ['peerData', 'p', bytes('p!')],
      ['send', 'p', neighborLow]
    ])
  })

  it('goes on with the next when nobody answers, and forgets who did not', () => {
    const node = fullNode(['p', 'q'])
    const first = sent(node.disconnected('a'))[0][1] as string
    const second = first === 'p' ? 'q' : 'p'

    expect(node.advance(500).slice(0, 2)).to.deep.equal([
      ['send', second, neighborLow],
      ['timer', 'pendingNeighborRequest', 500]
    ])
    expect(node.passive).to.deep.equal([second])
  })

  it('ignores the timer of an earlier request to the same peer', () => {
    const node = fullNode(['p'])
    node.disconnected('a')
    node.advance(400)
    node.receive('p', disconnectAlive as Message)
    node.advance(50)
    node.join(['p'])

    // the first timer runs out at 500, the second request is 50 old then
    expect(sent(node.advance(60), { to: 'p' })).to.deep.equal([])
    expect(node.receive('p', low)).to.deep.equal([['up', 'p'], ['send', 'p', neighborLow]])
  })

  it('refuses a late answer that is no longer wanted, for its sender counts us as neighbor', () => {
    const node = fullNode(['p'])
    node.disconnected('a')
    node.advance(500)
    node.receive('x', low)
    expect(node.neighbors).to.have.lengthOf(5)

    expect(node.receive('p', low)).to.deep.equal([['timer', 'refuse', 300]])
    expect(sent(node.advance(300), { to: 'p', type: 'disconnect' })).to.deep.equal([['send', 'p', disconnectAlive]])
  })

  it('does not ask one that refused for ten seconds', () => {
    const node = fullNode(['p'])
    node.disconnected('a')

    expect(node.receive('p', disconnectAlive as Message)).to.deep.equal([['release', 'p']])
    expect(node.passive).to.deep.equal(['p'])
    expect(sent(node.advance(9_000), { to: 'p' })).to.deep.equal([])
    expect(sent(node.advance(8_000), { to: 'p' }).length).to.be.greaterThan(0)
  })

  it('asks ever more at once while nobody answers, at most sixteen', () => {
    const node = fullNode(Array.from({ length: 30 }, (_, i) => `p${i}`))
    const atOnce = new Map<number, number>()
    const count = (effects: Short[]): void => {
      const asked = sent(effects, { type: 'neighbor' }).filter(([, to]) => String(to).startsWith('p')).length
      atOnce.set(node.now - start, asked)
    }
    const start = node.now
    const lost = ['a', 'b', 'c', 'd', 'e'].flatMap((peer) => node.disconnected(peer))
    count(lost)
    count(node.advance(500))

    // one for each slot, then one for each, and one more
    expect([...atOnce.values()]).to.deep.equal([5, 10])
    expect(sent(lost, { type: 'neighbor' }).filter(([, , message]) => (message as { priority: string }).priority === 'high')).to.have.lengthOf.at.most(1)
    expect(sent(node.advance(500), { type: 'neighbor' }).length).to.be.at.most(16)
  })

  it('pauses after three refusals, ever longer', () => {
    const passive = Array.from({ length: 30 }, (_, i) => `p${i}`)
    const node = fullNode(passive)
    const asked: number[] = []
    const start = node.now
    const isForSlot = (effects: Short[], peer: unknown): boolean =>
      effects.some(([what, to], i) => what === 'send' && to === peer && effects[i + 1]?.[2] === 500)
    const refuseAll = (effects: Short[]): void => {
      for (const [, peer] of sent(effects, { type: 'neighbor' }).filter(([, to]) => passive.includes(to as string))) {
        // a call to somebody who may have fallen out has its own pace, and more patience
        if (isForSlot(effects, peer)) {
          asked.push(node.now - start)
        }

        refuseAll(node.receive(peer as string, disconnectAlive as Message))
      }
    }
    // it leaves: one that was lost would be asked again, and fill the one slot meanwhile
    refuseAll(node.receive('a', { type: 'disconnect', alive: false, respond: false }))

    while (node.now - start < 20_000) {
      refuseAll(node.advance(10))
    }

    const pauses = asked.slice(1).map((time, i) => time - asked[i])
    expect(pauses.slice(0, 2)).to.deep.equal([0, 0])
    expect(pauses.slice(2, 6)).to.have.lengthOf(4)
    pauses.slice(2, 6).forEach((pause, i) => {
      expect(pause).to.be.within(750 * 2 ** i, 1_250 * 2 ** i + 10)
    })
  })

  it('is left out for peers that cannot be dialed', () => {
    let dialable = true
    const node = fullNode(['p'], { rules: { canDial: () => dialable } })
    dialable = false

    expect(sent(node.disconnected('a'))).to.deep.equal([])
    expect(node.passive).to.deep.equal(['p'])
  })
})

describe('a silent neighbor', () => {
  for (const { kind, minutes, pauseMs } of [{ kind: 'Rust', minutes: 1, pauseMs: 5_000 }, { kind: 'our', minutes: 30, pauseMs: 60_000 }]) {
    it(`of ${kind} kind is asked after ${minutes} min, three times, and then is none`, () => {
      const node = TestNode.with(['a'], { rules: { understandsRefusal: () => kind === 'our' } })
      node.receive('a', { type: 'iHave', messages: [] })
      const questions: number[] = []
      let down: unknown
      const start = node.now

      for (let i = 0; i < 2_400 && down === undefined; i++) {
        const effects = node.advance(1_000)
        questions.push(...sent(effects, { to: 'a', type: 'neighbor' }).map(() => node.now - start))
        down = effects.find(([what]) => what === 'down')
      }

      expect(questions).to.have.lengthOf(3)
      expect(questions[0]).to.be.within(minutes * 60_000, minutes * 60_000 + 5_000)
      expect(questions[2] - questions[0]).to.equal(2 * pauseMs)
      expect(down).to.deep.equal(['down', 'a', 'connectionClosed'])
      expect(node.now - start - questions[2]).to.equal(pauseMs)
    })
  }

  it('is asked although it says what strangers say too', () => {
    const node = TestNode.with(['a'])
    const questions: Short[] = []

    for (let i = 0; i < 70; i++) {
      node.receive('a', { type: 'prune' })
      node.receive('a', { type: 'shuffleReply', nodes: [] })
      node.receive('a', { type: 'shuffle', origin: 'a', nodes: [], ttl: 0 })
      questions.push(...sent(node.advance(1_000), { to: 'a', type: 'neighbor' }))
    }

    expect(questions.length).to.be.greaterThan(0)
  })

  it('stays when it answers', () => {
    const node = TestNode.with(['a'])

    for (let i = 0; i < 300; i++) {
      if (sent(node.advance(1_000), { to: 'a', type: 'neighbor' }).length > 0) {
        node.receive('a', low)
      }
    }

    expect(node.neighbors).to.deep.equal(['a'])
  })

  it('is let go when it is dead', () => {
    const node = TestNode.with(['a', 'b'])
    const effects: unknown[] = []

    for (let i = 0; i < 90; i++) {
      node.receive('b', { type: 'iHave', messages: [] })
      effects.push(...node.advance(1_000))
    }

    expect(effects).to.deep.include(['release', 'a'])
    expect(node.neighbors).to.deep.equal(['b'])
  })
})

describe('Disconnect', () => {
  it('of one that stays in the swarm is an eviction, and it is remembered', () => {
    const node = TestNode.with(['a', 'b'])

    expect(node.receive('a', disconnectAlive as Message)).to.deep.equal([['down', 'a', 'evictedByPeer'], ['release', 'a']])
    expect(node.passive).to.deep.equal(['a'])
    expect(sent(node.advance(9_000), { to: 'a' })).to.deep.equal([])
  })

  it('of one that leaves makes it forgotten', () => {
    const node = TestNode.with(['a', 'b'])

    expect(node.receive('a', disconnectLeft as Message)).to.deep.equal([['down', 'a', 'left'], ['release', 'a']])
    expect(node.passive).to.deep.equal([])
    expect(sent(node.advance(50_000), { to: 'a' })).to.deep.equal([])
  })

  it('of a remembered peer that leaves takes it out of the passive view', () => {
    const node = fullNode(['p', 'q'])
    node.receive('p', disconnectLeft as Message)

    expect(node.passive).to.deep.equal(['q'])
  })

  it('of a stranger changes nothing', () => {
    const node = TestNode.with(['a'])

    expect(node.receive('x', disconnectAlive as Message)).to.deep.equal([['release', 'x']])
    expect(node.passive).to.deep.equal([])
  })
})

describe('a lost connection', () => {
  for (const reason of ['connectionClosed', 'sendStalled', 'protocolError', 'banned'] as const) {
    it(`gives its reason: ${reason}`, () => {
      const node = TestNode.with(['a', 'b'])

      expect(node.disconnected('a', reason)[0]).to.deep.equal(['down', 'a', reason])
      expect(node.neighbors).to.deep.equal(['b'])
      expect(node.passive).to.deep.equal([])
    })
  }

  it('of a stranger says nothing', () => {
    const node = TestNode.with(['a'])

    expect(node.disconnected('x')).to.deep.equal([])
  })

  it('cancels what waits for the peer', () => {
    const node = fullNode()
    node.receive('x', low)

    expect(node.disconnected('x')).to.deep.equal([])
    expect(node.advance(1_000)).to.deep.equal([])
  })
})
