import { expect } from 'chai'
import { Timers } from '../../src/net/timers.ts'

describe('timers on one platform timer', () => {
  it('takes nothing any more once cleared: what ends late keeps no process alive', () => {
    const armed = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const timers = new Timers()
    const before = armed()
    timers.schedule(60_000, () => {})
    expect(armed()).to.equal(before + 1)
    timers.clear()
    expect(armed()).to.equal(before)
    timers.schedule(60_000, () => {})
    expect(armed()).to.equal(before)
  })
})
