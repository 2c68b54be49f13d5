import { expect } from 'chai'
import { Rejections } from '../../src/pubsub/rejections.ts'

const MINUTE_MS = 60_000

describe('rejected messages', () => {
  /** Rejections of one peer, noted at a time that the test says; and how many of them banned it. */
  function counted (): { rejections: Rejections, at (ms: number): void, add (peer: string, count: number): number } {
    let now = 0
    const rejections = new Rejections(() => now)

    return {
      rejections,
      at: (ms) => { now = ms },
      add: (peer, count) => Array.from({ length: count }, () => rejections.add(peer)).filter((banned) => banned).length
    }
  }

  it('ban a peer at the sixteenth within a minute, for ten minutes, and nobody else', () => {
    const { rejections, at, add } = counted()
    expect(add('a', 15)).to.equal(0)
    expect(rejections.isBanned('a')).to.equal(false)
    expect(add('b', 1)).to.equal(0)
    expect(add('a', 1)).to.equal(1)
    expect([rejections.isBanned('a'), rejections.isBanned('b')]).to.deep.equal([true, false])
    at(10 * MINUTE_MS - 1)
    expect(rejections.isBanned('a')).to.equal(true)
    at(10 * MINUTE_MS)
    expect(rejections.isBanned('a')).to.equal(false)
    expect(add('a', 15), 'and it starts anew').to.equal(0)
  })

  it('are forgotten a minute after the last', () => {
    const { at, add } = counted()
    expect(add('a', 15)).to.equal(0)
    at(MINUTE_MS + 1)
    expect(add('a', 15)).to.equal(0)
  })
})
