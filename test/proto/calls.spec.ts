import { expect } from 'chai'
import { TestNode, bytes, disconnectAlive, disconnectLeft, neighborLow, sent } from './support/test-node.ts'
import type { Short } from './support/test-node.ts'
import type { Message, PeerKey } from '../../src/proto/index.ts'

const OURS = 7

/** Peers whose data begins so run this package's rules; the names of all others stand for Rust peers. */
const rules = { understandsRefusal: (data?: Uint8Array): boolean => data?.[0] === OURS }

function ourData (name: string): Uint8Array {
  return Uint8Array.of(OURS, ...bytes(name))
}

/**
 * A full node that has been in the swarm for minutes, so that its calls are at
 * their slowest, and has heard of Rust peers.
 *
 * @param ours - how many of its five neighbors are of our kind
 */
function fullNode (ours: number, rustPeers: PeerKey[]): TestNode {
  const node = new TestNode({ rules, peerData: ourData('me') })
  node.join([])

  for (const [i, peer] of ['a', 'b', 'c', 'd', 'e'].entries()) {
    node.receive(peer, { type: 'neighbor', priority: 'low', data: i < ours ? ourData(peer) : bytes(peer) })
  }

  node.receive('a', { type: 'shuffle', origin: 'x', nodes: [{ id: 'x', data: bytes('x') }], ttl: 0 })

  for (let second = 0; second < 300; second += 10) {
    node.advance(10_000)
    // nobody falls silent
    node.neighbors.forEach((peer) => node.receive(peer, { type: 'iHave', messages: [] }))
  }

  node.receive('x', disconnectLeft as Message)
  node.receive('a', { type: 'shuffle', origin: 's', nodes: rustPeers.map((id) => ({ id, data: bytes(id) })), ttl: 0 })

  return node
}

/** Lets time pass until something is sent to the peer; returns that. */
function untilTold (node: TestNode, peer: PeerKey): Message {
  const end = node.now + 200_000

  while (node.now < end) {
    const [told] = sent(node.advance(100), { to: peer })

    if (told !== undefined) {
      return told[2] as Message
    }
  }

  throw new Error(`nothing was sent to ${peer}`)
}

/** What goes to others than neighbors in so many milliseconds, each with its time, and who is called by it. */
function callsIn (node: TestNode, ms: number, answer: (peer: PeerKey, message: Message) => Message[] = () => []): Array<{ peer: PeerKey, message: Message, at: number }> {
  const calls: Array<{ peer: PeerKey, message: Message, at: number }> = []
  const start = node.now
  const follow = (effects: Short[]): void => {
    for (const [, to, message] of sent(effects)) {
      const [peer, body] = [to as PeerKey, message as Message]

      if (!node.neighbors.includes(peer) && (body.type === 'neighbor' || body.type === 'shuffle')) {
        calls.push({ peer, message: body, at: node.now - start })
        answer(peer, body).forEach((reply) => { follow(node.receive(peer, reply)) })
      }
    }
  }

  while (node.now - start < ms) {
    follow(node.advance(100))

    if ((node.now - start) % 10_000 === 0) {
      node.neighbors.forEach((peer) => node.receive(peer, { type: 'iHave', messages: [] }))
    }
  }

  return calls
}

const refuse = (): Message[] => [{ type: 'shuffleReply', nodes: [] }, disconnectAlive as Message]

describe('a node that knows Rust peers which are no neighbors', () => {
  it('calls one a minute in quiet times, each in its turn, with low priority', () => {
    const node = fullNode(1, ['p', 'q', 'r'])
    const calls = callsIn(node, 600_000, refuse)

    expect(calls.length).to.be.within(8, 14)
    calls.forEach(({ message }) => { expect(message).to.include({ type: 'neighbor', priority: 'low' }) })
    calls.slice(3).forEach(({ peer }, i) => { expect(peer).to.equal(calls[i].peer) })
    expect(new Set(calls.map(({ peer }) => peer))).to.have.all.keys('p', 'q', 'r')
  })

  it('calls sooner after it lost a neighbor, and then ever more rarely', () => {
    const known = ['p', 'q', 'r', 's', 't', 'u']
    const node = fullNode(1, known)
    // the lost one itself is asked again and again
    const calls = (ms: number): number[] => callsIn(node, ms, refuse).filter(({ peer }) => known.includes(peer)).map(({ at }) => at)
    node.disconnected('e')
    node.receive('f', { type: 'neighbor', priority: 'low', data: bytes('f') })

    expect(calls(60_000).length).to.be.within(4, 8)
    expect(calls(300_000).length).to.be.within(3, 8)
  })

  it('never calls more often than every one and a half seconds, whatever happens', () => {
    const node = fullNode(1, Array.from({ length: 30 }, (_, i) => `p${i}`))
    const calls: number[] = []

    for (let i = 0; i < 200; i++) {
      node.disconnected(node.neighbors[4])
      node.receive(`n${i}`, { type: 'neighbor', priority: 'low', data: ourData(`n${i}`) })
      node.receive(`j${i}`, { type: 'join', data: bytes(`j${i}`) })
      calls.push(...callsIn(node, 100, refuse).filter(({ message }) => message.type === 'neighbor' && message.priority === 'low').map(() => i))
    }

    // 20 s; what fills a slot asks too, once for each neighbor lost
    expect(calls.length - 200).to.be.at.most(14)
  })

  it('makes room by a neighbor of our kind, which hears where to go first', () => {
    const node = fullNode(1, ['p'])
    untilTold(node, 'p')
    const accepted = node.receive('p', { type: 'neighbor', priority: 'low', data: bytes('p') })
    const goodbye = sent(accepted, { to: 'a' })[0][2] as Extract<Message, { type: 'shuffleReply' }>
    expect(goodbye.nodes[0].id).to.equal('p')
    expect(accepted).to.deep.include.members([['send', 'a', disconnectAlive], ['up', 'p'], ['send', 'p', { ...neighborLow as object, data: ourData('me') }]])
    expect(node.neighbors).to.deep.equal(['b', 'c', 'd', 'e', 'p'])
  })

  it('waits ten seconds for the answer of a slow one', () => {
    const node = fullNode(1, ['p'])
    untilTold(node, 'p')
    node.advance(9_800)
    expect(node.receive('p', { type: 'neighbor', priority: 'low', data: bytes('p') })).to.deep.include(['up', 'p'])
  })

  it('does not call again who has not answered, or has left', () => {
    const silent = fullNode(1, ['p', 'q'])
    const called = callsIn(silent, 600_000).map(({ peer }) => peer)
    expect(called.sort()).to.deep.equal(['p', 'q'])

    const left = fullNode(1, ['p'])
    left.receive('p', { type: 'disconnect', alive: false, respond: false })
    expect(callsIn(left, 600_000)).to.deep.equal([])
  })

  it('calls nobody of our kind: they return by themselves', () => {
    const node = fullNode(1, [])
    node.receive('a', { type: 'shuffle', origin: 's', nodes: [{ id: 'x', data: ourData('x') }], ttl: 0 })

    expect(callsIn(node, 600_000).filter(({ message }) => message.type === 'neighbor')).to.deep.equal([])
  })

  it('calls nobody whose data came later than its name, and says that it is of our kind', () => {
    const node = fullNode(5, [])
    node.receive('a', { type: 'shuffle', origin: 'x', nodes: [{ id: 'x' }], ttl: 0 })
    node.receive('a', { type: 'shuffle', origin: 'x', nodes: [{ id: 'x', data: ourData('x') }], ttl: 0 })

    expect(callsIn(node, 600_000).filter(({ message }) => message.type === 'neighbor')).to.deep.equal([])
  })

  it('knows also those that a walk named which went on through it', () => {
    const node = fullNode(1, [])
    node.receive('b', { type: 'forwardJoin', peer: { id: 'p', data: bytes('p') }, ttl: 6 })

    expect(callsIn(node, 130_000, refuse).map(({ peer }) => peer)).to.include('p')
  })
})

describe('a full node whose neighbors are all Rust peers', () => {
  function question (node: TestNode, peer: PeerKey): Extract<Message, { type: 'shuffle' }> {
    return untilTold(node, peer) as Extract<Message, { type: 'shuffle' }>
  }

  it('asks first whom the other knows, and drives nobody out where that is somebody', () => {
    const node = fullNode(0, ['p', 'q'])
    const asked = question(node, 'p')

    expect(asked).to.include({ type: 'shuffle', origin: 'me', ttl: 0 })
    expect(asked.nodes).to.not.deep.equal([])
    expect(sent(node.receive('p', { type: 'shuffleReply', nodes: [asked.nodes[0], { id: 'z', data: bytes('z') }] }), { to: 'p' })).to.deep.equal([])
  })

  it('takes in one that names only whom the question named', () => {
    const node = fullNode(0, ['p'])
    const asked = question(node, 'p')

    expect(sent(node.receive('p', { type: 'shuffleReply', nodes: asked.nodes.slice(0, 1) }), { to: 'p' }))
      .to.deep.equal([['send', 'p', { ...neighborLow as object, data: ourData('me') }]])
    expect(node.receive('p', { type: 'neighbor', priority: 'low', data: bytes('p') })).to.deep.include(['up', 'p'])
    expect(node.neighbors).to.include('p').and.have.lengthOf(5)
  })

  it('believes no reply that comes after ten seconds', () => {
    const node = fullNode(0, ['p'])
    const asked = question(node, 'p')
    node.advance(10_000)

    expect(sent(node.receive('p', { type: 'shuffleReply', nodes: asked.nodes.slice(0, 1) }), { to: 'p', type: 'neighbor' })).to.deep.equal([])
  })
})
