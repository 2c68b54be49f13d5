import { expect } from 'chai'
import pWaitFor from 'p-wait-for'
import { linkedBoth } from './support/member.ts'
import { useStage } from './support/stage.ts'
import { everyoneHearsEveryone } from './support/swarm.ts'
import { randomTopic } from './support/topic.ts'
import type { JsNode } from './support/js-node.ts'
import type { RustPeer } from './support/rust-peer.ts'

/** Open connections and streams of both sides. */
async function open (js: JsNode, rust: RustPeer): Promise<{ js: number, rust: number, streams: number }> {
  const connections = js.libp2p.getConnections()

  return {
    js: connections.length,
    rust: (await rust.connections()).open.length,
    streams: connections.reduce((sum, connection) => sum + connection.streams.length, 0)
  }
}

async function untilOpen (what: string, js: JsNode, rust: RustPeer, holds: (seen: Awaited<ReturnType<typeof open>>) => boolean, timeout = 30_000): Promise<void> {
  let seen: unknown

  await pWaitFor(async () => {
    const now = await open(js, rust)
    seen = now

    return holds(now)
  }, { interval: 50, timeout }).catch(() => { throw new Error(`It never came true that ${what}: ${JSON.stringify(seen)}`) })
}

const nothing = ({ js, rust, streams }: Awaited<ReturnType<typeof open>>): boolean => js === 0 && rust === 0 && streams === 0

describe('native connections', () => {
  const stage = useStage()

  it('are closed when we have left, and the Rust peer finds us again', async () => {
    const rust = await stage.rust()
    const js = await stage.js()
    const topic = randomTopic()
    const inRust = await rust.join(topic)
    const first = await js.join(topic, { bootstrap: [rust] })
    await linkedBoth(inRust, first)
    await first.leave()
    await untilOpen('no connection is left', js, rust, nothing)

    const again = await js.join(topic)
    await inRust.joinPeers([js])
    await linkedBoth(inRust, again)
    await everyoneHearsEveryone([inRust, again])
  })

  it('are closed when the Rust peer has left, and it finds us again', async () => {
    const rust = await stage.rust()
    const js = await stage.js()
    const topic = randomTopic()
    const inJs = await js.join(topic)
    const first = await rust.join(topic, { bootstrap: [js] })
    await linkedBoth(first, inJs)
    await first.leave()
    await untilOpen('no connection is left', js, rust, nothing)

    const again = await rust.join(topic, { bootstrap: [js] })
    await linkedBoth(again, inJs)
    await everyoneHearsEveryone([again, inJs])
  })

  it('are none after 200 joins and leaves', async () => {
    const rust = await stage.rust()
    const js = await stage.js()
    const topic = randomTopic()
    const inRust = await rust.join(topic)

    for (let round = 0; round < 200; round++) {
      const inJs = await js.join(topic, { bootstrap: [rust] })
      await inJs.until('the Rust peer is a neighbor', () => inJs.neighbors().length === 1)
      await inJs.leave()
    }

    await untilOpen('no connection is left', js, rust, nothing)
    const frames = (await rust.connections()).closedFrames
    expect(frames.stopSendingReceived + frames.resetStreamReceived).to.equal(0)
    const inJs = await js.join(topic, { bootstrap: [rust] })
    await linkedBoth(inRust, inJs)
    await everyoneHearsEveryone([inRust, inJs])
  })

  it('that served a topic which we are not in are given up with a goodbye, and the Rust peer can come back', async () => {
    const rust = await stage.rust()
    const js = await stage.js()
    const unknown = randomTopic()
    const inRust = await rust.join(unknown, { bootstrap: [js] })
    await untilOpen('the Rust peer has called', js, rust, (seen) => seen.js === 1 && seen.rust === 1)
    await untilOpen('its connection is closed', js, rust, nothing)

    const topic = await js.join(unknown)
    await inRust.joinPeers([js])
    await linkedBoth(inRust, topic)
  })

  for (const leaver of ['we', 'the Rust peer']) {
    it(`go on serving two topics when ${leaver} left a third, for a node that nobody can dial`, async () => {
      const rust = await stage.rust()
      const js = await stage.js({ listen: false })
      const topics = [randomTopic(), randomTopic(), randomTopic()]
      const inRust = await Promise.all(topics.map(async (topic) => rust.join(topic)))
      const inJs = await Promise.all(topics.map(async (topic) => js.join(topic, { bootstrap: [rust] })))
      await Promise.all(topics.map(async (_, i) => linkedBoth(inRust[i], inJs[i])))

      const left = leaver === 'we' ? inJs[0] : inRust[0]
      await left.leave()
      const stayed = leaver === 'we' ? inRust[0] : inJs[0]
      await stayed.until('the other one has left', () => stayed.neighbors().length === 0)

      await untilOpen('there is a new connection', js, rust, (seen) => seen.rust === 2)
      await linkedBoth(inRust[1], inJs[1])
      await everyoneHearsEveryone([inRust[1], inJs[1]])
      await everyoneHearsEveryone([inRust[2], inJs[2]])
      expect(inJs[1].downs).to.deep.equal([])
      await untilOpen('the older connection is closed', js, rust, (seen) => seen.rust === 1 && seen.js === 1)
      await everyoneHearsEveryone([inRust[1], inJs[1]])
    })
  }
})
