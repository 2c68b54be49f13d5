import { expect } from 'chai'
import { TestNode, bytes, disconnectAlive, disconnectLeft, neighborHigh, neighborLow, sent } from './support/test-node.ts'
import type { Short } from './support/test-node.ts'
import type { Message } from '../../src/proto/index.ts'

const join: Message = { type: 'join', data: undefined }

/** The effects of asking a contact to let us in. */
function asksToJoin (contact: string): Short[] {
  return [
    ['send', contact, join],
    ['timer', 'joinContact', 1_000],
    ['timer', 'nextContact', 2_000]
  ]
}

describe('joining a topic', () => {
  it('asks the first contact only', () => {
    expect(new TestNode().join(['a', 'b'])).to.deep.equal(asksToJoin('a'))
  })

  it('sends its own address data along', () => {
    const node = new TestNode({ peerData: bytes('me') })

    expect(node.join(['a'])[0]).to.deep.equal(['send', 'a', { type: 'join', data: bytes('me') }])
  })

  it('asks nobody without contacts, nor itself', () => {
    const node = new TestNode()

    expect(node.join([])).to.deep.equal([])
    expect(node.join(['me'])).to.deep.equal([])
    expect(node.state.has('topic')).to.equal(true)
  })

  it('follows an unanswered Join by two Neighbors and then asks the next contact too', () => {
    const node = new TestNode()
    node.join(['a', 'b'])

    expect(node.advance(999)).to.deep.equal([])
    expect(node.advance(1)).to.deep.equal([
      ['send', 'a', neighborHigh],
      ['timer', 'joinContact', 1_000]
    ])

    const atTwo = node.advance(1_000)
    expect(sent(atTwo, { to: 'a' })).to.deep.equal([['send', 'a', neighborHigh]])
    expect(sent(atTwo, { to: 'b' })).to.deep.equal([['send', 'b', join]])

    // b has its second chance when a is given up
    expect(node.advance(1_000)).to.deep.include.members([['release', 'a'], ['send', 'b', neighborHigh]])
  })

  for (const [why, fail] of [
    ['is not in the topic', (node: TestNode) => node.receive('a', disconnectLeft as Message)],
    ['cannot be reached', (node: TestNode) => node.disconnected('a')]
  ] as const) {
    it(`asks the next contact at once when one ${why}`, () => {
      const node = new TestNode()
      node.join(['a', 'b'])

      expect(sent(fail(node))).to.deep.equal([['send', 'b', join]])
    })
  }

  it('takes at most 64 contacts in one go', () => {
    const node = new TestNode()
    let effects = node.join(Array.from({ length: 100 }, (_, i) => `c${i}`))
    let asked = 0

    for (let next = sent(effects, { type: 'join' })[0]; next !== undefined; next = sent(effects, { type: 'join' })[0]) {
      asked++
      effects = node.disconnected(next[1] as string)
    }

    expect(asked).to.equal(64)
  })

  it('gives a contact its two seconds, whenever it was asked', () => {
    const node = new TestNode()
    node.join(['a', 'b', 'c'])
    node.advance(500)
    node.disconnected('a')

    expect(sent(node.advance(1_999), { type: 'join' })).to.deep.equal([])
    expect(sent(node.advance(1), { type: 'join' })).to.deep.equal([['send', 'c', join]])
  })

  it('asks nobody else with high priority while a contact is asked', () => {
    const node = new TestNode()
    node.join(['a'])

    expect(sent(node.receive('s', { type: 'shuffle', origin: 's', nodes: [{ id: 'p' }], ttl: 0 }), { to: 'p' })).to.deep.equal([])
    expect(sent(node.disconnected('a'), { to: 'p' })).to.deep.equal([['send', 'p', neighborHigh]])
  })

  it('answers the contact that accepts, and remembers the other contacts for free slots', () => {
    const node = new TestNode()
    node.join(['a', 'b'])

    expect(node.receive('a', { type: 'neighbor', priority: 'high' })).to.deep.equal([
      ['up', 'a'],
      ['send', 'a', neighborHigh],
      ['send', 'b', neighborLow],
      ['timer', 'pendingNeighborRequest', 500]
    ])
    // the contact's last word needs no answer
    expect(node.receive('a', { type: 'neighbor', priority: 'high' })).to.deep.equal([])
    expect(sent(node.advance(400), { to: 'a', type: 'neighbor' })).to.deep.equal([])
  })

  it('asks with low priority when it has neighbors, and a few only', () => {
    const node = TestNode.with(['a'])
    const effects = node.join(['a', 'b', 'c', 'd', 'e'])

    expect(sent(effects)).to.deep.equal([
      ['send', 'b', neighborLow],
      ['send', 'c', neighborLow],
      ['send', 'd', neighborLow]
    ])
    expect(node.passive).to.deep.equal(['e'])
  })

  it('drops an own neighbor for a named peer only when that one has accepted', () => {
    const node = TestNode.with(['a', 'b', 'c', 'd', 'e'])

    expect(node.join(['x'])).to.deep.equal([
      ['send', 'x', neighborLow],
      ['timer', 'pendingNeighborRequest', 500]
    ])
    expect(node.neighbors).to.have.lengthOf(5)

    const effects = node.receive('x', { type: 'neighbor', priority: 'low' })
    expect(effects[0][2]).to.equal('evicted')
    expect(effects).to.deep.include.members([['up', 'x'], ['send', 'x', neighborLow]])
    expect(node.neighbors).to.include('x').and.have.lengthOf(5)
  })
})

describe('Join', () => {
  it('is accepted, confirmed, and told to all other neighbors', () => {
    const node = TestNode.with(['a', 'b'])

    expect(node.receive('x', { type: 'join', data: bytes('x!') })).to.deep.equal([
      ['peerData', 'x', bytes('x!')],
      ['up', 'x'],
      ['send', 'x', neighborHigh],
      ['send', 'a', { type: 'forwardJoin', peer: { id: 'x', data: bytes('x!') }, ttl: 6 }],
      ['send', 'b', { type: 'forwardJoin', peer: { id: 'x', data: bytes('x!') }, ttl: 6 }]
    ])
  })

  it('gets a last word after its Neighbor: a Rust joiner would wait for one for ever', () => {
    const node = TestNode.with(['a'])
    node.receive('x', join)

    expect(node.receive('x', { type: 'neighbor', priority: 'high' })).to.deep.equal([['send', 'x', neighborLow]])
  })

  it('makes a full view drop a neighbor, which is told where else to go', () => {
    const node = TestNode.with(['a', 'b', 'c', 'd', 'e'])
    const effects = node.receive('x', join)
    const victim = effects[0][1] as string
    const rest = ['a', 'b', 'c', 'd', 'e'].filter((peer) => peer !== victim)
    const reply = effects[1][2] as Extract<Message, { type: 'shuffleReply' }>

    expect(reply.nodes.map(({ id }) => id)).to.have.members(rest)
    expect(effects.slice(0, 5)).to.deep.equal([
      ['down', victim, 'evicted'],
      ['send', victim, reply],
      ['send', victim, disconnectAlive],
      ['up', 'x'],
      ['send', 'x', neighborHigh]
    ])
    expect(effects.slice(5, 9)).to.have.deep.members(rest.map((peer) =>
      ['send', peer, { type: 'forwardJoin', peer: { id: 'x' }, ttl: 6 }]))
    expect(effects.slice(9)).to.deep.equal([['release', victim]])
    expect(node.neighbors).to.have.members([...rest, 'x'])
    expect(node.passive).to.deep.equal([victim])
  })

  it('of a neighbor is confirmed and told again, without an event', () => {
    const node = TestNode.with(['a', 'b'])

    expect(node.receive('a', join)).to.deep.equal([
      ['send', 'a', neighborHigh],
      ['send', 'b', { type: 'forwardJoin', peer: { id: 'a' }, ttl: 6 }]
    ])
  })

  it('of both ends at once makes one link, and the handshake comes to an end', () => {
    const nodes = { a: new TestNode({ me: 'a' }), b: new TestNode({ me: 'b' }) }
    let queue = [
      ...nodes.a.join(['b']).map((effect) => ['a', effect] as const),
      ...nodes.b.join(['a']).map((effect) => ['b', effect] as const)
    ]
    const ups: unknown[] = []
    let messages = 0

    while (queue.length > 0) {
      queue = queue.flatMap(([from, [what, to, message]]) => {
        if (what === 'up') {
          ups.push(from)
        }

        if (what !== 'send') {
          return []
        }

        messages++
        const receiver = to as 'a' | 'b'

        return nodes[receiver].receive(from, message as Message).map((effect) => [receiver, effect] as const)
      })
      expect(messages).to.be.lessThan(12)
    }

    expect(ups).to.have.members(['a', 'b'])
    expect([nodes.a.neighbors, nodes.b.neighbors]).to.deep.equal([['b'], ['a']])
  })

  it('is refused, late and with alternatives, when too many came before', () => {
    const node = TestNode.with(['a', 'b', 'c', 'd', 'e'])

    for (const peer of ['u', 'v', 'w']) {
      expect(node.receive(peer, join)).to.deep.include(['up', peer])
    }

    expect(node.receive('x', join)).to.deep.include(['timer', 'refuse', 300])
    expect(node.advance(299)).to.deep.equal([])

    const effects = node.advance(1)
    const reply = effects[0][2] as Extract<Message, { type: 'shuffleReply' }>
    expect(effects).to.deep.equal([
      ['send', 'x', reply],
      ['send', 'x', disconnectAlive],
      ['release', 'x']
    ])
    const named = reply.nodes.map(({ id }) => id)
    expect(new Set(named).size).to.equal(7)
    expect(['a', 'b', 'c', 'd', 'e', 'u', 'v', 'w']).to.include.members(named)
    expect(named.filter((id) => node.neighbors.includes(id)).length).to.be.at.least(3)
    // the next one that is refused may hear of it
    expect(node.passive).to.include('x')
  })

  it('is accepted after all when there are too few alternatives that the joiner could dial', () => {
    const node = TestNode.with(['a', 'b', 'c', 'd', 'e'], { rules: { mayTell: (to) => to !== 'x' } })
    node.receive('u', join)
    node.receive('v', join)
    node.receive('w', join)

    expect(node.receive('x', join)).to.deep.include(['up', 'x'])
  })

  it('can be followed by others again after a second', () => {
    const node = TestNode.with(['a', 'b', 'c', 'd', 'e'])
    node.receive('u', join)
    node.receive('v', join)
    node.receive('w', join)
    node.advance(1_000)

    expect(node.receive('x', join)).to.deep.include(['up', 'x'])
    expect(node.receive('y', join)).to.deep.include(['timer', 'refuse', 300])
    expect(node.neighbors).to.not.include('y')
  })

  it('of a Rust peer is told to all neighbors also where it is refused, of one of our kind it is not', () => {
    const ours = bytes('ours')
    const node = TestNode.with(['a', 'b', 'c', 'd', 'e'], { rules: { understandsRefusal: (data) => data === ours } })
    node.receive('u', join)
    node.receive('v', join)
    node.receive('w', join)
    const refused = node.receive('rust', { type: 'join', data: bytes('rust') })
    const told = sent(refused)

    expect(told.map(([, to]) => to)).to.have.members(node.neighbors)
    told.forEach(([, , message]) => {
      expect(message).to.deep.equal({ type: 'forwardJoin', peer: { id: 'rust', data: bytes('rust') }, ttl: 6 })
    })
    expect(sent(node.receive('js', { type: 'join', data: ours }))).to.deep.equal([])
  })

  it('rather drops neighbors that others chose', () => {
    const node = new TestNode()
    node.join(['own'])
    node.receive('own', { type: 'neighbor', priority: 'high' })

    for (const peer of ['a', 'b', 'c', 'd']) {
      node.receive(peer, join)
    }

    for (let i = 0; i < 20; i++) {
      node.advance(1_000)
      node.receive(`x${i}`, join)
    }

    expect(node.neighbors).to.include('own').and.have.lengthOf(5)
  })
})

describe('a topic without neighbors', () => {
  it('asks lost neighbors and contacts again, ever more rarely, until it has one', () => {
    const node = new TestNode()
    node.join(['a'])
    node.receive('a', { type: 'neighbor', priority: 'high' })
    node.advance(8_000)
    const times: number[] = []
    const start = node.now
    node.disconnected('a')

    for (let i = 0; i < 2_400; i++) {
      const effects = node.advance(100)

      if (sent(effects, { type: 'join' }).length > 0) {
        expect(sent(effects, { type: 'join' })).to.deep.equal([['send', 'a', join]])
        times.push(node.now - start)
        // as if it could not be dialed
        node.disconnected('a')
      }
    }

    const pauses = times.map((time, i) => time - (times[i - 1] ?? 0))
    expect(pauses[0]).to.be.within(500, 1_100)
    pauses.forEach((pause, i) => {
      const longest = Math.min(1_000 * 2 ** i, 30_000)
      expect(pause).to.be.within(longest / 2 - 100, longest + 100)
    })
    expect(times.length).to.be.greaterThan(8)

    node.receive('a', { type: 'neighbor', priority: 'low' })
    expect(node.neighbors).to.deep.equal(['a'])
    expect(sent(node.advance(59_000), { type: 'join' })).to.deep.equal([])
  })

  it('asks remembered peers first', () => {
    const node = TestNode.with(['a', 'b', 'c', 'd', 'e'])
    node.receive('a', { type: 'shuffle', origin: 'a', nodes: [{ id: 'p' }], ttl: 0 })
    const effects = ['a', 'b', 'c', 'd', 'e'].flatMap((peer) => node.disconnected(peer))

    expect(sent(effects)).to.deep.equal([['send', 'p', neighborLow]])
    expect(sent(node.advance(400))).to.deep.equal([])
    expect(node.advance(100)).to.deep.include(['release', 'p'])
  })

  it('does not run after one that left', () => {
    const node = TestNode.with(['a'])
    const effects = node.receive('a', disconnectLeft as Message)

    expect(effects).to.deep.equal([['down', 'a', 'left'], ['release', 'a']])
    expect(sent(node.advance(120_000))).to.deep.equal([])
  })

  it('tries its contacts after a long pause when the last neighbor left', () => {
    for (let seed = 0; seed < 20; seed++) {
      const node = new TestNode({ seed })
      node.join(['a'])
      node.receive('a', { type: 'neighbor', priority: 'high' })
      node.advance(1_000)
      node.receive('a', disconnectLeft as Message)

      expect(sent(node.advance(14_900))).to.deep.equal([])
      expect(sent(node.advance(15_200), { type: 'join' })).to.deep.equal([['send', 'a', join]])
    }
  })

  it('backs off from a peer whose links never last', () => {
    const node = new TestNode()
    node.join(['a'])
    let asked = 0

    for (let i = 0; i < 1_200; i++) {
      if (sent(node.advance(100), { type: 'join' }).length > 0 || i === 0) {
        asked++
        node.receive('a', { type: 'neighbor', priority: 'high' })
        node.disconnected('a')
      }
    }

    // 1, 2, 4, 8, 16, 30, 30, ... s in two minutes, each at least half of it
    expect(asked).to.be.within(5, 12)
  })

  it('does not try a contact that was banned', () => {
    const node = new TestNode()
    node.join(['a'])
    node.receive('a', { type: 'neighbor', priority: 'high' })
    node.disconnected('a', 'banned')

    expect(sent(node.advance(120_000))).to.deep.equal([])
  })
})

describe('a lost neighbor', () => {
  it('is asked again with low priority while there are others', () => {
    const node = TestNode.with(['a', 'b'])

    expect(node.disconnected('a')).to.deep.equal([['down', 'a', 'connectionClosed'], ['timer', 'rejoin']])
    expect(sent(node.advance(1_100), { to: 'a' })).to.deep.equal([['send', 'a', neighborLow]])
  })

  it('is told when it was banned, and not asked again', () => {
    const node = TestNode.with(['a', 'b'])

    expect(node.disconnected('a', 'banned')).to.deep.equal([
      ['down', 'a', 'banned'],
      ['send', 'a', disconnectLeft],
      ['release', 'a']
    ])
    expect(sent(node.advance(50_000), { to: 'a' })).to.deep.equal([])
  })

  it('is forgotten after a while', () => {
    const node = TestNode.with(['a'])
    node.disconnected('a')
    node.advance(21 * 60_000)

    expect(sent(node.advance(120_000))).to.deep.equal([])
    expect(node.size('remembered')).to.equal(0)
  })
})

describe('leaving a topic', () => {
  it('says goodbye to neighbors, with alternatives, and to those that were asked', () => {
    const node = TestNode.with(['a', 'b'])
    node.join(['x'])

    expect(node.command({ type: 'quit' })).to.deep.equal([
      ['down', 'a', 'stopped'],
      ['send', 'a', { type: 'shuffleReply', nodes: [{ id: 'b' }] }],
      ['send', 'a', disconnectLeft],
      ['down', 'b', 'stopped'],
      ['send', 'b', { type: 'shuffleReply', nodes: [] }],
      ['send', 'b', disconnectLeft],
      ['send', 'x', disconnectLeft],
      ['release', 'a'],
      ['release', 'b'],
      ['release', 'x']
    ])
    expect(node.state.has('topic')).to.equal(false)
    expect(node.advance(120_000)).to.deep.equal([])
  })

  it('leaves no timer that would act in the same topic joined anew', () => {
    const node = new TestNode()
    node.join([])
    node.receive('a', { type: 'neighbor', priority: 'low' })
    node.publish('x')
    node.command({ type: 'quit' })
    node.join([])
    node.receive('b', { type: 'neighbor', priority: 'low' })

    // longer than any timer of the first time, shorter than the patience with a silent neighbor
    expect(sent(node.advance(50_000), { type: 'shuffle' })).to.have.lengthOf(6)
    // the next Shuffle, the next upkeep, the next look for nearer peers, and the next call
    expect(node.pendingTimers).to.equal(4)
  })
})
