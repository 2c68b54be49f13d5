/**
 * What does an idle topic cost a node with 50 peers: heap, timers, traffic?
 *
 * `node benchmarks/idle-topics/main.ts [--topics 10000] [--peers 50] [--out folder]`
 *
 * The node is alone in its process; the peers share another one, in the same
 * network namespace. Each topic is joined by five of the peers, and the node
 * joins through them: asking all connected peers for each topic would cost a
 * stream for each, once, which is another question. Traffic is what
 * passes the interface in `--idle` seconds after all have settled, which is when
 * less than a kilobyte a second passes for each ten topics, or `--settle` seconds
 * are over. `--snapshot file` writes a heap snapshot of the node at its end.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { writeHeapSnapshot } from 'node:v8'
import { multiaddr } from '@multiformats/multiaddr'
import { createContestant } from '../support/contestants.ts'
import { interfaceBytes } from '../support/interface-bytes.ts'
import { canIsolate, isolated } from '../support/isolated.ts'
import { answer, ask } from '../support/requests.ts'
import { environment } from '../support/statistics.ts'
import type { IrohGossip, Topic } from '../../src/index.ts'

const PEERS_OF_A_TOPIC = 5
const WANTED_BYTES = 8 * 1024

const { values: options } = parseArgs({
  options: {
    topics: { type: 'string', default: '1000' },
    peers: { type: 'string', default: '50' },
    idle: { type: 'string', default: '30' },
    settle: { type: 'string', default: '600' },
    snapshot: { type: 'string' },
    out: { type: 'string', default: import.meta.dirname },
    role: { type: 'string' }
  }
})
const topics = Number(options.topics)
const peers = Number(options.peers)

interface Measured {
  heapBytesPerTopic: number
  timersBefore: number
  timersAfter: number
  topicsWithNeighbors: number
  idleBytesPerTopicAndMinute: number
}

const name = (topic: number): string => `idle-${topic}`

/** Whether one of the five peers of a topic. */
function isMember (peer: number, topic: number): boolean {
  const stride = Math.max(1, Math.floor(peers / PEERS_OF_A_TOPIC))

  return peer % stride === topic % stride
}

async function runPeers (): Promise<void> {
  const nodes = await Promise.all(Array.from({ length: peers }, async () => createContestant('iroh-gossip-bootstrap', 'tcp')))
  process.once('disconnect', () => { process.exit() })
  process.send?.(nodes.map((node) => node.getMultiaddrs()[0].toString()))
  await once(process, 'message')

  for (let topic = 0; topic < topics; topic++) {
    nodes.forEach((node, i) => {
      if (isMember(i, topic)) {
        node.services.pubsub.subscribe(name(topic))
      }
    })
  }

  process.send?.('joined')
}

/** Waits until the questions of the beginning have been asked and answered. */
async function settled (): Promise<void> {
  const quiet = 5 * 100 * topics

  for (const end = performance.now() + 1_000 * Number(options.settle); performance.now() < end;) {
    const before = interfaceBytes().bytes
    await delay(5_000)

    if (interfaceBytes().bytes - before < quiet) {
      return
    }
  }
}

async function heap (): Promise<number> {
  let least = Infinity

  for (let i = 0; i < 8; i++) {
    globalThis.gc?.()
    await delay(10)
    least = Math.min(least, process.memoryUsage().heapUsed)
  }

  return least
}

function timers (): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
}

async function measure (): Promise<Measured> {
  const far = fork(import.meta.filename, [...process.argv.slice(2).filter((arg) => !arg.startsWith('--role')), '--role=peers'])
  const [addresses] = await once(far, 'message') as [string[]]
  const node = await createContestant('iroh-gossip-bootstrap', 'tcp')
  const connections = await Promise.all(addresses.map(async (address) => node.dial(multiaddr(address))))
  const pubsub = node.services.pubsub as unknown as IrohGossip
  // the handles are what an application keeps
  const handles: Topic[] = []
  await delay(2_000)

  const heapBefore = await heap()
  const timersBefore = timers()
  far.send('join')
  await once(far, 'message')

  for (let topic = 0; topic < topics; topic++) {
    handles.push(await pubsub.join(name(topic), {
      bootstrap: connections.filter((_, peer) => isMember(peer, topic)).map(({ remotePeer }) => remotePeer)
    }))

    if (topic % 10 === 9) {
      await delay(5)
    }
  }

  const linked = (): number => handles.filter((handle) => handle.isJoined).length

  for (const end = performance.now() + 120_000; linked() < topics && performance.now() < end;) {
    await delay(200)
  }

  await settled()
  // streams that are not used are let go of
  await delay(25_000)
  const heapBytesPerTopic = (await heap() - heapBefore) / topics
  const timersAfter = timers()
  const before = interfaceBytes().bytes
  await delay(Number(options.idle) * 1_000)
  const bytes = interfaceBytes().bytes - before
  const measured = { heapBytesPerTopic, timersBefore, timersAfter, topicsWithNeighbors: linked(), idleBytesPerTopicAndMinute: bytes / topics * 60 / Number(options.idle) }

  if (options.snapshot != null) {
    writeHeapSnapshot(options.snapshot)
  }

  far.kill()

  return measured
}

if (options.role === 'peers') {
  await runPeers()
} else if (options.role === 'node') {
  answer({ measure })
  process.once('disconnect', () => { process.exit() })
} else {
  const child = isolated(import.meta.filename, [...process.argv.slice(2), '--role=node'], ['--expose-gc'])
  const measured = await ask<Measured>(child, 'measure')
  mkdirSync(options.out, { recursive: true })
  writeFileSync(join(options.out, 'results.json'), JSON.stringify({ environment: environment(), bytesIsolated: canIsolate, topics, peers, ...measured, wantedHeapBytesPerTopic: WANTED_BYTES }, null, 2) + '\n')
  process.stdout.write(`${topics} topics, ${peers} peers: ${Math.round(measured.heapBytesPerTopic)} bytes of heap for each (wanted ${WANTED_BYTES}), timers ${measured.timersBefore} before and ${measured.timersAfter} after, ${Math.round(measured.idleBytesPerTopicAndMinute)} bytes a minute for each (the whole swarm)\n`)
  process.exit()
}
