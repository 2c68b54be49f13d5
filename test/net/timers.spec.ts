import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { expect } from 'chai'
import { Timers } from '../../src/net/timers.ts'
import type { AddressInfo, Socket } from 'node:net'

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

  it('lets a late process read what has come before it gives up waiting', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const accepted = once(server, 'connection')
    const socket = connect(port, '127.0.0.1')
    const [[other]] = await Promise.all([accepted, once(socket, 'connect')]) as [[Socket], unknown]

    const order: string[] = []
    const timers = new Timers()
    const bothHappened = Promise.all([
      new Promise<void>((resolve) => {
        timers.schedule(10, () => {
          order.push('gave up')
          resolve()
        })
      }),
      once(socket, 'data').then(() => order.push('read'))
    ])
    other.write('the answer')

    // the process has other things to do
    for (const until = performance.now() + 50; performance.now() < until;);

    await bothHappened
    expect(order).to.deep.equal(['read', 'gave up'])
    socket.destroy()
    server.close()
  })
})
