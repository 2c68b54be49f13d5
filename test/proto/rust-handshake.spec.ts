import { expect } from 'chai'
import { TestNode } from './support/test-node.ts'
import type { Short } from './support/test-node.ts'
import type { Message, Priority } from '../../src/proto/index.ts'

/**
 * What a Rust peer does with Join and Neighbor, as measured: it holds whom it
 * sent a Neighbor as pending, takes the next Neighbor from there as the answer,
 * and answers any other. A pending entry without a timer of its own stays for
 * ever, and counts as a taken slot.
 */
class RustPeer {
  readonly active = new Set<string>()
  readonly pending = new Set<string>()

  neighbor (priority: Priority, to = 'me'): Message[] {
    if (this.pending.has(to)) {
      return []
    }

    this.pending.add(to)

    return [{ type: 'neighbor', priority }]
  }

  receive (from: string, message: Message): Message[] {
    switch (message.type) {
      case 'join':
        this.active.add(from)
        return this.neighbor('high', from)
      case 'neighbor': {
        const isAnswer = this.pending.delete(from)
        this.active.add(from)
        return isAnswer ? [] : this.neighbor(message.priority, from)
      }
      case 'disconnect':
        this.pending.delete(from)
        this.active.delete(from)
        return []
      default:
        return []
    }
  }
}

/** Lets both talk until nobody has anything to say; returns how many messages that took. */
function talk (node: TestNode, rust: RustPeer, fromUs: Short[], fromRust: Message[]): number {
  let messages = 0
  let toRust = toRustPeer(fromUs)
  let toUs = fromRust

  while (toRust.length + toUs.length > 0) {
    messages += toRust.length + toUs.length
    expect(messages, 'messages of one handshake').to.be.lessThan(10)
    const answers = toRust.flatMap((message) => rust.receive('me', message))
    toRust = toUs.flatMap((message) => toRustPeer(node.receive('rust', message)))
    toUs = answers
  }

  return messages
}

function toRustPeer (effects: Short[]): Message[] {
  return effects.filter(([what, to]) => what === 'send' && to === 'rust').map(([, , message]) => message as Message)
}

describe('the handshake with a Rust peer', () => {
  function expectLink (node: TestNode, rust: RustPeer): void {
    expect(node.neighbors).to.include('rust')
    expect([...rust.active]).to.deep.equal(['me'])
    expect([...rust.pending], 'slots that it would keep for ever').to.deep.equal([])
  }

  it('leaves nothing pending when it joins through us', () => {
    const node = TestNode.with(['a'])
    const rust = new RustPeer()
    talk(node, rust, [], [{ type: 'join' }])

    expectLink(node, rust)
  })

  it('leaves nothing pending when we join through it', () => {
    const node = new TestNode()
    const rust = new RustPeer()
    talk(node, rust, node.join(['rust']), [])

    expectLink(node, rust)
  })

  it('leaves nothing pending when we repeat our Join as Neighbor', () => {
    const node = new TestNode()
    const rust = new RustPeer()
    node.join(['rust'])
    talk(node, rust, node.advance(1_000), [])

    expectLink(node, rust)
  })

  it('leaves nothing pending when it answers our request', () => {
    const node = TestNode.with(['a'])
    const rust = new RustPeer()
    talk(node, rust, node.join(['rust']), [])

    expectLink(node, rust)
  })

  it('leaves nothing pending when it asks us', () => {
    const node = TestNode.with(['a'])
    const rust = new RustPeer()
    talk(node, rust, [], rust.neighbor('low'))

    expectLink(node, rust)
  })

  it('leaves nothing pending when both ask at once', () => {
    const node = TestNode.with(['a'])
    const rust = new RustPeer()
    talk(node, rust, node.join(['rust']), rust.neighbor('low'))

    expectLink(node, rust)
  })

  it('leaves nothing pending when both join through each other', () => {
    const node = new TestNode()
    const rust = new RustPeer()
    talk(node, rust, node.join(['rust']), [{ type: 'join' }])

    expectLink(node, rust)
  })

  it('leaves nothing pending when it answers too late', () => {
    const node = TestNode.with(['a'])
    const rust = new RustPeer()
    const request = toRustPeer(node.join(['rust']))
    node.advance(600)
    talk(node, rust, [], request.flatMap((message) => rust.receive('me', message)))

    expectLink(node, rust)
  })

  it('gets an answer to the second question at the latest, whatever is pending there', () => {
    const node = TestNode.with(['a'])
    const rust = new RustPeer()
    talk(node, rust, [], [{ type: 'join' }])
    rust.pending.add('me')
    let answered = 0

    for (let i = 0; i < 80 && answered === 0; i++) {
      node.receive('a', { type: 'iHave', messages: [] })
      const answers = toRustPeer(node.advance(1_000)).flatMap((message) => rust.receive('me', message))
      answered += answers.length
      talk(node, rust, [], answers)
    }

    expect(answered).to.equal(1)
    expectLink(node, rust)
  })
})
