import { format } from 'node:util'
import { expect } from 'chai'
import { bytes, createNode, stopNodes, until } from './support/nodes.ts'
import type { ComponentLogger, Logger } from '@libp2p/interface'

/** Everything that a node logs, as `scope text`. */
function recorder (lines: string[]): ComponentLogger {
  return {
    forComponent: (scope: string): Logger => {
      const line = (suffix: string) => (first: unknown, ...rest: unknown[]) => {
        lines.push(`${scope}${suffix} ${format(String(first).replaceAll('%p', '%s'), ...rest.map(String))}`)
      }

      return Object.assign(line(''), {
        enabled: true,
        error: line(':error'),
        trace: line(':trace'),
        newScope: (name: string) => recorder(lines).forComponent(`${scope}:${name}`)
      })
    }
  }
}

describe('logging', () => {
  afterEach(stopNodes)

  it('has one line for each change of a view, and a trace for each message', async () => {
    const lines: string[] = []
    const [a, b] = [await createNode({}, { logger: recorder(lines) }), await createNode()]
    const ours = (): string[] => lines.filter((line) => line.startsWith('libp2p:iroh-gossip '))
    let messages = 0
    a.services.pubsub.addEventListener('message', () => { messages++ })
    a.services.pubsub.subscribe('fruit')
    const topic = await b.services.pubsub.join('fruit', { bootstrap: [a.getMultiaddrs()] })
    await topic.joined()

    for (let i = 0; i < 10; i++) {
      await topic.broadcast(bytes(`apple ${i}`))
    }

    await until('all have come', () => messages === 10)
    const [up, ...more] = ours()
    expect(more).to.deep.equal([])
    expect(up).to.match(new RegExp(`^libp2p:iroh-gossip topic [0-9a-f]{64}: ${b.peerId} is a neighbor$`))
    expect(lines.filter((line) => line.startsWith('libp2p:iroh-gossip:trace gossip from'))).to.have.length(10)

    await topic.leave()
    await until('it is noticed', () => ours().length > 1)
    expect(ours().slice(1)).to.deep.equal([up.replace('a neighbor', 'no neighbor any more (left)')])
    expect(lines.filter((line) => line.includes('iroh-gossip:error'))).to.deep.equal([])
  })
})
