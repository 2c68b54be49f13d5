import { expect } from 'chai'
import { maxContentBytes } from '../../src/proto/index.ts'
import { TestNode, bytes, gossip, hash, sent } from './support/test-node.ts'
import type { Short } from './support/test-node.ts'
import type { Gossip, Message, PeerKey } from '../../src/proto/index.ts'

const id = (text: string): Uint8Array => hash(bytes(text))
const iHave = (...entries: Array<[string, number]>): Message => ({
  type: 'iHave',
  messages: entries.map(([text, round]) => ({ id: id(text), round }))
})
const prune: Message = { type: 'prune' }

function graft (text: string | undefined, round = 0): Message {
  return text === undefined ? { type: 'graft', round } : { type: 'graft', id: id(text), round }
}

function forNeighbors (text: string): Message {
  return { type: 'gossip', id: id(text), content: bytes(text), scope: { type: 'neighbors' } }
}

/** A node with these neighbors, the lazy ones of which have sent Prune. */
function treeNode (eager: PeerKey[], lazy: PeerKey[], init: ConstructorParameters<typeof TestNode>[0] = {}): TestNode {
  const node = TestNode.with([...eager, ...lazy], init)
  lazy.forEach((peer) => node.receive(peer, prune))

  return node
}

function received (text: string, deliveredFrom: PeerKey, round: number): unknown[] {
  return ['received', { type: 'received', content: bytes(text), deliveredFrom, scope: { type: 'swarm', round } }]
}

describe('publishing', () => {
  it('sends the payload to eager peers, and announces it to lazy ones after 5 ms', () => {
    const node = treeNode(['a', 'b'], ['c'])

    expect(node.publish('x')).to.deep.equal([
      ['send', 'a', gossip('x', 0)],
      ['send', 'b', gossip('x', 0)],
      ['timer', 'dispatchLazyPush', 5]
    ])
    expect(node.advance(4)).to.deep.equal([])
    expect(node.advance(1)).to.deep.equal([['send', 'c', iHave(['x', 0])]])
  })

  it('gives every eager peer the same object', () => {
    const effects = sent(treeNode(['a', 'b', 'c'], []).publish('x'))

    expect(effects).to.have.lengthOf(3)
    expect(effects.every(([, , message]) => message === effects[0][2])).to.equal(true)
  })

  it('announces what gathers within 5 ms in one message', () => {
    const node = treeNode(['a'], ['b', 'c'])
    node.publish('x')
    node.advance(2)
    expect(sent(node.publish('y'))).to.deep.equal([['send', 'a', gossip('y', 0)]])

    expect(node.advance(3)).to.deep.equal([
      ['send', 'b', iHave(['x', 0], ['y', 0])],
      ['send', 'c', iHave(['x', 0], ['y', 0])]
    ])
  })

  it('cuts many announcements into messages that fit', () => {
    const node = treeNode([], ['a'], { config: { maxMessageSize: 512 } })

    for (let i = 0; i < 30; i++) {
      node.publish(`m${i}`)
    }

    const lengths = node.advance(5).map(([, , message]) => (message as Extract<Message, { type: 'iHave' }>).messages.length)
    // 35 bytes each at most: 14 in 511
    expect(lengths).to.deep.equal([14, 14, 2])
  })

  it('of what the topic has seen puts nothing on the wire, and says so', () => {
    const node = treeNode(['a', 'b'], [])
    node.publish('x')
    expect(node.publish('x')).to.deep.equal([['duplicate']])

    node.receive('a', gossip('y', 3))
    expect(node.publish('y')).to.deep.equal([['duplicate']])
    expect(node.command({ type: 'broadcast', content: bytes('y'), scope: 'neighbors' })).to.deep.equal([['duplicate']])
  })

  it('of the same content is possible again after two minutes', () => {
    const node = treeNode(['a'], [])
    node.publish('x')
    node.advance(30_000)
    node.receive('a', prune)
    node.advance(30_000)
    node.receive('a', graft(undefined))
    node.advance(58_000)
    expect(node.publish('x')).to.deep.equal([['duplicate']])
    node.advance(4_000)
    expect(sent(node.publish('x'))).to.deep.equal([['send', 'a', gossip('x', 0)]])
  })

  it('does nothing in a topic that was not joined', () => {
    const node = new TestNode()

    expect(node.publish('x')).to.deep.equal([])
  })

  it('takes at most what survives any number of hops', () => {
    const node = treeNode(['a'], [])
    expect(maxContentBytes(4_096)).to.equal(4_055)

    expect(sent(node.command({ type: 'broadcast', content: new Uint8Array(4_055), scope: 'swarm' }))).to.have.lengthOf(1)
    expect(() => node.command({ type: 'broadcast', content: new Uint8Array(4_056), scope: 'swarm' })).to.throw(RangeError, '4055')
    expect(sent(node.publish('goes on'))).to.have.lengthOf(1)
  })

  it('to neighbors reaches eager and lazy ones at once, and again with the same content', () => {
    const node = treeNode(['a'], ['b'])
    const message = { ...gossip('x'), scope: { type: 'neighbors' } }

    for (let i = 0; i < 2; i++) {
      expect(node.command({ type: 'broadcast', content: bytes('x'), scope: 'neighbors' })).to.deep.equal([
        ['send', 'a', message],
        ['send', 'b', message]
      ])
    }

    // it cannot be asked for
    expect(node.receive('a', graft('x'))).to.deep.equal([])
  })
})

describe('Gossip', () => {
  it('is forwarded one round on to all eager peers but its sender, announced to lazy ones, and delivered', () => {
    const node = treeNode(['a', 'b', 'c'], ['d'])
    const effects = node.receive('a', gossip('x', 3))

    expect(effects).to.deep.equal([
      ['send', 'b', gossip('x', 4)],
      ['send', 'c', gossip('x', 4)],
      ['timer', 'dispatchLazyPush', 5],
      received('x', 'a', 3)
    ])
    expect(effects[0][2]).to.equal(effects[1][2])
    expect(node.advance(5)).to.deep.equal([['send', 'd', iHave(['x', 4])]])
  })

  it('is not announced to the lazy peer that sent it', () => {
    const node = treeNode(['a'], ['b'])

    expect(node.receive('b', gossip('x', 0))).to.deep.equal([['send', 'a', gossip('x', 1)], received('x', 'b', 0)])
  })

  it('that is known is answered with Prune, and its sender becomes lazy', () => {
    const node = treeNode(['a', 'b'], [])
    node.receive('a', gossip('x', 3))

    expect(node.receive('b', gossip('x', 1))).to.deep.equal([['send', 'b', prune]])
    expect(node.eager).to.deep.equal(['a'])
    expect(node.lazy).to.deep.equal(['b'])
  })

  it('of our own that comes back is known', () => {
    const node = treeNode(['a', 'b'], [])
    node.publish('x')

    expect(node.receive('b', gossip('x', 5))).to.deep.equal([['send', 'b', prune]])
  })

  it('whose id is not the hash of its content is dropped', () => {
    const node = treeNode(['a', 'b'], [])
    const spoofed: Message = { type: 'gossip', id: id('y'), content: bytes('x'), scope: { type: 'swarm', round: 0 } }

    expect(node.receive('a', spoofed)).to.deep.equal([['violation', 'a', 'spoofedMessageId']])
    expect(node.receive('a', gossip('y'))).to.deep.include(received('y', 'a', 0))
  })

  for (const [round, next] of [[126, 127], [65_533, 65_534], [65_534, 65_534], [65_535, 65_534]]) {
    it(`of round ${round} goes on with ${next}`, () => {
      expect(sent(treeNode(['a', 'b'], []).receive('a', gossip('x', round)))).to.deep.equal([['send', 'b', gossip('x', next)]])
    })
  }

  it('that would not fit with its next round is delivered, neither forwarded, announced nor served', () => {
    const node = treeNode(['a', 'b'], ['c'])
    // two tags, the id, two bytes of length, the scope and one byte of round: 4,095 with the content
    const content = new Uint8Array(4_095 - 38)
    const message: Gossip = { type: 'gossip', id: hash(content), content, scope: { type: 'swarm', round: 127 } }

    expect(node.receive('a', message)).to.deep.equal([
      ['received', { type: 'received', content, deliveredFrom: 'a', scope: { type: 'swarm', round: 127 } }]
    ])
    expect(node.advance(10)).to.deep.equal([])
    expect(node.receive('b', { type: 'graft', id: message.id, round: 0 })).to.deep.equal([])
    expect(node.receive('b', message)).to.deep.equal([['send', 'b', prune]])

    const other = new Uint8Array(4_095 - 38).fill(1)
    expect(sent(node.receive('b', { ...message, id: hash(other), content: other, scope: { type: 'swarm', round: 126 } }))).to.have.lengthOf(1)
  })

  it('for neighbors is delivered each time, and goes no further', () => {
    const node = treeNode(['a', 'b'], ['c'])
    const message = forNeighbors('x')
    const event = ['received', { type: 'received', content: bytes('x'), deliveredFrom: 'a', scope: { type: 'neighbors' } }]

    expect(node.receive('a', message)).to.deep.equal([event])
    expect(node.receive('a', message)).to.deep.equal([event])
  })

  it('for neighbors that the swarm has seen is dropped, without a Prune that would end all later ones', () => {
    const node = treeNode(['a', 'b'], [])
    node.receive('a', gossip('x'))

    expect(node.receive('b', forNeighbors('x'))).to.deep.equal([])
    expect(node.eager).to.deep.equal(['a', 'b'])
  })

  it('is counted', () => {
    const node = treeNode(['a', 'b'], [])
    node.receive('a', gossip('x', 7))
    node.receive('b', gossip('x', 2))
    node.receive('a', gossip('y', 4))
    node.publish('z')

    expect(node.state.stats('topic')).to.deep.include({
      payloadsReceived: 3,
      duplicates: 1,
      controlReceived: 0,
      lastDeliveryHop: 4,
      maxDeliveryHop: 7,
      delivered: 2,
      published: 1,
      neighbors: 2,
      eagerPushPeers: 1,
      lazyPushPeers: 1
    })
  })
})

describe('Prune and Graft', () => {
  it('move a neighbor between the sets', () => {
    const node = treeNode(['a', 'b'], [])

    expect(node.receive('a', prune)).to.deep.equal([])
    expect([node.eager, node.lazy]).to.deep.equal([['b'], ['a']])
    expect(node.receive('a', graft(undefined))).to.deep.equal([])
    expect([node.eager, node.lazy]).to.deep.equal([['a', 'b'], []])
  })

  it('serves the message that was asked for as it would be forwarded', () => {
    const node = treeNode(['a'], ['b'])
    node.receive('a', gossip('x', 6))

    expect(node.receive('b', graft('x', 7))).to.deep.equal([['send', 'b', gossip('x', 7)]])
    expect(node.receive('b', graft('unknown', 7))).to.deep.equal([])
  })

  it('serves for half a minute', () => {
    const node = treeNode(['a'], ['b'])
    node.receive('a', gossip('x', 6))
    node.advance(29_000)
    expect(node.receive('b', graft('x', 7))).to.deep.equal([['send', 'b', gossip('x', 7)]])
    node.advance(2_500)
    expect(node.receive('b', graft('x', 7))).to.deep.equal([])
  })
})

describe('IHave', () => {
  it('of an unknown message asks for it after 80 ms, and its sender becomes eager', () => {
    const node = treeNode(['a'], ['b'])

    expect(node.receive('b', iHave(['x', 4]))).to.deep.equal([['timer', 'sendGraft', 80]])
    expect(node.advance(79)).to.deep.equal([])
    expect(node.advance(1)).to.deep.equal([['send', 'b', graft('x', 4)], ['timer', 'sendGraft', 40]])
    expect(node.eager).to.deep.equal(['a', 'b'])
  })

  it('of a known message does nothing', () => {
    const node = treeNode(['a'], ['b'])
    node.receive('a', gossip('x'))

    expect(node.receive('b', iHave(['x', 4]))).to.deep.equal([])
  })

  it('does nothing any more when the message comes in time', () => {
    const node = treeNode(['a'], ['b'])
    node.receive('b', iHave(['x', 4]))
    node.advance(50)
    node.receive('a', gossip('x', 4))

    expect(sent(node.advance(1_000), { type: 'graft' })).to.deep.equal([])
    expect(node.lazy).to.deep.equal(['b'])
    expect(node.size('missing')).to.equal(0)
  })

  it('of several peers asks one after the other, 40 ms apart, each once', () => {
    const node = treeNode(['a'], ['b', 'c', 'd'])
    node.receive('b', iHave(['x', 4]))
    node.receive('c', iHave(['x', 5]))
    node.receive('c', iHave(['x', 5]))
    node.advance(30)
    node.receive('d', iHave(['x', 6]))

    const times: unknown[] = []

    for (let ms = 30; ms < 400; ms += 10) {
      times.push(...sent(node.advance(10), { type: 'graft' }).map(([, to]) => [ms + 10, to]))
    }

    expect(times).to.deep.equal([[80, 'b'], [120, 'c'], [160, 'd']])
    expect(node.size('missing')).to.equal(0)
  })

  it('asks each message at its own time', () => {
    const node = treeNode(['a'], ['b', 'c'])
    node.receive('b', iHave(['x', 1]))
    node.advance(60)
    node.receive('c', iHave(['y', 1], ['z', 1]))
    const grafts: unknown[] = []

    for (let ms = 60; ms < 200; ms += 5) {
      grafts.push(...sent(node.advance(5), { type: 'graft' }).map(([, to, message]) => [ms + 5, to, message]))
    }

    expect(grafts).to.deep.equal([
      [80, 'b', graft('x', 1)],
      [140, 'c', graft('y', 1)],
      [140, 'c', graft('z', 1)]
    ])
  })

  it('of a peer that is gone is not asked', () => {
    const node = treeNode(['a'], ['b', 'c'])
    node.receive('b', iHave(['x', 4]))
    node.receive('c', iHave(['x', 5]))
    node.disconnected('b')

    expect(sent(node.advance(300), { type: 'graft' })).to.deep.equal([['send', 'c', graft('x', 5)]])
  })

  it('is taken again when the first asking was in vain', () => {
    const node = treeNode(['a'], ['b'])
    node.receive('b', iHave(['x', 4]))
    node.advance(500)
    node.receive('b', iHave(['x', 4]))

    expect(sent(node.advance(80), { type: 'graft' })).to.deep.equal([['send', 'b', graft('x', 4)]])
  })

  it('is not taken without bound from one peer, nor at the cost of others', () => {
    const node = treeNode(['a'], ['b'])
    const flood = (from: string, start: number, count: number): unknown[] => node.receive(from, {
      type: 'iHave',
      messages: Array.from({ length: count }, (_, i) => ({ id: new Uint8Array(new Uint32Array(8).fill(start + i).buffer), round: 0 }))
    })

    expect(flood('b', 1, 4_096)).to.deep.equal([['timer', 'sendGraft', 80]])
    expect(flood('b', 5_000, 10)).to.deep.equal([['violation', 'b', 'tooManyAnnouncements']])
    expect(node.size('missing')).to.equal(4_096)
    expect(flood('a', 6_000, 10)).to.deep.equal([])
    expect(node.size('missing')).to.equal(4_106)
    node.advance(400)
    expect(node.size('missing')).to.equal(0)
    expect(flood('b', 20_000, 4_096)).to.deep.equal([['timer', 'sendGraft', 80]])
  })

  it('of many messages is answered a few at a time, until all are asked for', () => {
    const node = treeNode(['a'], ['b'])
    const ids = Array.from({ length: 1_000 }, (_, i) => new Uint8Array(new Uint32Array(8).fill(i + 1).buffer))
    node.receive('b', { type: 'iHave', messages: ids.map((id) => ({ id, round: 0 })) })
    const asked = (ms: number): unknown[] => sent(node.advance(ms), { to: 'b', type: 'graft' }).map(([, , message]) => (message as { id: Uint8Array }).id)

    const first = asked(80)
    expect(first).to.have.lengthOf(256)
    expect([...first, ...asked(400)]).to.deep.equal(ids)
  })

  it('that would be one of too many goes out before its time', () => {
    const node = treeNode(['a'], ['b'])
    const announcedTo = (effects: Short[]): unknown[] => sent(effects, { to: 'b', type: 'iHave' }).flatMap(([, , message]) => (message as { messages: unknown[] }).messages)
    let early = 0

    for (let i = 0; i < 300; i++) {
      early += announcedTo(node.publish(`m${i}`)).length
    }

    expect(early).to.equal(256)
    expect(announcedTo(node.advance(250))).to.have.lengthOf(44)
  })

  it('is not made to a lazy peer that is gone', () => {
    const node = treeNode(['a'], ['b'])
    node.publish('x')
    node.disconnected('b')

    expect(sent(node.advance(100), { type: 'iHave' })).to.deep.equal([])
  })
})

describe('the tree', () => {
  it('replaces a link by one that is three rounds nearer to the origin', () => {
    const node = treeNode(['a'], ['b', 'c'])
    node.receive('b', iHave(['x', 5]))
    node.receive('c', iHave(['x', 2]))

    const effects = node.receive('a', gossip('x', 4))
    expect(effects).to.deep.include.members([['send', 'c', graft(undefined, 2)], ['send', 'a', prune]])
    expect([node.eager, node.lazy]).to.deep.equal([['c'], ['a', 'b']])
  })

  it('stays as it is for a smaller gain', () => {
    const node = treeNode(['a'], ['b'])
    node.receive('b', iHave(['x', 3]))

    expect(sent(node.receive('a', gossip('x', 4)))).to.deep.equal([])
    expect([node.eager, node.lazy]).to.deep.equal([['a'], ['b']])
  })

  it('is not changed for a stranger', () => {
    const node = treeNode(['a'], [])
    node.receive('s', iHave(['x', 0]))

    expect(sent(node.receive('a', gossip('x', 20)))).to.deep.equal([])
    expect([node.eager, node.lazy]).to.deep.equal([['a'], []])
  })
})

describe('a stranger', () => {
  it('is served, and gets into no set', () => {
    const node = treeNode(['a'], ['b'])

    expect(node.receive('s', gossip('x', 1)).slice(0, 1)).to.deep.equal([['send', 'a', gossip('x', 2)]])
    expect(node.receive('s', graft('x', 1))).to.deep.equal([['send', 's', gossip('x', 2)]])
    expect(node.receive('s', gossip('x', 1))).to.deep.equal([['send', 's', prune]])
    expect(node.receive('s', prune)).to.deep.equal([])
    node.receive('s', iHave(['y', 1]))
    expect(sent(node.advance(80), { to: 's' })).to.deep.equal([['send', 's', graft('y', 1)]])
    expect([node.eager, node.lazy]).to.deep.equal([['a'], ['b']])
  })

  it('is told after a second that it is none of our neighbors', () => {
    const node = treeNode(['a', 'b'], [])
    node.receive('s', gossip('1'))
    node.advance(999)
    expect(sent(node.receive('s', gossip('2')), { to: 's' })).to.deep.equal([])
    node.advance(1)
    expect(node.receive('s', gossip('3')).slice(-2)).to.deep.equal([
      ['send', 's', { type: 'disconnect', alive: true, respond: false }],
      ['release', 's']
    ])
    // and not for every message
    expect(sent(node.receive('s', gossip('4')), { to: 's' })).to.deep.equal([])
    node.advance(1_000)
    expect(sent(node.receive('s', gossip('5')), { to: 's', type: 'disconnect' })).to.have.lengthOf(1)
  })

  it('is not told while it waits for an answer', () => {
    const node = TestNode.with(['a', 'b', 'c', 'd', 'e'])
    node.receive('s', gossip('1'))
    node.advance(900)
    node.receive('s', { type: 'neighbor', priority: 'low' })
    node.advance(200)

    expect(sent(node.receive('s', gossip('2')), { to: 's' })).to.deep.equal([])
  })

  it('is forgotten', () => {
    const node = treeNode(['a', 'b'], [])

    for (let i = 0; i < 400; i++) {
      node.receive(`s${i}`, prune)
    }

    expect(node.size('strangers')).to.equal(256)
    node.advance(16_000)
    expect(node.size('strangers')).to.equal(0)
  })
})
