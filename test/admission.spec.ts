import { expect } from 'chai'
import { Admission } from '../src/admission.ts'
import { TopicId } from '../src/index.ts'
import { Heard, bytes, createNode, stopNodes, until } from './support/nodes.ts'

describe('admission', () => {
  afterEach(stopNodes)

  it('keeps a peer out of one topic and lets it into another', async () => {
    const asked: string[] = []
    const b = await createNode()
    const a = await createNode({
      allowPeer: (peer, topic) => {
        asked.push(`${b.peerId.equals(peer) ? 'b' : 'another'} ${topic.equals(TopicId.fromName('fruit')) ? 'fruit' : 'nuts'}`)

        return !topic.equals(TopicId.fromName('fruit'))
      }
    })
    const [fruitA, nutsA] = [await a.services.pubsub.join('fruit'), await a.services.pubsub.join('nuts')]
    const bootstrap = [a.getMultiaddrs()]
    const fruitB = await b.services.pubsub.join('fruit', { bootstrap })
    const nutsB = await b.services.pubsub.join('nuts', { bootstrap })
    const [heardA, heardB] = [new Heard(fruitA), new Heard(nutsB)]

    await nutsB.joined()
    await fruitB.broadcast(bytes('apple'))
    await nutsA.broadcast(bytes('almond'))
    await until('the admitted topic works, and the other was asked for', () => heardB.texts.length === 1 && asked.includes('b fruit'))
    expect(fruitA.neighbors()).to.deep.equal([])
    expect(fruitB.neighbors()).to.deep.equal([])
    expect(heardA.texts).to.deep.equal([])
    expect(a.services.pubsub.getSubscribers('fruit')).to.deep.equal([])
    expect(asked.toSorted()).to.deep.equal(['b fruit', 'b nuts'])
  })

  it('may take its time, and what comes meanwhile is not lost', async () => {
    let allow: () => void = () => {}
    const answer = new Promise<boolean>((resolve) => { allow = () => { resolve(true) } })
    let asked = 0
    const a = await createNode({
      allowPeer: async () => {
        asked++
        return answer
      }
    })
    const b = await createNode()
    const topicA = await a.services.pubsub.join('fruit')
    const topicB = await b.services.pubsub.join('fruit', { bootstrap: [a.getMultiaddrs()] })
    await until('it is asked', () => asked === 1)
    expect(topicA.neighbors()).to.deep.equal([])

    allow()
    await Promise.all([topicA.joined(), topicB.joined()])
    expect(asked).to.equal(1)
  })

  it('that fails lets nobody in, and is not asked for the peers of others', async () => {
    const a = await createNode({ allowPeer: () => { throw new Error('no database') } })
    const [b, c] = await Promise.all([createNode(), createNode()])
    const topicA = await a.services.pubsub.join('fruit', { bootstrap: [b.getMultiaddrs()] })
    const topicB = await b.services.pubsub.join('fruit')
    const topicC = await c.services.pubsub.join('fruit', { bootstrap: [a.getMultiaddrs(), b.getMultiaddrs()] })
    await Promise.all([topicB.joined(), topicC.joined()])
    expect(topicA.neighbors()).to.deep.equal([])
  })

  it('is asked for once while a peer is connected, and again when it returns', async () => {
    let isMember = false
    let asked = 0
    const a = await createNode({
      allowPeer: () => {
        asked++

        return isMember
      }
    })
    const b = await createNode({ discovery: { connectedPeers: false } })
    const topic = await a.services.pubsub.join('fruit')
    const bootstrap = [a.getMultiaddrs()]
    const refused = await b.services.pubsub.join('fruit', { bootstrap })
    await until('it is asked', () => asked > 0)
    isMember = true
    await refused.broadcast(bytes('apple'))
    expect([asked, topic.neighbors()]).to.deep.equal([1, []])

    await b.services.pubsub.shutdown()
    await b.hangUp(a.peerId)
    await until('both know that the connection is gone', () => a.getConnections().length === 0 && b.getConnections().length === 0)
    await b.services.pubsub.start()
    await (await b.services.pubsub.join('fruit', { bootstrap })).joined()
    expect(asked).to.equal(2)
  })

  it('holds 64 frames while it waits, and as many decisions as it can remember', async () => {
    const answers: Array<(isAllowed: boolean) => void> = []
    const asked: string[] = []
    const admission = new Admission(async (peer, topic) => {
      asked.push(`${peer} ${topic}`)

      return new Promise((resolve) => { answers.push(resolve) })
    })
    const decided: number[] = []

    for (let i = 0; i < 100; i++) {
      admission.decide('a', 'fruit', () => { decided.push(i) })
    }

    answers.forEach((answer) => { answer(true) })
    await until('it is decided', () => decided.length > 0)
    expect(decided).to.deep.equal(Array.from({ length: 64 }, (_, i) => i))
    admission.decide('a', 'fruit', () => { decided.push(100) })
    expect(decided.at(-1)).to.equal(100)

    for (let i = 0; i < 4_096; i++) {
      admission.decide('b', `topic ${i}`, () => {})
    }

    asked.length = 0
    admission.decide('b', 'topic 4095', () => {})
    admission.decide('a', 'fruit', () => {})
    expect(asked, 'the peer that was asked about longest ago is forgotten').to.deep.equal(['a fruit'])
  })
})
