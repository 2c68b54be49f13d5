import { expect } from 'chai'
import fc from 'fast-check'
import { KnownPeers } from '../../src/proto/known-peers.ts'
import { TestNode, bytes } from './support/test-node.ts'
import type { Outbox } from '../../src/proto/events.ts'
import type { PeerInfo, PeerKey, ShuffleReply } from '../../src/proto/index.ts'

/** A node with the neighbor `a`, which has said how to reach it; nobody else can be dialed. */
function create (): TestNode {
  const node = new TestNode({ rules: { canDial: () => false } })
  node.join([])
  node.receive('a', { type: 'neighbor', priority: 'low', data: bytes('a!') })

  return node
}

function mention (node: TestNode, count: number): void {
  const nodes = Array.from({ length: count }, (_, i) => ({ id: `p${i}`, data: bytes(`${i}`) }))
  node.receive('a', { type: 'shuffle', origin: 'a', nodes, ttl: 0 })
}

/** What the node tells others of its neighbors. */
function told (node: TestNode): PeerInfo[] {
  const [, , reply] = node.receive('s', { type: 'shuffle', origin: 's', nodes: [{ id: 's' }], ttl: 0 })[0]

  return (reply as ShuffleReply).nodes
}

describe('known peers', () => {
  it('in no view are forgotten after twenty minutes', () => {
    const node = create()
    mention(node, 10)
    expect(node.size('knownPeers')).to.equal(11)

    for (let minute = 0; minute < 19; minute++) {
      node.advance(60_000)
      node.receive('a', { type: 'iHave', messages: [] })
    }

    expect(node.size('knownPeers')).to.equal(11)
    node.advance(60_000)
    node.receive('a', { type: 'iHave', messages: [] })
    node.advance(10_000)
    expect(node.size('knownPeers')).to.equal(1)
  })

  it('are kept as long as they are neighbors', () => {
    const node = create()

    for (let i = 0; i < 50; i++) {
      node.advance(30_000)
      node.receive('a', { type: 'iHave', messages: [] })
    }

    expect(told(node)).to.deep.equal([{ id: 'a', data: bytes('a!') }])
    // the one that asked is known as well
    expect(node.size('knownPeers')).to.equal(2)
    node.receive('a', { type: 'disconnect', alive: false, respond: false })
    expect(node.size('knownPeers')).to.equal(1)
  })

  it('are not displaced by any number of others while they are neighbors', () => {
    const node = create()
    mention(node, 1_000)

    expect(node.size('knownPeers')).to.equal(256)
    expect(told(node)).to.deep.equal([{ id: 'a', data: bytes('a!') }])
  })
})

/** The same, as plainly as possible: a list, the one heard of last at its end. */
class Model {
  list: Array<{ id: PeerKey, data?: number, heardAtS: number, doubted: boolean }> = []

  hear (id: PeerKey, data: number | undefined, now: number, capacity: number, used: Set<PeerKey>): void {
    const known = this.list.find((entry) => entry.id === id)
    this.list = this.list.filter((entry) => entry !== known)
    this.list.push({ id, data: data ?? known?.data, heardAtS: Math.floor(now / 1000), doubted: false })

    if (this.list.length > capacity) {
      this.dropOldest(now, used)
    }
  }

  /** Those in use on the way to the oldest that is not count as heard of now. */
  dropOldest (now: number, used: Set<PeerKey>): void {
    const index = this.list.findIndex(({ id }) => !used.has(id))
    const renewed = this.list.splice(0, index + 1).slice(0, -1)
    this.list.push(...renewed.map((entry) => ({ ...entry, heardAtS: Math.floor(now / 1000) })))
  }

  sweep (now: number, used: Set<PeerKey>): void {
    const limit = Math.floor((now - 20 * 60_000) / 1000)
    const old = this.list.filter(({ heardAtS }) => heardAtS <= limit)
    this.list.splice(0, old.length)
    this.list.push(...old.filter(({ id }) => used.has(id)).map((entry) => ({ ...entry, heardAtS: Math.floor(now / 1000) })))
  }
}

describe('KnownPeers', () => {
  const CAPACITY = 20
  // two hundred keys, some of which begin or end alike
  const key = fc.integer({ min: 0, max: 199 }).map((n) => `${n % 7}${'0'.repeat(n % 3 * 5)}${n}`)
  const operation = fc.oneof(
    { weight: 6, arbitrary: fc.record({ type: fc.constant('hear' as const), key, value: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }) }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('forget' as const, 'doubt' as const), key, value: fc.constant(0) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('wait' as const), key, value: fc.integer({ min: 0, max: 900_000 }) }) }
  )

  it('holds what a list in the order of hearing holds after any operations', () => {
    fc.assert(fc.property(fc.array(operation, { maxLength: 150, size: 'max' }), fc.uniqueArray(key, { maxLength: 8 }), (ops, inUse) => {
      const used = new Set(inUse)
      const peers = new KnownPeers(CAPACITY, (peer) => used.has(peer))
      const model = new Model()
      const told: string[] = []
      const expected: string[] = []
      const out: Pick<Outbox, 'peerData'> = { peerData: (peer, data) => { told.push(`${peer} ${data[0]}`) } }
      let now = 1_000

      for (const op of ops) {
        const before = model.list.find(({ id }) => id === op.key)

        switch (op.type) {
          case 'hear':
            peers.hear(op.value === undefined ? { id: op.key } : { id: op.key, data: Uint8Array.of(op.value) }, now, out as Outbox)
            model.hear(op.key, op.value, now, CAPACITY, used)

            if (op.value !== undefined && before?.data !== op.value) {
              expected.push(`${op.key} ${op.value}`)
            }

            break
          case 'forget':
            peers.forget(op.key)
            model.list = model.list.filter((entry) => entry !== before)
            break
          case 'doubt':
            peers.doubt(op.key)
            model.list = model.list.map((entry) => entry === before ? { ...entry, doubted: true } : entry)
            break
          default:
            now += op.value
            peers.sweep(now)
            model.sweep(now, used)
        }

        const trusted = model.list.filter(({ doubted }) => !doubted).reverse()
        expect([...peers.newestFirst()].map(({ id }) => id)).to.deep.equal(trusted.map(({ id }) => id))
        expect(peers.size).to.equal(model.list.length)
        expect(peers.trusted).to.equal(trusted.length)
        expect(told).to.deep.equal(expected)

        for (const id of [op.key, ...model.list.map((entry) => entry.id)]) {
          expect(peers.info(id).data?.[0]).to.equal(model.list.find((entry) => entry.id === id)?.data)
        }
      }
    }), { numRuns: 40 })
  })
})
