import { expect } from 'chai'
import { State } from '../../src/proto/index.ts'
import { TestNode, bytes, disconnectAlive, disconnectLeft, gossip, neighborLow, sent } from './support/test-node.ts'
import type { Message, Rules } from '../../src/proto/index.ts'

const low: Message = { type: 'neighbor', priority: 'low' }

/** A node whose neighbor `a` is one in both topics. */
function inTwoTopics (rules: Partial<Rules> = {}): TestNode {
  const node = new TestNode({ rules })

  for (const topic of ['one', 'two']) {
    node.join([], topic)
    node.receive('a', low, topic)
  }

  node.advance(12_000)

  return node
}

describe('several topics', () => {
  it('let go of a peer with the last of them, after the last message', () => {
    const node = inTwoTopics()
    const first = node.command({ type: 'quit' }, 'one')
    expect(first).to.deep.include(['send', 'a', disconnectLeft])
    expect(first).to.not.deep.include(['release', 'a'])
    expect(node.state.needs('a')).to.equal(true)

    const last = node.command({ type: 'quit' }, 'two')
    expect(last.at(-1)).to.deep.equal(['release', 'a'])
    expect(node.state.topics()).to.deep.equal([])
  })

  it('remind a peer on the others when it left one', () => {
    const node = inTwoTopics()

    expect(node.receive('a', disconnectLeft as Message, 'one')).to.deep.equal([
      ['down', 'a', 'left'],
      ['send', 'a', neighborLow]
    ])
    expect(node.state.neighbors('two')).to.deep.equal(['a'])
  })

  it('remind a peer a second after we left one: a reminder must not overtake our goodbye', () => {
    const node = inTwoTopics()
    expect(node.command({ type: 'quit' }, 'one').at(-1)).to.deep.equal(['timer', 'remind', 1_000])
    expect(node.advance(999)).to.deep.equal([])
    expect(node.advance(1)).to.deep.equal([['send', 'a', neighborLow]])
  })

  it('need no reminding of a peer of our kind, which goes on sending in the others', () => {
    const rules = { understandsRefusal: () => true }
    const left = inTwoTopics(rules)
    expect(left.receive('a', disconnectLeft as Message, 'one')).to.deep.equal([['down', 'a', 'left']])

    const leaving = inTwoTopics(rules)
    const effects = leaving.command({ type: 'quit' }, 'one')
    expect(effects).to.deep.include(['send', 'a', disconnectLeft])
    expect(effects).to.not.deep.include(['timer', 'remind', 1_000])
  })

  it('all lose a peer whose connection is lost', () => {
    const node = inTwoTopics()

    expect(node.disconnected('a').filter(([what]) => what === 'down')).to.have.lengthOf(2)
    expect(node.state.neighbors('one')).to.deep.equal([])
    expect(node.state.neighbors('two')).to.deep.equal([])
  })

  it('do not share messages', () => {
    const node = inTwoTopics()
    node.receive('a', gossip('x'), 'one')

    expect(node.receive('a', gossip('x'), 'two')[0]?.[0]).to.equal('received')
  })

  it('all send new address data from then on', () => {
    const node = inTwoTopics()
    expect(node.handle({ type: 'updatePeerData', data: bytes('new') })).to.deep.equal([])

    for (const topic of ['one', 'two']) {
      expect(node.receive('b', low, topic)[1]).to.deep.equal(['send', 'b', { ...neighborLow, data: bytes('new') }])
    }

    // nobody would pass on so much, and a Rust peer that did would stop for good
    node.handle({ type: 'updatePeerData', data: new Uint8Array(473) })
    expect(node.receive('c', low, 'one')[1]).to.deep.equal(['send', 'c', neighborLow])
  })
})

describe('a topic that we are not in', () => {
  const answered: Message[] = [
    gossip('x'),
    { type: 'iHave', messages: [] },
    { type: 'graft', round: 0 },
    { type: 'prune' },
    { type: 'shuffle', origin: 'x', nodes: [], ttl: 3 },
    { type: 'forwardJoin', peer: { id: 'y' }, ttl: 3 }
  ]

  for (const message of answered) {
    it(`answers ${message.type}: its sender counts us as neighbor`, () => {
      const node = new TestNode()

      expect(node.receive('x', message)).to.deep.equal([['send', 'x', disconnectLeft], ['release', 'x']])
    })
  }

  for (const message of [disconnectAlive, disconnectLeft, { type: 'shuffleReply', nodes: [{ id: 'y' }] }] as Message[]) {
    it(`never answers ${message.type}`, () => {
      expect(new TestNode().receive('x', message)).to.deep.equal([])
    })
  }

  for (const type of ['join', 'neighbor'] as const) {
    const message = (data?: Uint8Array): Message => type === 'join' ? { type, data } : { type, priority: 'low', data }

    it(`hears ${type} in silence: the answer would stop a Rust peer from asking the next`, () => {
      expect(new TestNode().receive('x', message(bytes('x')))).to.deep.equal([])
    })

    it(`answers ${type} of one that understands the refusal`, () => {
      const node = new TestNode({ rules: { understandsRefusal: (data) => data?.byteLength === 3 } })

      expect(node.receive('x', message(bytes('x')))).to.deep.equal([])
      expect(node.receive('x', message())).to.deep.equal([])
      expect(node.receive('x', message(bytes('xyz')))).to.deep.equal([['send', 'x', disconnectLeft], ['release', 'x']])
    })
  }

  it('answers each peer once in five seconds', () => {
    const node = new TestNode()
    const answers = (): number => sent(node.receive('x', { type: 'prune' })).length

    expect([answers(), answers()]).to.deep.equal([1, 0])
    expect(sent(node.receive('y', { type: 'prune' }))).to.have.lengthOf(1)
    expect(sent(node.receive('x', { type: 'prune' }, 'another'))).to.have.lengthOf(1)
    node.advance(4_999)
    expect(answers()).to.equal(0)
    node.advance(1)
    expect(answers()).to.equal(1)
  })

  it('answers at most 1,024 times in that time', () => {
    const node = new TestNode()
    let answers = 0

    for (let i = 0; i < 3_000; i++) {
      answers += sent(node.receive(`x${i}`, { type: 'prune' })).length
    }

    expect(answers).to.equal(1_024)
  })

  it('keeps a peer that other topics need', () => {
    const node = TestNode.with(['a'])

    expect(node.receive('a', { type: 'prune' }, 'other')).to.deep.equal([
      ['send', 'a', disconnectLeft],
      ['timer', 'remind', 1_000]
    ])
  })
})

describe('State', () => {
  it('refuses a message size that control messages would not fit into', () => {
    const create = (maxMessageSize: number): State => new State({ me: 'me', seed: 1, hash: (content) => content, config: { maxMessageSize } })

    expect(() => create(511)).to.throw(RangeError, '511')
    expect(create(512).topics()).to.deep.equal([])
  })

  it('knows nothing of a topic that it is not in', () => {
    const { state } = new TestNode()

    expect(state.has('t')).to.equal(false)
    expect(state.stats('t')).to.equal(undefined)
    expect([state.neighbors('t'), state.passivePeers('t'), state.eagerPushPeers('t'), state.lazyPushPeers('t')]).to.deep.equal([[], [], [], []])
  })

  it('ignores messages that claim to be its own', () => {
    expect(TestNode.with(['a']).receive('me', low)).to.deep.equal([])
  })

  it('returns a new array each time', () => {
    const node = TestNode.with(['a'])
    const event = { type: 'receiveMessage', from: 'a', topic: 'topic', message: { type: 'graft', round: 0 } } as const

    expect(node.handle(event)).to.not.equal(node.handle(event))
  })

  it('rests when nothing is left to do', () => {
    const node = TestNode.with(['a'])
    node.receive('a', gossip('x'))
    node.receive('a', disconnectLeft as Message)
    node.advance(10 * 60_000)
    const { sizes } = node.state.stats('topic') ?? { sizes: { none: -1 } }

    expect(Object.values(sizes).every((size) => size === 0)).to.equal(true)
    expect(node.pendingTimers).to.equal(0)
  })
})

describe('a broken link', () => {
  it('is asked for again on every topic, never just resumed: a Rust peer may have removed us', () => {
    const node = inTwoTopics()

    expect(node.handle({ type: 'linkBroken', peer: 'a' })).to.deep.equal([
      { type: 'sendMessage', to: 'a', topic: 'one', message: neighborLow },
      { type: 'sendMessage', to: 'a', topic: 'two', message: neighborLow }
    ])
    expect(node.state.neighbors('one')).to.deep.equal(['a'])
  })

  it('to a peer that is no neighbor says nothing', () => {
    expect(inTwoTopics().handle({ type: 'linkBroken', peer: 'b' })).to.deep.equal([])
  })
})

describe('a stranger that was answered', () => {
  it('is released when it has been quiet for 10 s: nothing else would end the stream to it', () => {
    const node = TestNode.with(['a'])
    node.publish('x')
    expect(sent(node.receive('b', gossip('x')), { to: 'b' })).to.deep.equal([['send', 'b', { type: 'prune' }]])
    expect(node.advance(9_000)).to.not.deep.include(['release', 'b'])
    expect(node.advance(7_000)).to.deep.include(['release', 'b'])
  })
})
