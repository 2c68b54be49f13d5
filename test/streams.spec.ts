import { UnsupportedProtocolError } from '@libp2p/interface'
import { expect } from 'chai'
import { Uint8ArrayList } from 'uint8arraylist'
import { GOSSIP_PROTOCOL, TopicId } from '../src/index.ts'
import { encodeStreamHeader } from '../src/wire/index.ts'
import { HandMadePeer, frameOf, gossip, rawFrame, topicId } from './support/hand-made-peer.ts'
import { Heard, bytes, createMemoryNode, createNode, stopNodes, until } from './support/nodes.ts'
import type { TestNode } from './support/nodes.ts'

/** Two nodes in many topics, the second joined through the first, with what the second hears in each. */
async function shareTopics (a: TestNode, b: TestNode, count: number): Promise<{ names: string[], heard: Heard[] }> {
  const names = Array.from({ length: count }, (_, i) => `topic ${i}`)
  const topics = await Promise.all(names.map(async (name) => {
    await a.services.pubsub.join(name)

    return b.services.pubsub.join(name, { bootstrap: [a.getMultiaddrs()] })
  }))
  await Promise.all(topics.map(async (topic) => topic.joined()))

  return { names, heard: topics.map((topic) => new Heard(topic)) }
}

describe('streams', () => {
  afterEach(stopNodes)

  async function joinedPeer (node: TestNode): Promise<HandMadePeer> {
    const peer = await HandMadePeer.connect(node)
    await peer.say({ type: 'join' })
    await until('it is a neighbor', () => node.services.pubsub.getSubscribers('fruit').some((id) => id.equals(peer.node.peerId)))

    return peer
  }

  it('starts with a header and the answer to a join', async () => {
    const node = await createNode({ discovery: { connectedPeers: false } })
    await node.services.pubsub.join('fruit')
    const peer = await joinedPeer(node)
    await until('it answers', () => peer.heard('neighbor').length > 0)
    expect(peer.told[0].topic).to.equal(topicId.toString())
    expect(peer.incoming).to.have.length(1)
  })

  it('reads a stream on after frames that are none', async () => {
    const node = await createNode({ discovery: { connectedPeers: false } })
    const heard = new Heard(await node.services.pubsub.join('fruit'))
    const peer = await joinedPeer(node)
    const stream = await peer.open()
    stream.send(encodeStreamHeader(topicId.bytes))
    stream.send(rawFrame(3, Uint8Array.of(0xff, 0xff, 0xff)))
    stream.send(rawFrame(0, new Uint8Array(0)))
    stream.send(rawFrame(100_000, new Uint8Array(100_000)))
    stream.send(frameOf(gossip('after all that')))

    await until('the good frame arrives', () => heard.texts.length > 0)
    expect(heard.texts).to.deep.equal(['after all that'])
    expect(stream.status).to.equal('open')
  })

  it('takes several streams of one topic', async () => {
    const node = await createNode({ discovery: { connectedPeers: false } })
    const heard = new Heard(await node.services.pubsub.join('fruit'))
    const peer = await joinedPeer(node)

    for (const content of ['one', 'two', 'three']) {
      const stream = await peer.open()
      stream.send(new Uint8ArrayList(encodeStreamHeader(topicId.bytes), frameOf(gossip(content))))
    }

    await until('all arrive', () => heard.texts.length === 3)
    expect(heard.texts.toSorted()).to.deep.equal(['one', 'three', 'two'])
  })

  it('harms nothing by a stream without a header, or with a wrong one', async () => {
    const node = await createNode({ discovery: { connectedPeers: false } })
    const heard = new Heard(await node.services.pubsub.join('fruit'))
    const peer = await joinedPeer(node)
    const [empty, wrong, aborted] = [await peer.open(), await peer.open(), await peer.open()]
    await empty.close()
    wrong.send(rawFrame(5, bytes('apple')))
    wrong.send(frameOf(gossip('under no topic')))
    aborted.send(Uint8Array.of(0, 0))
    aborted.abort(new Error('changed my mind'))
    await peer.say(gossip('as before'))

    await until('the topic goes on', () => heard.texts.length > 0)
    expect(heard.texts).to.deep.equal(['as before'])
    expect(node.services.pubsub.getSubscribers('fruit')).to.have.length(1)
  })

  it('finishes the stream after its goodbye and opens another for the next word', async () => {
    const node = await createNode({ discovery: { connectedPeers: false } })
    const topic = await node.services.pubsub.join('fruit')
    const peer = await joinedPeer(node)
    await topic.leave()
    await until('it says goodbye', () => peer.heard('disconnect').length === 1)
    await until('the stream has ended', () => peer.incoming[0].remoteWriteStatus === 'closed')

    await node.services.pubsub.join('fruit')
    await peer.say({ type: 'join' })
    await until('it answers on a new stream', () => peer.incoming.length === 2 && peer.heard('neighbor').length >= 2)
  })

  it('finishes the stream of a topic that it leaves, and keeps that of one that goes on', async () => {
    const node = await createNode({ discovery: { connectedPeers: false } })
    const [fruit, nuts] = [await node.services.pubsub.join('fruit'), await node.services.pubsub.join('nuts')]
    const peer = await joinedPeer(node)
    await until('its stream has come', () => peer.heard('neighbor').length === 1)
    const other = await peer.open()
    other.send(new Uint8ArrayList(encodeStreamHeader(TopicId.fromName('nuts').bytes), frameOf({ type: 'join' })))
    await until('it is a neighbor in both', () => nuts.neighbors().length === 1 && peer.heard('neighbor').length >= 2)
    expect(peer.incoming).to.have.length(2)

    await fruit.leave()
    await until('it says goodbye', () => peer.heard('disconnect').length === 1)
    const ended = (): boolean[] => peer.incoming.map(({ remoteWriteStatus }) => remoteWriteStatus === 'closed')
    await until('a stream has ended', () => ended().includes(true))
    await nuts.broadcast(bytes('almond'))
    await until('the other topic goes on', () => peer.heard('gossip').length === 1)
    // each stream carried one topic, the first that of the first Join
    expect(ended()).to.deep.equal([true, false])
  })

  it('opens a stream again that the peer has reset', async () => {
    const node = await createNode({ discovery: { connectedPeers: false } })
    const topic = await node.services.pubsub.join('fruit')
    const peer = await joinedPeer(node)
    const isOpen = (): boolean => node.getConnections(peer.node.peerId)[0].streams.some((stream) => stream.direction === 'outbound' && stream.protocol === GOSSIP_PROTOCOL)
    await until('it has a stream and has used it', () => isOpen() && peer.heard('neighbor').length > 0)
    peer.incoming[0].abort(new Error('no more of this'))
    await until('the reset has arrived', () => !isOpen())

    await topic.broadcast(bytes('again'))
    await until('it arrives on a second stream', () => peer.heard('gossip').length === 1)
    expect(peer.incoming).to.have.length(2)
  })

  it('asks a neighbor again when a stream to it, or one from it, was reset', async () => {
    const node = await createNode({ discovery: { connectedPeers: false } })
    await node.services.pubsub.join('fruit')
    const peer = await joinedPeer(node)
    await until('the handshake is over', () => peer.heard('neighbor').length > 0)
    const before = peer.heard('neighbor').length
    peer.incoming[0].abort(new Error('no more of this'))
    await until('it is asked', () => peer.heard('neighbor').length > before)

    const again = peer.heard('neighbor').length
    const stream = await peer.open()
    stream.send(encodeStreamHeader(topicId.bytes))
    stream.send(frameOf(gossip('half a word')))
    stream.abort(new Error('no more of that'))
    await until('it is asked again', () => peer.heard('neighbor').length > again)
    expect(node.services.pubsub.getSubscribers('fruit')).to.have.length(1)
  })

  it('lets a peer go that refuses every stream, and tells why', async () => {
    const node = await createNode({ discovery: { connectedPeers: false } })
    const topic = await node.services.pubsub.join('fruit')
    const heard = new Heard(topic)
    const peer = await HandMadePeer.connect(node, (_peer, stream) => { stream.abort(new UnsupportedProtocolError('go away')) })
    await peer.say({ type: 'join' })
    await until('it is let go', () => {
      void topic.broadcastNeighbors(crypto.getRandomValues(new Uint8Array(8)))
      return heard.events.some((event) => event.type === 'neighborDown')
    })
    expect(heard.events.at(-1)).to.deep.equal({ type: 'neighborDown', peer: peer.node.peerId, reason: 'protocolError' })
  })

  it('notices that the last connection is gone', async () => {
    const node = await createNode({ discovery: { connectedPeers: false } })
    const heard = new Heard(await node.services.pubsub.join('fruit'))
    const peer = await joinedPeer(node)
    peer.connection.abort(new Error('gone'))
    await until('the neighbor is down', () => heard.events.some((event) => event.type === 'neighborDown'))
    expect(heard.events.at(-1)).to.deep.equal({ type: 'neighborDown', peer: peer.node.peerId, reason: 'connectionClosed' })
  })

  describe('towards a peer that does not read', () => {
    it('keeps to the bound, lets the peer go with a reason, and serves the others meanwhile', async () => {
      const node = await createNode({ maxSendQueueBytes: 64 * 1024, stallTimeoutMs: 300 })
      const topic = await node.services.pubsub.join('fruit')
      const heard = new Heard(topic)
      const good = await createNode()
      const goodTopic = await good.services.pubsub.join('fruit', { bootstrap: [node.getMultiaddrs()], eventQueueCapacity: 100_000 })
      const goodHeard = new Heard(goodTopic)
      await goodTopic.joined()
      // without a listener the muxer's window stays shut
      const stuck = await HandMadePeer.connect(node, (_peer, stream) => { stream.pause() })
      await stuck.say({ type: 'join' })
      await until('it is a neighbor', () => node.services.pubsub.getSubscribers('fruit').length === 2)

      let sent = 0

      await until('the stuck peer is let go', () => {
        for (let i = 0; i < 20; i++) {
          const content = new Uint8Array(2000)
          new DataView(content.buffer).setUint32(0, sent++)
          void topic.broadcast(content)
        }

        return heard.events.some((event) => event.type === 'neighborDown')
      })

      expect(heard.events.filter((event) => event.type === 'neighborDown')).to.deep.equal([{ type: 'neighborDown', peer: stuck.node.peerId, reason: 'sendStalled' }])
      await until('the other one has everything', () => goodHeard.texts.length === sent)
      // it reads nothing, so it would never hear of it otherwise
      await until('its stream was reset', () => stuck.incoming[0].status === 'reset')
    })
  })

  for (const maxSendQueueBytes of [64 * 1024, 1024 * 1024]) {
    for (const [count, bytesEach] of [[500, 4_000], [10_000, 256]]) {
      it(`delivers ${count} messages of ${bytesEach} bytes that are sent at once, through a queue of ${maxSendQueueBytes}`, async () => {
        const [a, b] = await Promise.all([createNode({ maxSendQueueBytes }), createNode({ maxSendQueueBytes })])
        const topicA = await a.services.pubsub.join('fruit')
        const topicB = await b.services.pubsub.join('fruit', { bootstrap: [a.getMultiaddrs()], eventQueueCapacity: 100_000 })
        const [heardA, heardB] = [new Heard(topicA), new Heard(topicB)]
        await Promise.all([topicA.joined(), topicB.joined()])
        const order = Array.from({ length: count }, (_, i) => i)

        await Promise.all(order.map(async (i) => {
          const content = new Uint8Array(bytesEach)
          new DataView(content.buffer).setUint32(0, i)
          await topicA.broadcast(content)
        }))

        const received = (): number[] => heardB.events.flatMap((event) => event.type === 'received' ? new DataView(event.content.slice().buffer).getUint32(0) : [])
        await until('all have arrived', () => received().length >= count)
        expect(received()).to.deep.equal(order)
        expect(heardA.events.map(({ type }) => type)).to.deep.equal(['neighborUp'])
      })
    }
  }

  it('joins many topics through one peer at once, and loses none of them with one of two connections', async () => {
    const [a, b] = await Promise.all([createNode(), createNode()])
    const { names, heard } = await shareTopics(a, b, 80)

    await b.services.ping.ping(a.getMultiaddrs())
    const [first] = b.getConnections(a.peerId)
    await b.dial(a.getMultiaddrs(), { force: true })
    await until('they have two connections', () => b.getConnections(a.peerId).length === 2 && a.getConnections(b.peerId).length === 2)
    first.abort(new Error('cut'))
    await until('one is gone', () => b.getConnections(a.peerId).length === 1)

    await Promise.all(names.map(async (name) => a.services.pubsub.publish(name, bytes(name))))
    await until('every topic goes on', () => heard.every(({ texts }) => texts.length === 1))
    expect(heard.flatMap(({ events }) => events).filter(({ type }) => type === 'neighborDown')).to.deep.equal([])
  })

  it('keeps at most 64 streams open to a peer, and goes on in every topic', async () => {
    const [a, b] = await Promise.all([createMemoryNode(), createMemoryNode()])
    const { names, heard } = await shareTopics(a, b, 80)

    for (const word of ['one', 'two']) {
      await Promise.all(names.map(async (name) => a.services.pubsub.publish(name, bytes(`${word} in ${name}`))))
      await until(`every topic hears ${word}`, () => heard.every(({ texts }, i) => texts.includes(`${word} in ${names[i]}`)))
      const streams = a.getConnections(b.peerId).flatMap((connection) => connection.streams)
        .filter(({ protocol, direction, writeStatus }) => protocol === GOSSIP_PROTOCOL && direction === 'outbound' && writeStatus === 'writable')
      // and up to four that were being opened while they were counted
      expect(streams.length).to.be.within(1, 64 + 4)
    }
  })

  it('sends what is queued before it stops', async () => {
    const [a, b] = await Promise.all([createMemoryNode(), createMemoryNode()])
    const topicA = await a.services.pubsub.join('fruit')
    const topicB = await b.services.pubsub.join('fruit', { bootstrap: [a.getMultiaddrs()] })
    const heardB = new Heard(topicB)
    await Promise.all([topicA.joined(), topicB.joined()])
    const words = Array.from({ length: 100 }, (_, i) => `${i}`.padEnd(4_000))
    await Promise.all(words.map(async (word) => topicA.broadcast(bytes(word))))
    await a.stop()
    await until('all of it arrives', () => heardB.texts.length === words.length)
  })

  it('says once why the only connection of many topics was lost', async () => {
    const [a, b] = await Promise.all([createNode(), createNode()])
    const topics = await Promise.all(['1', '2', '3', '4', '5', '6'].map(async (name) => {
      await a.services.pubsub.join(name)

      return b.services.pubsub.join(name, { bootstrap: [a.getMultiaddrs()] })
    }))
    await Promise.all(topics.map(async (topic) => topic.joined()))
    const heard = topics.map((topic) => new Heard(topic))

    b.getConnections(a.peerId).forEach((connection) => { connection.abort(new Error('cut')) })
    await until('all neighbors are down', () => heard.every(({ events }) => events.some(({ type }) => type === 'neighborDown')))
    expect(heard.flatMap(({ events }) => events.flatMap((event) => event.type === 'neighborDown' ? event.reason : []))).to.deep.equal(topics.map(() => 'connectionClosed'))
  })

  it('brings two nodes together that dial each other at the same time', async () => {
    const [a, b] = await Promise.all([createMemoryNode(), createMemoryNode()])
    const [topicA, topicB] = await Promise.all([
      a.services.pubsub.join('fruit', { bootstrap: [b.getMultiaddrs()] }),
      b.services.pubsub.join('fruit', { bootstrap: [a.getMultiaddrs()] })
    ])
    const [heardA, heardB] = [new Heard(topicA), new Heard(topicB)]
    await Promise.all([topicA.joined(), topicB.joined()])
    await Promise.all([topicA.broadcast(bytes('a')), topicB.broadcast(bytes('b'))])
    await until('both arrive', () => heardA.texts.length === 1 && heardB.texts.length === 1)
  })

  it('sends a neighbor what was queued when its connection closed, over a new one', async () => {
    const [a, b] = await Promise.all([createMemoryNode(), createMemoryNode()])
    const topicA = await a.services.pubsub.join('fruit')
    const topicB = await b.services.pubsub.join('fruit', { bootstrap: [a.getMultiaddrs()] })
    const heardB = new Heard(topicB)
    await Promise.all([topicA.joined(), topicB.joined()])

    const [connection] = a.getConnections(b.peerId)
    await topicA.broadcast(bytes('queued'))
    connection.abort(new Error('cut'))
    await until('the message arrives all the same', () => heardB.texts.includes('queued'))
  })
})
