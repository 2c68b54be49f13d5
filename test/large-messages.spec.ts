import { expect } from 'chai'
import { bytes, createMemoryNode, createNode, stopNodes, until } from './support/nodes.ts'
import type { Topic } from '../src/index.ts'

const MAX_MESSAGE_SIZE = 1024 * 1024
const LARGE = new Uint8Array(MAX_MESSAGE_SIZE - 100).fill(0x61)
const SMALL = ['one', 'two', 'three']

/** Two neighbors in two topics; the second node says what came, of both, in order. */
async function setUp (create: typeof createNode): Promise<{ topics: Topic[], order: string[] }> {
  const init = { maxMessageSize: MAX_MESSAGE_SIZE, maxSendQueueBytes: 8 * MAX_MESSAGE_SIZE }
  const [from, to] = [await create(init), await create(init)]
  const order: string[] = []
  await from.dial(to.getMultiaddrs())
  const topics: Topic[] = []

  for (const name of ['first', 'second']) {
    const theirs = await to.services.pubsub.join(name)
    const mine = await from.services.pubsub.join(name, { bootstrap: [to.peerId] })
    void record(theirs, name, order)
    await until('the two are neighbors', () => mine.neighbors().length === 1 && theirs.neighbors().length === 1)
    topics.push(mine)
  }

  return { topics, order }
}

async function record (topic: Topic, name: string, order: string[]): Promise<void> {
  for await (const event of topic) {
    if (event.type === 'received') {
      order.push(event.content.length === LARGE.length ? `${name} large` : `${name} ${new TextDecoder().decode(event.content)}`)
    }
  }
}

for (const [transport, create] of [['TCP', createNode], ['memory', createMemoryNode]] as const) {
  describe(`a large message over ${transport}`, () => {
    afterEach(stopNodes)

    for (const [index, name] of ['first', 'second'].entries()) {
      it(`is overtaken by small ones published after it in ${index === 0 ? 'the same' : 'another'} topic`, async () => {
        const { topics, order } = await setUp(create)
        await topics[0].broadcast(LARGE)

        for (const text of SMALL) {
          await topics[index].broadcast(bytes(text))
        }

        await until('everything came', () => order.length === 1 + SMALL.length)
        expect(order).to.deep.equal([...SMALL.map((text) => `${name} ${text}`), 'first large'])
      })
    }
  })
}
