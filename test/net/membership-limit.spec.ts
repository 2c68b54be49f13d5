import { expect } from 'chai'
import { MembershipLimit } from '../../src/net/membership-limit.ts'
import { encodeMessage } from '../../src/wire/index.ts'
import type { Message } from '../../src/wire/index.ts'

const PEER = '09'.repeat(32)
const HOUR_MS = 3_600_000

function nodes (count: number): Uint8Array {
  return encodeMessage({ type: 'shuffleReply', nodes: Array.from({ length: count }, () => ({ id: PEER })) })
}

/** How many are let through of so many at once. */
function allowed (limit: MembershipLimit, payload: Uint8Array, count: number, now: number): number {
  let passed = 0

  for (let i = 0; i < count; i++) {
    passed += limit.allows('a', payload, now) ? 1 : 0
  }

  return passed
}

describe('the limit of membership messages', () => {
  it('lets through what a large swarm brings: a thousand newcomers at once, 600 a second from then on', () => {
    const limit = new MembershipLimit()
    const forwardJoin = encodeMessage({ type: 'forwardJoin', peer: { id: PEER, data: new Uint8Array(64) }, ttl: 6 })
    expect(allowed(limit, forwardJoin, 1_000, 0)).to.equal(1_000)

    for (let second = 1; second <= 60; second++) {
      expect(allowed(limit, forwardJoin, 600, second * 1_000)).to.equal(600)
    }
  })

  it('stops a flood of ids before it is decoded, and recovers', () => {
    const limit = new MembershipLimit()
    const flood = nodes(120)
    const first = allowed(limit, flood, 1_000, 0)
    expect(first).to.be.within(100, 140)
    expect(allowed(limit, flood, 1_000, 0)).to.equal(0)
    expect(allowed(limit, flood, 1_000, 1_000)).to.be.within(10, 20)
    expect(allowed(limit, flood, 1_000, HOUR_MS)).to.equal(first)
  })

  it('counts each peer for itself', () => {
    const limit = new MembershipLimit()
    allowed(limit, nodes(120), 1_000, 0)
    expect(limit.allows('b', nodes(120), 0)).to.equal(true)
  })

  it('never stops what holds no id: the word that ends a link, broadcast messages of any size', () => {
    const limit = new MembershipLimit()
    allowed(limit, nodes(120), 1_000, 0)
    const others: Message[] = [
      { type: 'disconnect', alive: true, respond: false },
      { type: 'neighbor', priority: 'low', data: new Uint8Array(256) },
      { type: 'join', data: new Uint8Array(256) },
      { type: 'gossip', id: new Uint8Array(32), content: new Uint8Array(4_000), scope: { type: 'swarm', round: 0 } }
    ]

    for (const message of others) {
      expect(limit.allows('a', encodeMessage(message), 0), message.type).to.equal(true)
    }
  })

  it('remembers a bounded number of peers', () => {
    const limit = new MembershipLimit()

    for (let i = 0; i < 5_000; i++) {
      limit.allows(`peer${i}`, nodes(2), 0)
    }

    expect(limit.size).to.equal(4_096)
  })
})
