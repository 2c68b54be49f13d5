/**
 * What does the service cost in heap: beside the same node without it, and
 * after it has carried many messages?
 *
 * - `node benchmarks/memory.ts`: retention shortened to seconds
 * - `node benchmarks/memory.ts --full`: default retention, takes 3 minutes
 *
 * The measured node and its five neighbors live in processes of their own. Heap
 * is `heapUsed` after repeated collections, the least of several readings. The
 * compilers are off in both: their code, about a megabyte that depends on what
 * ran hot in all of libp2p, is no cost of the service.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { getHeapCodeStatistics } from 'node:v8'
import { noise } from '@chainsafe/libp2p-noise'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { irohGossip } from '../src/index.ts'
import type { IrohGossip, IrohGossipInit } from '../src/index.ts'
import type { Identify } from '@libp2p/identify'
import type { Libp2p, ServiceMap } from '@libp2p/interface'
import type { ChildProcess } from 'node:child_process'

const NEIGHBORS = 5
const MESSAGES = 10_000
const CONTENT_BYTES = 256
const TOPIC = 'memory'
const LIMITS = { added: 2 * 1024 * 1024, kept: 1024 * 1024 }

const full = process.argv.includes('--full')
const init: IrohGossipInit = full ? {} : { broadcast: { messageCacheRetentionMs: 2_000, messageIdRetentionMs: 4_000 } }

interface Services extends ServiceMap {
  identify: Identify
  pubsub: IrohGossip
}

async function createNode (withService: boolean): Promise<Libp2p<Services>> {
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 1000 },
    services: {
      identify: identify(),
      ...(withService ? { pubsub: irohGossip(init) } : {})
    }
  }) as Promise<Libp2p<Services>>
}

/** The least of several readings: what is really held, not what waits for collection. */
async function heap (): Promise<number> {
  let least = Infinity

  for (let i = 0; i < 24; i++) {
    globalThis.gc?.()
    await new Promise((resolve) => { setImmediate(resolve) })
    least = Math.min(least, process.memoryUsage().heapUsed)
  }

  return least
}

/** Compiled code: bytecode and machine code that V8 makes as functions are used. */
function compiledCode (): number {
  const { code_and_metadata_size: code, bytecode_and_metadata_size: bytecode } = getHeapCodeStatistics()

  return code + bytecode
}

/** Polls rarely and leaves nothing behind: this process is being measured. */
async function reached (holds: () => boolean): Promise<void> {
  while (!holds()) {
    await delay(50)
  }
}

async function next (child: ChildProcess | NodeJS.Process): Promise<Record<string, never>> {
  const [message] = await once(child, 'message')

  return message
}

/** Five nodes that the measured one is connected to; told 'go', one of them broadcasts. */
async function neighbors (withService: boolean): Promise<void> {
  const nodes = await Promise.all(Array.from({ length: NEIGHBORS }, async () => createNode(withService)))

  if (withService) {
    nodes.forEach(({ services: { pubsub } }) => { pubsub.subscribe(TOPIC) })
  }

  process.send?.({ addresses: nodes.map((node) => node.getMultiaddrs()[0].toString()) })
  await next(process)

  for (let sent = 0; sent < MESSAGES;) {
    for (let i = 0; i < 100; i++, sent++) {
      const content = new Uint8Array(CONTENT_BYTES)
      new DataView(content.buffer).setUint32(0, sent)
      await nodes[0].services.pubsub.publish(TOPIC, content)
    }

    await new Promise((resolve) => { setImmediate(resolve) })
  }

  await next(process)
  process.exit()
}

/** The measured node. */
async function subject (withService: boolean, addresses: string[]): Promise<void> {
  const node = await createNode(withService)
  let received = 0

  if (withService) {
    node.services.pubsub.addEventListener('message', () => { received++ })
    node.services.pubsub.subscribe(TOPIC)
  }

  await Promise.all(addresses.map(async (address) => node.dial(multiaddr(address))))
  await reached(() => node.getConnections().length === NEIGHBORS)

  if (withService) {
    await reached(() => node.services.pubsub.getSubscribers(TOPIC).length === NEIGHBORS)
  }

  const before = await heap()
  const codeBefore = compiledCode()
  process.send?.({ before })

  if (withService) {
    await reached(() => received === MESSAGES)
    const loaded = await heap()
    await delay((init.broadcast?.messageIdRetentionMs ?? 120_000) + 3_000)
    process.send?.({ received, loaded, after: await heap(), code: compiledCode() - codeBefore })
  }

  await next(process)
  process.exit()
}

async function measure (withService: boolean): Promise<{ before: number, loaded: number, after: number, received: number, code: number }> {
  const role = withService ? '--with' : '--without'
  const options = { execArgv: ['--expose-gc', '--no-opt', '--no-maglev', '--no-sparkplug'] }
  const far = fork(import.meta.filename, [...process.argv.slice(2), role, '--neighbors'], options)
  const { addresses } = await next(far)
  const near = fork(import.meta.filename, [...process.argv.slice(2), role, '--subject', JSON.stringify(addresses)], options)
  const { before } = await next(near)
  let rest = {}

  if (withService) {
    far.send({ type: 'go' })
    rest = await next(near)
  }

  far.kill()
  near.kill()

  return { loaded: 0, after: 0, received: 0, code: 0, ...rest, before }
}

const withService = process.argv.includes('--with')

if (process.argv.includes('--neighbors')) {
  await neighbors(withService)
} else if (process.argv.includes('--subject')) {
  await subject(withService, JSON.parse(process.argv.at(-1) ?? '[]'))
} else {
  const bare = await measure(false)
  const withGossip = await measure(true)
  const added = withGossip.before - bare.before
  const kept = withGossip.after - withGossip.before
  const kib = (bytes: number): string => `${Math.round(bytes / 1024)} KiB`

  console.log(`without the service        ${kib(bare.before)}`)
  console.log(`with it, ${NEIGHBORS} neighbors       ${kib(withGossip.before)}   adds ${kib(added)}, at most ${kib(LIMITS.added)}`)
  console.log(`after ${withGossip.received} messages       ${kib(withGossip.loaded)}`)
  console.log(`after the caches expired   ${kib(withGossip.after)}   keeps ${kib(kept)} (compiled code grew by ${kib(withGossip.code)}), at most ${kib(LIMITS.kept)}`)
  console.log(JSON.stringify({ added, kept, ...withGossip, bare: bare.before }))
  process.exitCode = added <= LIMITS.added && kept <= LIMITS.kept ? 0 : 1
}
