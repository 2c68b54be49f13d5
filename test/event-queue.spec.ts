import { expect } from 'chai'
import { EventQueue } from '../src/event-queue.ts'

describe('EventQueue', () => {
  it('hands over what was queued, in order, then ends', async () => {
    const queue = new EventQueue<number>(10)
    queue.push(1)
    queue.push(2)
    queue.end()
    queue.push(3)

    expect([await queue.next(), await queue.next(), await queue.next()]).to.deep.equal([1, 2, undefined])
  })

  it('wakes a reader that waits', async () => {
    const queue = new EventQueue<number>(10)
    const next = queue.next()
    queue.push(1)

    expect(await next).to.equal(1)
  })

  it('replaces the oldest events of a reader that lags by their number', async () => {
    const queue = new EventQueue<number>(3)

    for (let i = 0; i < 10; i++) {
      queue.push(i)
    }

    expect(queue.length).to.equal(3)
    expect(await queue.next()).to.deep.equal({ type: 'lagged', missed: 7 })
    expect([await queue.next(), await queue.next(), await queue.next()]).to.deep.equal([7, 8, 9])
  })

  it('stops waiting when the signal fires, and loses nothing', async () => {
    const queue = new EventQueue<number>(3)
    const abort = new AbortController()
    const next = queue.next({ signal: abort.signal })
    abort.abort()
    await next.then(() => expect.fail('it resolved'), (err) => { expect(err.name).to.equal('AbortError') })

    queue.push(1)
    expect(await queue.next()).to.equal(1)
  })
})
