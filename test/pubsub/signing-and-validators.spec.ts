import { expect, use } from 'chai'
import chaiAsPromised from 'chai-as-promised'
import { TopicId, TopicValidatorResult } from '../../src/index.ts'
import { Heard, bytes, createNode, stopNodes, text, until } from '../support/nodes.ts'
import type { IrohGossipInit, Message } from '../../src/index.ts'
import type { TestNode } from '../support/nodes.ts'
import type { PeerId } from '@libp2p/interface'

use(chaiAsPromised)

/** Two or more nodes in a line, each a neighbor of the next in `fruit`. */
async function line (inits: IrohGossipInit[]): Promise<TestNode[]> {
  const nodes: TestNode[] = []

  for (const init of inits) {
    const node = await createNode({ discovery: { connectedPeers: false }, membership: { activeViewCapacity: 2, shuffleIntervalMs: 3_600_000 }, ...init })
    node.services.pubsub.subscribe('fruit')

    if (nodes.length > 0) {
      await node.services.pubsub.join('fruit', { bootstrap: [nodes[nodes.length - 1].getMultiaddrs()] })
    }

    nodes.push(node)
    await until('they are neighbors', () => nodes.every(({ services: { pubsub } }) => pubsub.getSubscribers('fruit').length > 0 || nodes.length === 1))
  }

  return nodes
}

function messagesOf (node: TestNode): Message[] {
  const messages: Message[] = []
  node.services.pubsub.addEventListener('message', (evt) => { messages.push(evt.detail) })

  return messages
}

describe('StrictSign', () => {
  afterEach(stopNodes)

  it('names the author, whoever hands the message over', async () => {
    const [a, b, c] = await line([{ globalSignaturePolicy: 'StrictSign' }, { globalSignaturePolicy: 'StrictSign' }, { globalSignaturePolicy: 'StrictSign' }])
    const [atB, atC] = [messagesOf(b), messagesOf(c)]

    await a.services.pubsub.publish('fruit', bytes('apple'))
    await a.services.pubsub.publish('fruit', bytes('apple'))
    await until('both messages came to everybody', () => atB.length === 2 && atC.length === 2)

    const [first, second] = atC

    if (first.type !== 'signed' || second.type !== 'signed') {
      expect.fail('the messages are not signed')
    }

    expect(text(first.data)).to.equal('apple')
    expect(first.from).to.deep.equal(a.peerId)
    expect(first.key.equals(a.peerId.publicKey)).to.equal(true)
    expect(first.signature).to.have.length(64)
    expect(first.topic).to.equal('fruit')
    expect(first.topicId.equals(TopicId.fromName('fruit'))).to.equal(true)
    expect(second.sequenceNumber > first.sequenceNumber).to.equal(true)
  })

  it('gives handles the author too, and never calls equal contents duplicates', async () => {
    const [a, b] = await line([{ globalSignaturePolicy: 'StrictSign' }, { globalSignaturePolicy: 'StrictSign' }])
    const heard = new Heard(await b.services.pubsub.join('fruit'))
    const topic = await a.services.pubsub.join('fruit')
    await topic.broadcast(bytes('apple'))
    await until('it arrives', () => heard.texts.length === 1)
    expect(heard.events.at(-1)).to.deep.include({ author: a.peerId, content: bytes('apple') })

    await a.services.pubsub.publish('fruit', bytes('pear'))
    expect(await a.services.pubsub.publish('fruit', bytes('pear'))).to.deep.include({ duplicate: false })
  })

  it('rejects what is unsigned, and lets go of who keeps sending it', async () => {
    const [unsigned, strict] = await line([{}, { globalSignaturePolicy: 'StrictSign' }])
    const messages = messagesOf(strict)
    const changes: boolean[] = []
    strict.services.pubsub.addEventListener('subscription-change', (evt) => { changes.push(...evt.detail.subscriptions.map(({ subscribe }) => subscribe)) })

    for (let i = 0; i < 16; i++) {
      await unsigned.services.pubsub.publish('fruit', bytes(`unsigned ${i}`))
    }

    await until('the peer is let go', () => strict.services.pubsub.getSubscribers('fruit').length === 0)
    await until('it has heard so', () => unsigned.services.pubsub.getSubscribers('fruit').length === 0)
    expect(messages).to.deep.equal([])
    expect(changes).to.deep.equal([false])
  })

  it('leaves less room for data', async () => {
    const [a] = await line([{ globalSignaturePolicy: 'StrictSign' }, { globalSignaturePolicy: 'StrictSign' }])
    await a.services.pubsub.publish('fruit', new Uint8Array(3950))
    const error = await a.services.pubsub.publish('fruit', new Uint8Array(3951)).catch((err) => err)
    expect(error).to.include({ name: 'MessageTooLargeError', size: 3951, max: 3950 })
  })
})

describe('topic validators', () => {
  afterEach(stopNodes)

  it('are asked before delivery and before forwarding', async () => {
    const [a, b, c] = await line([{}, {}, {}])
    const [atB, atC] = [messagesOf(b), messagesOf(c)]
    const asked: string[] = []
    b.services.pubsub.topicValidators.set('fruit', (peer, message) => {
      asked.push(`${text(message.data)} from ${peer.equals(a.peerId) ? 'a' : 'another'}`)

      return text(message.data).startsWith('good') ? TopicValidatorResult.Accept : TopicValidatorResult.Ignore
    })

    await a.services.pubsub.publish('fruit', bytes('bad apple'))
    await a.services.pubsub.publish('fruit', bytes('good apple'))
    await until('the good one is everywhere', () => atB.length > 0 && atC.length > 0)
    expect([atB, atC].map((messages) => messages.map(({ data }) => text(data)))).to.deep.equal([['good apple'], ['good apple']])
    expect(asked).to.deep.equal(['bad apple from a', 'good apple from a'])

    b.services.pubsub.topicValidators.delete('fruit')
    await a.services.pubsub.publish('fruit', bytes('bad pear'))
    await until('nobody is asked any more', () => atC.length === 2)
    expect(asked).to.have.length(2)
  })

  it('are found by the id of a topic too, and do not judge what the node says itself', async () => {
    const [a, b] = await line([{ emitSelf: true }, {}])
    const [atA, atB] = [messagesOf(a), messagesOf(b)]
    const judged: string[] = []

    for (const { services: { pubsub } } of [a, b]) {
      pubsub.topicValidators.set(TopicId.fromName('fruit').toString(), (_, message) => {
        judged.push(text(message.data))

        return text(message.data) === 'last' ? 'accept' : 'ignore'
      })
    }

    await a.services.pubsub.publish('fruit', bytes('first'))
    await a.services.pubsub.publish('fruit', bytes('last'))
    await until('the last one arrives', () => atB.length > 0)
    expect(judged).to.deep.equal(['first', 'last'])
    expect([atA, atB].map((messages) => messages.map(({ data }) => text(data)))).to.deep.equal([['first', 'last'], ['last']])
  })

  it('may take their time, and others need not wait', async () => {
    const [a, b] = await line([{}, {}])
    const messages = messagesOf(b)
    const answers: Array<() => void> = []
    b.services.pubsub.topicValidators.set('fruit', async (_, message) => {
      if (text(message.data) === 'slow') {
        await new Promise<void>((resolve) => { answers.push(resolve) })
      }

      return TopicValidatorResult.Accept
    })

    await a.services.pubsub.publish('fruit', bytes('slow'))
    await a.services.pubsub.publish('fruit', bytes('quick'))
    await until('the quick one arrives', () => messages.length === 1)
    answers.forEach((answer) => { answer() })
    await until('the slow one arrives', () => messages.length === 2)
    expect(messages.map(({ data }) => text(data))).to.deep.equal(['quick', 'slow'])
  })

  it('that fail let nothing through', async () => {
    const [a, b] = await line([{}, {}])
    const messages = messagesOf(b)
    b.services.pubsub.topicValidators.set('fruit', async (_, message) => {
      switch (text(message.data)) {
        case 'throws': throw new Error('no')
        case 'rejects': return Promise.reject(new Error('no'))
        case 'nonsense': return Object('perhaps')
        default: return TopicValidatorResult.Accept
      }
    })

    for (const content of ['throws', 'rejects', 'nonsense', 'fine']) {
      await a.services.pubsub.publish('fruit', bytes(content))
    }

    await until('the last one arrives', () => messages.length > 0)
    expect(messages.map(({ data }) => text(data))).to.deep.equal(['fine'])
  })

  it('hold a bounded number of messages, and the rest is said to be dropped', async () => {
    const [a, b] = await line([{}, {}])
    const answers: Array<(result: TopicValidatorResult) => void> = []
    const messages = messagesOf(b)
    b.services.pubsub.topicValidators.set('fruit', async () => new Promise((resolve) => { answers.push(resolve) }))

    for (let i = 0; i < 1_100; i++) {
      await a.services.pubsub.publish('fruit', bytes(`apple ${i}`))
    }

    const stats = (): ReturnType<typeof b.services.pubsub.getStats> => b.services.pubsub.getStats('fruit')
    await until('all have come', () => answers.length + (stats()?.unjudged ?? 0) >= 1_100)
    expect(answers).to.have.length(1_024)
    expect(stats()?.sizes).to.deep.include({ held: 1_024 })
    expect(b.services.pubsub.diagnose('fruit').findings.map(({ code }) => code)).to.deep.equal(['messagesUnjudged'])
    expect(messages).to.deep.equal([])
    answers.forEach((answer) => { answer('accept') })
    await until('those that were held are delivered', () => messages.length === 1_024)
  })

  it('that reject have who handed the messages over let go, not their author, and ignoring counts for nothing', async () => {
    const signing = { globalSignaturePolicy: 'StrictSign' } as const
    let only: string | undefined
    // the last one lets in nobody but whom it joins through, or the first might become its neighbor
    const allowPeer = (peer: PeerId): boolean => (only ??= peer.toString()) === peer.toString()
    const [a, b, c] = await line([signing, signing, { ...signing, allowPeer }])
    const judged: string[] = []
    let result: TopicValidatorResult = 'ignore'
    c.services.pubsub.topicValidators.set('fruit', (peer, message) => {
      judged.push(`${message.type === 'signed' && message.from.equals(a.peerId) ? 'a' : 'another'} by ${peer.equals(b.peerId) ? 'b' : 'another'}`)

      return result
    })
    const subscribers = (): string[] => c.services.pubsub.getSubscribers('fruit').map(String)

    for (const [turn, count, then] of [['ignore', 20, [b.peerId.toString()]], ['reject', 15, [b.peerId.toString()]]] as const) {
      result = turn
      const before = judged.length

      for (let i = 0; i < count; i++) {
        await a.services.pubsub.publish('fruit', bytes(`${turn} ${i}`))
      }

      await until('all are judged', () => judged.length === before + count)
      expect(subscribers()).to.deep.equal(then)
    }

    await a.services.pubsub.publish('fruit', bytes('one too many'))
    await until('b is let go', () => subscribers().length === 0)
    expect(new Set(judged)).to.deep.equal(new Set(['a by b']))
    expect(b.services.pubsub.getSubscribers('fruit').map(String)).to.include(a.peerId.toString())
  })

  it('cost nothing where there are none: a message is delivered in the call that read its frame', async () => {
    const [a, b] = await line([{}, {}])
    const limit = Error.stackTraceLimit
    Error.stackTraceLimit = 100

    try {
      const stack = new Promise<string>((resolve) => {
        b.services.pubsub.addEventListener('message', () => { resolve(new Error('here').stack ?? '') })
      })
      await a.services.pubsub.publish('fruit', bytes('apple'))
      const [synchronous] = (await stack).split('\n    at async ')
      expect(synchronous).to.include('frame-decoder.ts')
      expect(synchronous).to.include('driver.ts')
    } finally {
      Error.stackTraceLimit = limit
    }
  })
})
