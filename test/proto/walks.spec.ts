import { expect } from 'chai'
import { TestNode, bytes, disconnectAlive, neighborHigh, neighborLow, sent } from './support/test-node.ts'
import type { Message, PeerInfo, Rules, Shuffle, ShuffleReply } from '../../src/proto/index.ts'

const FULL = ['a', 'b', 'c', 'd', 'e']

function forwardJoin (id: string, ttl: number, data?: Uint8Array): Message {
  return { type: 'forwardJoin', peer: data === undefined ? { id } : { id, data }, ttl }
}

function shuffle (origin: string, nodes: PeerInfo[], ttl: number): Message {
  return { type: 'shuffle', origin, nodes, ttl }
}

function peers (count: number, prefix = 'p'): PeerInfo[] {
  return Array.from({ length: count }, (_, i) => ({ id: `${prefix}${i}` }))
}

/** A node with neighbors that has not sent any Shuffle yet. */
function freshNode (neighbors: string[], init: ConstructorParameters<typeof TestNode>[0] = {}): TestNode {
  const node = new TestNode(init)
  node.join([])
  neighbors.forEach((peer) => node.receive(peer, { type: 'neighbor', priority: 'low' }))

  return node
}

describe('ForwardJoin', () => {
  it('goes on to a neighbor that neither sent it nor is the newcomer', () => {
    const reached = new Set<unknown>()

    for (let seed = 0; seed < 40; seed++) {
      const node = freshNode(FULL, { seed })
      const effects = node.receive('a', forwardJoin('x', 6))

      expect(effects).to.deep.equal([['send', effects[0][1], forwardJoin('x', 5)]])
      reached.add(effects[0][1])
    }

    expect([...reached].sort()).to.deep.equal(['b', 'c', 'd', 'e'])
  })

  it('begins with those neighbors that may be told of the newcomer', () => {
    const node = freshNode(['a', 'b', 'c'], { rules: { mayTell: (to) => to !== 'b' } })
    const walks = sent(node.receive('x', { type: 'join' })).filter(([,, message]) => (message as Message).type === 'forwardJoin')

    expect(walks).to.deep.equal([['send', 'a', forwardJoin('x', 6)], ['send', 'c', forwardJoin('x', 6)]])
  })

  it('leaves the newcomer in the passive view at the passive random walk length only', () => {
    const node = freshNode(FULL)

    for (const ttl of [6, 5, 4, 2, 1]) {
      node.receive('a', forwardJoin(`x${ttl}`, ttl))
    }

    expect(node.passive).to.deep.equal([])
    node.receive('a', forwardJoin('x3', 3))
    expect(node.passive).to.deep.equal(['x3'])
  })

  it('ends at ttl 0: the newcomer is asked, and becomes a neighbor when it answers', () => {
    const node = freshNode(['a', 'b'])

    expect(node.receive('a', forwardJoin('x', 0, bytes('x!')))).to.deep.equal([
      ['peerData', 'x', bytes('x!')],
      ['peerData', 'x', bytes('x!')],
      ['send', 'x', neighborLow],
      ['timer', 'pendingNeighborRequest', 500]
    ])
    expect(node.neighbors).to.deep.equal(['a', 'b'])
    expect(node.receive('x', { type: 'neighbor', priority: 'low' })).to.deep.equal([['up', 'x'], ['send', 'x', neighborLow]])
  })

  it('ends with a single neighbor', () => {
    const node = freshNode(['a'])

    expect(sent(node.receive('a', forwardJoin('x', 6)))).to.deep.equal([['send', 'x', neighborLow]])
  })

  it('ends where nobody else could dial the newcomer', () => {
    const node = freshNode(['a', 'b', 'c'], { rules: { mayTell: (to) => to !== 'b' && to !== 'c' } })

    expect(sent(node.receive('a', forwardJoin('x', 6)))).to.deep.equal([['send', 'x', neighborLow]])
  })

  it('is dropped where we could not dial the newcomer either', () => {
    const node = freshNode(['a'], { rules: { canDial: ({ id }) => id !== 'x' } })

    expect(node.receive('a', forwardJoin('x', 0))).to.deep.equal([])
    expect(node.passive).to.deep.equal([])
  })

  it('at a full node makes room only when the newcomer answers', () => {
    const node = freshNode(FULL)
    node.receive('a', forwardJoin('x', 0))
    expect(node.neighbors).to.deep.equal(FULL)

    const effects = node.receive('x', { type: 'neighbor', priority: 'low' })
    expect(effects[0][2]).to.equal('evicted')
    expect(node.neighbors).to.include('x').and.have.lengthOf(5)
  })

  it('at a full node that dropped many lately only leaves the newcomer in the passive view', () => {
    const node = freshNode(FULL)

    for (const peer of ['u', 'v', 'w']) {
      node.receive(peer, { type: 'neighbor', priority: 'high' })
    }

    // u itself may have gone for v or w
    expect(node.receive(node.neighbors[0], forwardJoin('x', 0))).to.deep.equal([])
    expect(node.passive).to.include('x')
  })

  it('that names us is ignored', () => {
    expect(freshNode(FULL).receive('a', forwardJoin('me', 0))).to.deep.equal([])
  })

  it('that names a neighbor asks it whether it still is one', () => {
    const node = TestNode.with(['a', 'b'])

    expect(node.receive('a', forwardJoin('b', 4))).to.deep.equal([['send', 'b', neighborLow]])
  })

  it('drops data that would fill other frames', () => {
    const node = freshNode(['a', 'b'])

    expect(node.receive('a', forwardJoin('x', 4, new Uint8Array(473)))).to.deep.equal([
      ['send', 'b', forwardJoin('x', 3)]
    ])
    expect(node.receive('a', forwardJoin('y', 4, new Uint8Array(472)))).to.deep.equal([
      ['send', 'b', forwardJoin('y', 3, new Uint8Array(472))]
    ])
  })

  it('does not go on for longer than 64 hops, whatever was asked for', () => {
    expect(freshNode(['a', 'b']).receive('a', forwardJoin('x', 65_535))).to.deep.equal([['send', 'b', forwardJoin('x', 64)]])
  })

  it('asks nobody who refused a moment ago', () => {
    const node = freshNode(['a'])
    node.receive('a', forwardJoin('x', 0))
    node.receive('x', disconnectAlive as Message)

    expect(node.receive('a', forwardJoin('x', 0))).to.deep.equal([])
  })

  it('with high priority only from who has no neighbor', () => {
    const node = freshNode([])

    expect(sent(node.receive('s', forwardJoin('x', 0)))).to.deep.equal([['send', 'x', neighborHigh]])
  })
})

describe('Shuffle', () => {
  it('goes on to a neighbor that neither sent nor started it', () => {
    const reached = new Set<unknown>()

    for (let seed = 0; seed < 40; seed++) {
      const effects = freshNode(FULL, { seed }).receive('a', shuffle('b', peers(3), 4))

      expect(effects).to.deep.equal([['send', effects[0][1], shuffle('b', peers(3), 3)]])
      reached.add(effects[0][1])
    }

    expect([...reached].sort()).to.deep.equal(['c', 'd', 'e'])
  })

  it('ends at ttl 0: as many peers are answered as were named, which are remembered', () => {
    const node = freshNode(FULL)
    const effects = node.receive('a', shuffle('o', peers(3), 0))
    const reply = effects[0][2] as ShuffleReply

    expect(effects).to.deep.equal([['send', 'o', reply], ['release', 'o']])
    expect(reply.nodes).to.have.lengthOf(3)
    expect(FULL).to.include.members(reply.nodes.map(({ id }) => id))
    expect(node.passive).to.deep.equal(['p0', 'p1', 'p2'])

    // remembered peers first; those just named do not come back
    const second = node.receive('a', shuffle('o', peers(4, 'q'), 0))
    const named = (second[0][2] as ShuffleReply).nodes.map(({ id }) => id)
    expect(named.slice(0, 3)).to.have.members(['p0', 'p1', 'p2'])
    expect(FULL).to.include(named[3])
  })

  it('without peers is answered without peers, to whom it came from', () => {
    expect(freshNode(FULL).receive('x', shuffle('x', [], 0))).to.deep.equal([
      ['send', 'x', { type: 'shuffleReply', nodes: [] }],
      ['release', 'x']
    ])
  })

  it('of a neighbor is answered without letting go of it', () => {
    const node = freshNode(['a', 'b'])
    expect(node.receive('a', shuffle('a', [], 0))).to.deep.equal([['send', 'a', { type: 'shuffleReply', nodes: [] }]])
  })

  it('ends here when nobody else could reach its origin', () => {
    const node = freshNode(FULL, { rules: { mayTell: (_, peer) => peer.id !== 'o' } })
    const effects = node.receive('a', shuffle('o', peers(1), 5))

    expect(effects[0].slice(0, 2)).to.deep.equal(['send', 'o'])
  })

  it('gets no answer where its origin cannot be dialed', () => {
    const node = freshNode(FULL, { rules: { canDial: ({ id }) => id !== 'o' } })

    expect(node.receive('a', shuffle('o', peers(2), 0))).to.deep.equal([])
    expect(node.passive).to.deep.equal(['p0', 'p1'])
    // over its own connection it does
    expect(node.receive('o', shuffle('o', peers(1), 0))[0].slice(0, 2)).to.deep.equal(['send', 'o'])
  })

  it('names only peers that the next one may be told of', () => {
    const node = freshNode(['a', 'b'], { rules: { mayTell: (_, peer) => peer.id !== 'p1' } })

    expect(node.receive('a', shuffle('o', peers(3), 4))).to.deep.equal([
      ['send', 'b', shuffle('o', [{ id: 'p0' }, { id: 'p2' }], 3)]
    ])
  })

  it('of our own is ignored', () => {
    expect(freshNode(FULL).receive('a', shuffle('me', peers(3), 0))).to.deep.equal([])
  })

  it('never puts us, or who cannot be dialed, into the passive view', () => {
    const node = freshNode(FULL, { rules: { canDial: ({ id }) => id !== 'p1' } })
    node.receive('a', shuffle('o', [...peers(3), { id: 'me' }, { id: 'b' }], 0))

    expect(node.passive).to.deep.equal(['p0', 'p2'])
  })

  it('leaves the passive view within its capacity', () => {
    const node = freshNode(FULL)
    node.receive('a', shuffle('o', peers(50), 0))

    expect(node.passive).to.have.lengthOf(30)
  })

  it('makes a node with free slots ask', () => {
    const node = freshNode(['a', 'b', 'c'])

    expect(sent(node.receive('a', shuffle('a', peers(5), 0)), { type: 'neighbor' })).to.have.lengthOf(2)
  })

  /** Milliseconds between the Shuffles of a node whose neighbors live, and which hears something after each. */
  function pauses (node: TestNode, count: number, hear: (i: number) => void = () => {}): number[] {
    const times = [node.now]

    for (let i = 0; i < 20_000 && times.length <= count; i++) {
      if (sent(node.advance(100), { type: 'shuffle' }).some(([,, message]) => (message as Shuffle).ttl === 6)) {
        times.push(node.now)
        hear(times.length)
      }

      if (i % 300 === 0) {
        node.neighbors.forEach((peer) => node.receive(peer, { type: 'iHave', messages: [] }))
      }
    }

    return times.slice(1).map((time, i) => time - times[i])
  }

  function expectPauses (found: number[], expected: number[]): void {
    expect(found).to.have.lengthOf(expected.length)
    found.forEach((pause, i) => {
      expect(pause, `pause ${i}`).to.be.within(expected[i] * 0.9 - 100, expected[i] * 1.1 + 100 * Math.max(1, expected[i] / 60_000))
    })
  }

  const ours: Partial<Rules> = { understandsRefusal: () => true }

  it('is sent soon after the first neighbor came, and ever more rarely', () => {
    const node = freshNode(FULL, { rules: ours })
    const found = pauses(node, 10, (i) => node.receive('a', shuffle('o', [{ id: `p${i}` }], 0)))

    expectPauses(found, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
  })

  it('is sent more rarely still where nobody comes or goes', () => {
    const node = freshNode(FULL, { rules: ours })
    node.receive('a', shuffle('o', [{ id: 'p' }], 0))
    const found = pauses(node, 12)

    expectPauses(found.slice(7), [60_000, 120_000, 240_000, 480_000, 480_000])
  })

  it('is hardly sent any more where nobody is known but neighbors', () => {
    const node = freshNode(['a'], { rules: ours })
    const found = pauses(node, 9)

    expectPauses(found.slice(7), [240_000, 960_000])
  })

  it('is sent in each interval beside Rust peers, which ask others only when a reply reminds them', () => {
    const node = freshNode(FULL)
    node.receive('a', shuffle('o', [{ id: 'rust' }], 0))
    const found = pauses(node, 12)

    expectPauses(found.slice(7), [60_000, 60_000, 60_000, 60_000, 60_000])
  })

  it('goes no further than to the first who knows nobody else than its neighbors, unless it names another', () => {
    const goesTo = (nodes: PeerInfo[]): unknown[] => sent(freshNode(FULL, { rules: ours }).receive('a', shuffle('b', nodes, 6)))
      .map(([, to, message]) => [to, (message as Message).type])

    expect(goesTo([{ id: 'b' }, { id: 'c' }])).to.deep.equal([['b', 'shuffleReply']])
    expect(goesTo([{ id: 'b' }, { id: 'x' }])).to.have.lengthOf(1)
    expect(goesTo([{ id: 'b' }, { id: 'x' }])).to.not.deep.equal([['b', 'shuffleReply']])
  })

  it('goes no further than to the first, where nobody has come or gone for long', () => {
    const [settled, beside] = [freshNode(FULL, { rules: ours }), freshNode(FULL)]
    beside.receive('a', shuffle('o', [{ id: 'rust' }], 0))

    for (const node of [settled, beside]) {
      pauses(node, 9)
    }

    expect(sent(settled.receive('a', shuffle('b', [{ id: 'b' }], 6))).map(([, to, message]) => [to, (message as Message).type])).to.deep.equal([['b', 'shuffleReply']])
    expect(sent(beside.receive('a', shuffle('b', [{ id: 'b' }], 6))).map(([,, message]) => (message as Message).type)).to.deep.equal(['shuffle'])
  })

  it('of ours names us, three neighbors and four others, and no more', () => {
    const node = freshNode(FULL, { peerData: bytes('me!') })
    node.receive('a', shuffle('o', peers(10), 0))
    const [[, to, message]] = sent(node.advance(600), { type: 'shuffle' })
    const { nodes, origin, ttl } = message as Shuffle
    const ids = nodes.map(({ id }) => id)

    expect({ origin, ttl, first: nodes[0] }).to.deep.equal({ origin: 'me', ttl: 6, first: { id: 'me', data: bytes('me!') } })
    expect(ids.filter((id) => FULL.includes(id))).to.have.lengthOf(3)
    expect(ids.filter((id) => id.startsWith('p'))).to.have.lengthOf(4)
    expect(ids).to.have.lengthOf(8).and.not.include(to)
  })

  it('of ours names at most eight peers, whatever is configured', () => {
    const node = freshNode(FULL, { config: { membership: { shuffleActiveViewCount: 10, shufflePassiveViewCount: 20 } } })
    node.receive('a', shuffle('o', peers(30), 0))
    const [[, , message]] = sent(node.advance(600), { type: 'shuffle' })

    expect((message as Shuffle).nodes).to.have.lengthOf(8)
  })

  it('of ours is answered by the neighbor itself where it must not be told how to reach us', () => {
    const node = freshNode(['a', 'b'], { rules: { mayTell: (_, peer) => peer.id !== 'me' } })
    const [[, to, message]] = sent(node.advance(600), { type: 'shuffle' })

    expect(message).to.deep.equal(shuffle('me', [{ id: to === 'a' ? 'b' : 'a' }], 0))
  })

  it('with as much data as may be kept still fits into a frame', () => {
    const data = new Uint8Array(472).fill(7)
    const node = new TestNode({ peerData: data })
    node.join([])
    FULL.forEach((id) => node.receive(id, { type: 'neighbor', priority: 'low', data }))
    node.receive('a', shuffle('o', peers(10).map(({ id }) => ({ id, data })), 0))
    const [[, , message]] = sent(node.advance(600), { type: 'shuffle' })

    // 2 tags, the origin, the count, the ttl; each peer 32 + 1 + 2 + 472
    expect((message as Shuffle).nodes).to.have.lengthOf(8)
    expect(2 + 32 + 1 + 1 + 8 * 507).to.be.lessThan(4_096)
  })

  it('is cut to a smaller frame', () => {
    const data = new Uint8Array(100).fill(7)
    const node = new TestNode({ peerData: data, config: { maxMessageSize: 512 } })
    node.join([])
    FULL.forEach((id) => node.receive(id, { type: 'neighbor', priority: 'low', data }))
    const effects = node.receive('a', shuffle('o', peers(8).map(({ id }) => ({ id, data })), 0))
    const [[, , message]] = sent(node.advance(600), { type: 'shuffle' })

    // 134 bytes a peer: 36 + 3 * 134 fit, 36 + 4 * 134 do not
    expect((message as Shuffle).nodes.map(({ id }) => id)).to.have.lengthOf(3).and.include('me')
    expect((effects[0][2] as ShuffleReply).nodes).to.have.lengthOf(3)
  })
})

describe('ShuffleReply', () => {
  const reply = (count: number): Message => ({ type: 'shuffleReply', nodes: peers(count) })

  /** A full node that has just sent a Shuffle in which it named itself and some neighbors. */
  function afterShuffle (): { node: TestNode, named: number } {
    const node = freshNode(FULL)
    const [[, , message]] = sent(node.advance(600), { type: 'shuffle' })

    return { node, named: (message as Shuffle).nodes.length }
  }

  it('is believed from anyone, once for each Shuffle', () => {
    const { node, named } = afterShuffle()
    expect(named).to.equal(4)

    expect(node.receive('stranger', reply(4))).to.deep.equal([['release', 'stranger']])
    expect(node.passive).to.deep.equal(['p0', 'p1', 'p2', 'p3'])

    node.receive('other', { type: 'shuffleReply', nodes: [{ id: 'q' }] })
    expect(node.passive).to.deep.equal(['p0', 'p1', 'p2', 'p3'])
  })

  it('is not believed when it names more peers than we did', () => {
    const { node, named } = afterShuffle()
    node.receive('stranger', reply(named + 1))

    expect(node.passive).to.deep.equal([])
    expect(node.receive('stranger', { type: 'prune' })).to.deep.equal([['violation', 'stranger', 'unexpectedShuffleReply']])
  })

  it('is not believed ten seconds later', () => {
    const node = freshNode(FULL)
    // shuffles at about 0.5 and 1.5 s
    node.advance(2_000)
    for (let i = 0; i < 4; i++) {
      node.receive('s', { type: 'shuffleReply', nodes: [{ id: `early${i}` }] })
    }
    expect(node.passive).to.have.lengthOf(2)

    const { node: late } = afterShuffle()
    late.disconnected('a')
    late.disconnected('b')
    late.disconnected('c')
    late.disconnected('d')
    late.disconnected('e')
    late.advance(10_100)
    late.receive('s', reply(1))
    expect(late.passive).to.deep.equal([])
  })

  it('that nobody asked for is believed when a Disconnect follows', () => {
    const node = freshNode(FULL)
    expect(node.receive('a', reply(7))).to.deep.equal([])
    expect(node.passive).to.deep.equal([])

    const effects = node.receive('a', disconnectAlive as Message)
    expect(effects[0]).to.deep.equal(['down', 'a', 'evictedByPeer'])
    expect(sent(effects, { type: 'neighbor' })).to.have.lengthOf(1)
    expect(node.passive).to.include.members(['p0', 'p6'])
  })

  for (const message of [{ type: 'prune' }, { type: 'neighbor', priority: 'low' }, { type: 'forwardJoin', peer: { id: 'x' }, ttl: 6 }] satisfies Message[]) {
    it(`that nobody asked for is dropped when anything else follows, such as ${message.type}`, () => {
      const node = freshNode(FULL)
      node.receive('a', reply(7))

      expect(node.receive('a', message)[0]).to.deep.equal(['violation', 'a', 'unexpectedShuffleReply'])
      expect(node.receive('a', disconnectAlive as Message)[0]).to.deep.equal(['down', 'a', 'evictedByPeer'])
      expect(node.passive).to.deep.equal(['a'])
    })
  }

  it('before a Disconnect is not believed with more than seven peers', () => {
    const node = freshNode(FULL)
    node.receive('a', reply(8))
    node.receive('a', disconnectAlive as Message)

    expect(node.passive).to.deep.equal(['a'])
  })

  it('without peers means nothing', () => {
    const node = freshNode(FULL)

    expect(node.receive('a', reply(0))).to.deep.equal([])
    expect(node.receive('a', { type: 'prune' })).to.deep.equal([])
  })
})
