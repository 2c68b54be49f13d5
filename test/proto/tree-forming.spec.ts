import { expect } from 'chai'
import { TestNode, bytes, gossip, hash, sent } from './support/test-node.ts'
import type { Short } from './support/test-node.ts'
import type { Message, PeerKey } from '../../src/proto/index.ts'

const NEIGHBORS = ['a', 'b', 'c', 'd']

/** Texts in the order of their ids, in which the second byte counts most. */
const texts = [...new Map(Array.from({ length: 400 }, (_, i) => `message ${i}`).map((text) => [hash(bytes(text))[1], text]))]
  .sort(([a], [b]) => a - b)
  .map(([, text]) => text)

/** Whom a content is sent to, and who hears Prune. */
function payloads (effects: Short[], text: string): PeerKey[] {
  return sent(effects, { type: 'gossip' })
    .filter(([, , message]) => new TextDecoder().decode((message as Extract<Message, { type: 'gossip' }>).content) === text)
    .map(([, to]) => to as PeerKey)
}

function prunes (effects: Short[]): PeerKey[] {
  return sent(effects, { type: 'prune' }).map(([, to]) => to as PeerKey)
}

/** Messages come from all neighbors: the one at 40 leads, that at 52 waits. */
function sendAtOnce (node: TestNode): void {
  node.receive('a', gossip(texts[40]))
  node.receive('b', gossip(texts[50]))
  node.receive('c', gossip(texts[51]))
  node.receive('d', gossip(texts[52]))
}

/** A node that no message had reached before. */
function burst (): TestNode {
  const node = TestNode.with(NEIGHBORS)
  sendAtOnce(node)

  return node
}

describe('where many send at once in an overlay without a tree', () => {
  it('messages are delivered at once, and sent on when the tree stands', () => {
    const node = burst()
    const effects = node.receive('b', gossip(texts[60]))

    expect(sent(effects)).to.deep.equal([])
    expect(effects.map(([what]) => what)).to.include('received')
    expect(sent(node.advance(79), { type: 'gossip' })).to.deep.equal([])
    expect(payloads(node.advance(1), texts[60])).to.have.members(['a', 'c', 'd'])
    expect(node.size('waiting')).to.equal(0)
  })

  it('own messages leave at once', () => {
    const node = burst()

    expect(payloads(node.publish(texts[70]), texts[70])).to.have.members(NEIGHBORS)
  })

  it('second copies of the leader alone cut links, and Prunes go out when the tree stands', () => {
    const node = burst()
    node.receive('b', gossip(texts[60]))

    expect(sent(node.receive('c', gossip(texts[60])))).to.deep.equal([])
    expect(node.lazy).to.deep.equal([])
    expect(sent(node.receive('d', gossip(texts[40])))).to.deep.equal([])
    expect(node.lazy).to.deep.equal(['d'])

    const effects = node.advance(80)
    expect(prunes(effects)).to.deep.equal(['d'])
    expect(payloads(effects, texts[60])).to.have.members(['a', 'c'])
  })

  it('a message with a lower id leads from then on, over all links', () => {
    const node = burst()
    node.receive('d', gossip(texts[40]))
    node.receive('b', gossip(texts[60]))
    node.advance(50)

    expect(payloads(node.receive('c', gossip(texts[30])), texts[30])).to.have.members(['a', 'b', 'd'])
    expect(node.eager).to.deep.equal(NEIGHBORS)
    // what the leader before would have cut is cut no more
    node.receive('c', gossip(texts[40]))
    expect(node.lazy).to.deep.equal([])
    node.receive('a', gossip(texts[30]))

    expect(sent(node.advance(79), { type: 'gossip' })).to.deep.equal([])
    const effects = node.advance(1)
    expect(prunes(effects)).to.deep.equal(['a'])
    expect(payloads(effects, texts[60])).to.have.members(['c', 'd'])
  })

  it('the tree stands after a round trip to the farthest neighbor, where that is known', () => {
    const node = TestNode.with([])
    NEIGHBORS.forEach((peer) => node.receive(peer, { type: 'neighbor', priority: 'low' }))
    node.advance(200)
    // the last word of the handshake
    node.receive('c', { type: 'neighbor', priority: 'low' })
    node.advance(12_000)
    sendAtOnce(node)

    expect(sent(node.advance(199), { type: 'gossip' })).to.deep.equal([])
    expect(payloads(node.advance(1), texts[52])).to.have.members(['a', 'b', 'c'])
  })

  it('messages wait for 800 ms at most, though ever lower ids come', () => {
    const node = burst()
    node.receive('b', gossip(texts[60]))

    for (let lower = 39; lower > 26; lower--) {
      expect(payloads(node.advance(60), texts[60])).to.deep.equal([])
      node.receive('a', gossip(texts[lower]))
    }

    expect(payloads(node.advance(19), texts[60])).to.deep.equal([])
    expect(payloads(node.advance(1), texts[60])).to.have.members(['a', 'c', 'd'])
  })

  it('whoever is gone when the tree stands gets nothing', () => {
    const node = burst()
    node.receive('b', gossip(texts[60]))
    node.disconnected('c')

    expect(payloads(node.advance(80), texts[60])).to.have.members(['a', 'd'])
  })

  it('so many messages wait at most, and few of them leave at a time', () => {
    const node = burst()
    const padding = '.'.repeat(100)

    for (let i = 0; i < 5_000; i++) {
      node.receive('b', gossip(`${i}${padding}`))
    }

    expect(node.size('waiting')).to.equal(4_096)

    const first = sent(node.advance(80), { to: 'a', type: 'gossip' }).length
    // 16 KiB of payloads with 100 bytes and more each
    expect(first).to.be.within(1, 164)
    expect(first + sent(node.advance(1_000), { to: 'a', type: 'gossip' }).length).to.equal(4_096)
    expect(node.size('waiting')).to.equal(0)
  })
})

describe('no message waits', () => {
  it('while all come over one link', () => {
    const node = TestNode.with(NEIGHBORS)

    for (const text of texts.slice(0, 50).reverse()) {
      expect(payloads(node.receive('a', gossip(text)), text)).to.have.members(['b', 'c', 'd'])
    }
  })

  it('where the tree stands', () => {
    const node = TestNode.with(NEIGHBORS)
    node.receive('a', gossip('before'))
    node.receive('b', gossip('before'))
    node.advance(1_000)

    for (const [i, text] of texts.slice(0, 40).entries()) {
      const from = ['a', 'c', 'd'][i % 3]
      expect(payloads(node.receive(from, gossip(text)), text)).to.have.members(['a', 'c', 'd'].filter((peer) => peer !== from))
    }
  })

  it('where some links are known to be needed or not, as a newcomer\'s neighbors know', () => {
    const node = TestNode.with(NEIGHBORS)
    node.receive('a', { type: 'prune' })
    node.receive('b', { type: 'graft', round: 0 })

    for (const [i, text] of texts.slice(0, 40).entries()) {
      expect(payloads(node.receive(NEIGHBORS[i % 4], gossip(text)), text)).to.not.deep.equal([])
    }
  })
})

describe('a missing message', () => {
  /** A node with one eager and one lazy neighbor, and a thousand messages a second. */
  function busyNode (): TestNode {
    const node = TestNode.with(['eager', 'lazy'])
    node.receive('lazy', { type: 'prune' })

    for (let i = 0; i < 60; i++) {
      node.receive('eager', gossip(`before ${i}`))
      node.advance(1)
    }

    return node
  }

  function announced (node: TestNode, text: string): Short[] {
    node.receive('lazy', { type: 'iHave', messages: [{ id: hash(bytes(text)), round: 0 }] })

    return sent(node.advance(80), { to: 'lazy' }).filter(([, , message]) => (message as Message).type !== 'iHave')
  }

  const graft = (text: string): Short => ['send', 'lazy', { type: 'graft', id: hash(bytes(text)), round: 0 }]
  const prune: Short = ['send', 'lazy', { type: 'prune' }]

  it('is fetched in a burst, and the link stays lazy', () => {
    const node = busyNode()

    expect(announced(node, 'x')).to.deep.equal([graft('x'), prune])
    expect(node.lazy).to.deep.equal(['lazy'])
  })

  it('is fetched again and again while the tree brings them later', () => {
    const node = busyNode()

    for (const text of texts.slice(0, 5)) {
      expect(announced(node, text)).to.deep.equal([graft(text), prune])
      node.receive('lazy', gossip(text))
      node.receive('eager', gossip(text))
      node.advance(300)
      // still a burst
      for (let i = 0; i < 60; i++) {
        node.receive('eager', gossip(`after ${text} ${i}`))
        node.advance(1)
      }
    }
  })

  it('makes the link eager when the tree has not brought one that was fetched', () => {
    const node = busyNode()
    announced(node, 'x')
    node.receive('lazy', gossip('x'))
    node.advance(220)

    expect(announced(node, 'y')).to.deep.equal([graft('y')])
    expect(node.eager).to.deep.equal(['eager', 'lazy'])
  })
})
