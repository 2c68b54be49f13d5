/**
 * What does native iroh alone cost a Node process, for each message on one
 * hop? No swarm on it can cost less for a delivery.
 *
 * `node benchmarks/vs-rust/binding.ts [--seconds 10] [--out folder]`
 *
 * Two endpoints of `@number0/iroh` in one process, and one stream between them:
 * a write and a read for each message, of what a frame of that content takes.
 * "As fast as taken" writes again when the write before is done. CPU is that of
 * the process, less what it takes while nothing is said.
 */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import binding from '@number0/iroh/index.js'
import { progress, writeResults } from '../support/results.ts'
import type { Endpoint, RecvStream, SendStream } from '@number0/iroh'

/** What a frame is longer than its content: length, tags, id, scope. */
const FRAME_OVERHEAD = 42
const ALPN = [...new TextEncoder().encode('/benchmark/binding/1')]

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    out: { type: 'string', default: join(import.meta.dirname, 'results-binding') }
  }
})
const forMs = Number(options.seconds) * 1_000
/** [bytes of content, milliseconds from one write to the next, messages in one write] */
const loads: Record<string, [number, number, number]> = {
  '256 B, 100/s': [256, 10, 1],
  '256 B, as fast as taken': [256, 0, 1],
  '256 B, as fast as taken, 32 in one write': [256, 0, 32],
  '4000 B, 50/s': [4_000, 20, 1]
}

async function endpoint (): Promise<Endpoint> {
  const builder = binding.Endpoint.builder()
  builder.applyMinimal()
  builder.relayMode(binding.RelayMode.disabled())
  builder.alpns([ALPN])
  builder.bindAddr('127.0.0.1:0')

  return builder.bind()
}

/** A stream from one endpoint to the other, opened by its first byte. */
async function connect (from: Endpoint, to: Endpoint): Promise<{ send: SendStream, receive: RecvStream }> {
  const accepted = to.acceptNext().then(async (incoming) => (await incoming?.accept())?.connect())
  const connection = await from.connect(new binding.EndpointAddr(to.id(), undefined, to.boundSockets()), ALPN)
  const send = await connection.openUni()
  await send.writeAll([0])
  const receive = await (await accepted)?.acceptUni()

  if (receive == null) {
    throw new Error('nobody called')
  }

  // the connection must not be collected while its streams are in use
  kept.push(connection, await accepted)

  return { send, receive }
}

const kept: unknown[] = []
const endpoints = [await endpoint(), await endpoint()]
const { send, receive } = await connect(endpoints[0], endpoints[1])
let received = 0

/** Until the process ends. */
async function readAll (): Promise<never> {
  while (true) {
    received += (await receive.read(32 * 1_024)).length
  }
}

void readAll()

/** CPU of this process while something runs, in microseconds. */
async function cpuOf (run: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await run()
  const { user, system } = process.cpuUsage(before)

  return user + system
}

async function write ([bytes, intervalMs, atOnce]: [number, number, number], ms: number): Promise<number> {
  const frames = new Array<number>((bytes + FRAME_OVERHEAD) * atOnce).fill(7)
  const wanted = received
  const startedAt = performance.now()
  let sent = 0

  while (performance.now() - startedAt < ms) {
    await send.writeAll(frames)
    sent++

    if (intervalMs > 0) {
      await delay(Math.max(0, startedAt + sent * intervalMs - performance.now()))
    }
  }

  while (received < wanted + sent * frames.length) {
    await delay(1)
  }

  return sent * atOnce
}

await write([256, 0, 1], 1_000)
const idlePerMs = await cpuOf(async () => { await delay(forMs) }) / forMs
const figures: Record<string, number> = {}

for (const [name, load] of Object.entries(loads)) {
  const startedAt = performance.now()
  let sent = 0
  const spent = await cpuOf(async () => { sent = await write(load, forMs) })
  figures[name] = (spent - idlePerMs * (performance.now() - startedAt)) / sent
  progress(`binding: ${name}: ${figures[name].toFixed(1)} µs of CPU for each of ${sent} messages`)
}

writeResults(options.out, [], { cpuMicros: figures })
process.exit()
