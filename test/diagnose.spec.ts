import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'chai'
import { diagnose } from '../src/diagnose.ts'
import { TopicId } from '../src/index.ts'
import { endpointIdOf, peerIdOf } from '../src/iroh-address.ts'
import { createBareNode, createNode, stopNodes, until } from './support/nodes.ts'
import type { FindingCode } from '../src/index.ts'
import type { Session } from '../src/session.ts'
import type { TestNode } from './support/nodes.ts'

function codes (node: TestNode): FindingCode[] {
  return node.services.pubsub.diagnose('fruit').findings.map(({ code }) => code)
}

describe('diagnose', () => {
  afterEach(stopNodes)

  it('tells that the node is not in the topic, nor connected', async () => {
    const a = await createNode()
    expect(codes(a)).to.deep.equal(['notJoined', 'notConnected'])
    a.services.pubsub.subscribe('fruit')
    expect(codes(a)).to.deep.equal(['notConnected'])
  })

  it('tells that nobody speaks the protocol', async () => {
    const [a, bare] = [await createNode(), await createBareNode()]
    a.services.pubsub.subscribe('fruit')
    await a.dial(bare.getMultiaddrs())
    expect(codes(a)).to.deep.equal(['noProtocolPeers'])
  })

  it('tells that nobody is in the topic, and finds nothing once somebody is', async () => {
    const [a, b] = [await createNode(), await createNode()]
    a.services.pubsub.subscribe('fruit')
    await a.dial(b.getMultiaddrs())
    await until('b is known to speak the protocol', () => a.services.pubsub.getPeers().length === 1)
    const [finding] = a.services.pubsub.diagnose('fruit').findings
    expect(finding.code).to.equal('noneInTopic')
    expect(finding.peers).to.deep.equal([b.peerId])
    expect(finding.text).to.include('none of them is in topic fruit')

    b.services.pubsub.subscribe('fruit')
    await until('they are neighbors', () => a.services.pubsub.diagnose('fruit').neighbors.length === 1)
    const diagnosis = a.services.pubsub.diagnose('fruit')
    expect(diagnosis).to.deep.include({ ok: true, findings: [], protocolPeers: [b.peerId], subscribers: [b.peerId], connections: 1 })
    expect(diagnosis.neighbors.map(({ peer, eager }) => ({ peer, eager }))).to.deep.equal([{ peer: b.peerId, eager: true }])
  })

  it('tells which dials fail, and why', async () => {
    const a = await createNode()
    const nobody = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    await a.services.pubsub.join('fruit', { bootstrap: [multiaddr(`/ip4/127.0.0.1/tcp/1/p2p/${nobody}`)] })
    await until('the dial has failed', () => codes(a).includes('dialsFailing'))
    const { failedDials } = a.services.pubsub.diagnose('fruit')
    expect(failedDials.map(({ peer }) => peer)).to.deep.equal([nobody])
    expect(failedDials[0].reason).to.match(/ECONNREFUSED|connect|dial/i)
  })

  it('tells that sizes differ', async () => {
    const [small, large] = [await createNode(), await createNode({ maxMessageSize: 65_536 })]
    small.services.pubsub.subscribe('fruit')
    large.services.pubsub.subscribe('fruit')
    await small.dial(large.getMultiaddrs())
    await until('they are neighbors', () => large.services.pubsub.getSubscribers('fruit').length === 1)
    await large.services.pubsub.publish('fruit', new Uint8Array(10_000))
    await until('it is noticed', () => codes(small).includes('sizesDiffer'))
  })

  it('tells of neighbors that are silent or do not read, of slow validators, and of bytes that are none of ours', async () => {
    const [silent, talking] = await Promise.all([1, 2].map(async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))))
    const [silentKey, talkingKey] = [endpointIdOf(silent), endpointIdOf(talking)]
    // a neighbor that has said nothing for a minute is a matter of a minute: so the parts speak for themselves
    const session = {
      network: { peerId: peerIdOf, queuedBytes: 7 },
      discovery: { peers: () => [silentKey, talkingKey] },
      driver: {
        state: {
          eagerPushPeers: () => [silentKey],
          links: () => [{ peer: silentKey, heardAt: 10_000 }, { peer: talkingKey, heardAt: 70_000 }],
          congestedPeers: () => [talkingKey],
          stats: () => ({ unjudged: 3 })
        }
      },
      topics: { get: () => ({ name: 'fruit', subscribers: new Map([[silentKey, silent]]) }) },
      troubles: { of: (kind: string) => kind === 'invalidFrame' ? [{ peer: talkingKey, reason: 'no such tag', at: 1, count: 1 }] : [] },
      timers: { now: () => 71_000 }
    }
    const { ok, findings, neighbors, queuedBytes } = diagnose(session as unknown as Session, TopicId.fromName('fruit'), 'fruit', 2)

    expect(ok).to.equal(false)
    expect(findings.map(({ code, peers }) => [code, ...peers.map(String)])).to.deep.equal([
      ['invalidFrames', `${talking}`], ['silentNeighbor', `${silent}`], ['peersCongested', `${talking}`], ['messagesUnjudged']
    ])
    expect(neighbors.map(({ silentMs, eager }) => [silentMs, eager])).to.deep.equal([[61_000, true], [1_000, false]])
    expect(queuedBytes).to.equal(7)
  })
})
