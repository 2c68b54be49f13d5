import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { expect } from 'chai'

const run = promisify(execFile)

/** Runs a script in a process of its own, in the checkout; returns what it prints. */
async function script (source: string): Promise<string> {
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', source], { cwd: new URL('..', import.meta.url), timeout: 30_000 })

  return stdout.trim()
}

describe('the package', () => {
  it('is importable by its name, by every door, without loading a native binary', async () => {
    const { exports } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))
    const names = Object.keys(exports).map((door) => door.replace(/^\./, 'libp2p-iroh-gossip'))
    const loaded = await script(`
      import { createRequire } from 'node:module'
      for (const name of ${JSON.stringify(names)}) { await import(name) }
      const files = [...Object.keys(createRequire(import.meta.url).cache), ...process.report.getReport().sharedObjects]
      console.log(files.filter((file) => file.endsWith('.node') || file.includes('number0')).join())
    `)

    expect(names).to.include.members(['libp2p-iroh-gossip', 'libp2p-iroh-gossip/iroh', 'libp2p-iroh-gossip/proto', 'libp2p-iroh-gossip/wire'])
    expect(loaded).to.equal('')
  })

  it('encodes and decodes by its wire door', async () => {
    const { decodeMessage, encodeMessage } = await import('libp2p-iroh-gossip/wire')

    expect(decodeMessage(encodeMessage({ type: 'prune' }))).to.deep.equal({ type: 'prune' })
  })

  it('leaves nothing running after stop: the process ends by itself', async () => {
    const started = performance.now()
    const printed = await script(`
      import { noise } from '@chainsafe/libp2p-noise'
      import { identify } from '@libp2p/identify'
      import { tcp } from '@libp2p/tcp'
      import { yamux } from '@libp2p/yamux'
      import { createLibp2p } from 'libp2p'
      import { irohGossip } from 'libp2p-iroh-gossip'
      import { iroh } from 'libp2p-iroh-gossip/iroh'

      const create = () => createLibp2p({
        addresses: { listen: ['/ip4/127.0.0.1/udp/0/quic-v1/sni/iroh.invalid', '/ip4/127.0.0.1/tcp/0'] },
        transports: [iroh({ relayMode: 'disabled' }), tcp()],
        connectionEncrypters: [noise()],
        streamMuxers: [yamux()],
        services: { identify: identify(), pubsub: irohGossip() }
      })
      const [a, b] = await Promise.all([create(), create()])
      const received = new Promise((resolve) => { a.services.pubsub.addEventListener('message', resolve, { once: true }) })
      a.services.pubsub.subscribe('fruit')
      const topic = await b.services.pubsub.join('fruit', { bootstrap: [a.getMultiaddrs()] })
      await topic.joined()
      await topic.broadcast(new Uint8Array(8))
      await received
      await Promise.all([a.stop(), b.stop()])
      console.log('stopped')
    `)

    expect(printed).to.equal('stopped')
    // a timer or socket left behind would have kept it until the limit of 30 s
    expect(performance.now() - started).to.be.lessThan(29_000)
  })
})
