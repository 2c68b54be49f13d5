/**
 * What does our layer cost on one hop, beside a bare libp2p stream on the same
 * connection?
 *
 * Two nodes on TCP in one process, 256 bytes. "One by one" sends a message in
 * each turn of the event loop, a burst 64 of them in one; at most 512 are under
 * way. A bare stream gets one `send` for each message, framed beforehand.
 * The four take turns. Writes `results.json` and `rates.svg` to `--out`.
 */
import { join } from 'node:path'
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createContestant } from '../support/contestants.ts'
import { barPlot } from '../support/plot.ts'
import { progress, spreadText, writeResults } from '../support/results.ts'
import { spread } from '../support/statistics.ts'
import type { Target } from '../support/results.ts'
import type { Spread } from '../support/statistics.ts'

const PROTOCOL = '/benchmark/one-hop/1'
const TOPIC = 'one-hop'
const BYTES = 256
const BURST = 64
const WINDOW = 512

const { values: options } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    messages: { type: 'string' },
    rounds: { type: 'string' },
    out: { type: 'string', default: join(import.meta.dirname, 'results') }
  }
})
const rounds = Number(options.rounds ?? (options.short ? 3 : 7))
const messages = Number(options.messages ?? (options.short ? 5_000 : 20_000))

const from = await createContestant('iroh-gossip', 'tcp')
const to = await createContestant('iroh-gossip', 'tcp')
let received = 0
let bareBytes = 0

to.services.pubsub.addEventListener('message', () => { received++ })
await to.handle(PROTOCOL, (stream) => {
  stream.addEventListener('message', ({ data }) => {
    bareBytes += data.byteLength
    received = Math.floor(bareBytes / BYTES)
  })
})

const connection = await from.dial(to.getMultiaddrs())
from.services.pubsub.subscribe(TOPIC)
to.services.pubsub.subscribe(TOPIC)

while (from.services.pubsub.getSubscribers(TOPIC).length === 0) {
  await delay(10)
}

const stream = await connection.newStream(PROTOCOL)
let serial = 0

function content (): Uint8Array {
  const data = new Uint8Array(BYTES)
  new DataView(data.buffer).setUint32(0, ++serial)

  return data
}

async function bare (): Promise<void> {
  if (!stream.send(content())) {
    while (stream.writableNeedsDrain) {
      await turn()
    }
  }
}

async function gossip (): Promise<void> {
  await from.services.pubsub.publish(TOPIC, content())
}

async function arrived (count: number): Promise<void> {
  const isThere = (): boolean => received >= count

  while (!isThere()) {
    await turn()
  }
}

/** Messages a second until the last has arrived. */
async function rate (send: () => Promise<void>, burst: number): Promise<number> {
  received = 0
  bareBytes = 0
  const startedAt = performance.now()

  for (let sent = 0; sent < messages;) {
    const waiting: Array<Promise<void>> = []

    for (let i = 0; i < burst && sent < messages; i++, sent++) {
      waiting.push(send())
    }

    await Promise.all(waiting)
    await turn()

    await arrived(sent - WINDOW)
  }

  await arrived(messages)

  return messages * 1_000 / (performance.now() - startedAt)
}

const kinds = {
  bare: async () => rate(bare, 1),
  gossip: async () => rate(gossip, 1),
  'bare, bursts': async () => rate(bare, BURST),
  'gossip, bursts': async () => rate(gossip, BURST)
}
const rates: Record<string, number[]> = { bare: [], gossip: [], 'bare, bursts': [], 'gossip, bursts': [] }

for (let round = 0; round <= rounds; round++) {
  for (const [name, measure] of Object.entries(kinds)) {
    const perSecond = await measure()

    // the first round warms up
    if (round > 0) {
      rates[name].push(perSecond)
    }
  }

  progress(`one-hop: round ${round} of ${rounds}`)
}

const ratio = (a: string, b: string): Spread => spread(rates[a].map((value, i) => value / rates[b][i]))
const target = (what: string, wanted: number, measured: Spread): Target => ({ what, wanted: `at least ${wanted} times`, figure: spreadText(measured, ' times'), met: measured.median >= wanted })
const perSecond = Object.fromEntries(Object.entries(rates).map(([name, values]) => [name, spread(values)]))
await barPlot(options.out, {
  name: 'rates',
  title: 'One hop, 256 B, TCP',
  unit: 'messages a second',
  points: Object.entries(perSecond).map(([series, value]) => ({ series, x: '', value }))
})
writeResults(options.out, [
  target("one by one, beside the bare stream's rate", 0.8, ratio('gossip', 'bare')),
  target('in bursts, beside the bare stream one by one', 3, ratio('gossip, bursts', 'bare'))
], { messages, perSecond })
process.exit()
