import { expect } from 'chai'
import { AnnouncedTopics } from '../src/subscriptions/announced-topics.ts'

describe('topics that a peer has announced', () => {
  function announced (topics: number): AnnouncedTopics {
    const all = new AnnouncedTopics()
    all.start('peer')

    for (let i = 0; i < topics; i++) {
      all.add('peer', `tag ${i}`, undefined)
    }

    all.complete('peer')

    return all
  }

  it('are all remembered of one that is in ten thousand', () => {
    const all = announced(10_000)

    expect(all.topicsOf('peer')).to.have.lengthOf(10_000)
    expect(all.peersIn('tag 9999')).to.deep.equal(['peer'])
    expect(all.isAbsent('peer', 'another')).to.equal(true)
  })

  it('are remembered up to 16,384: whoever is in more is not known to be absent from any', () => {
    const all = announced(16_385)

    expect(all.topicsOf('peer')).to.have.lengthOf(16_384)
    expect(all.has('peer', 'tag 16384')).to.equal(false)
    expect(all.isAbsent('peer', 'tag 16384')).to.equal(false)
  })
})
