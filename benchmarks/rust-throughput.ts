/**
 * How many messages a second go from one JavaScript peer to one Rust peer and
 * back, through native iroh, with both processes on this machine?
 *
 * Run: `node benchmarks/rust-throughput.ts`
 *
 * Messages have 256 bytes. The clock runs from the first broadcast to the last
 * delivery to the application. At most `WINDOW` messages are on their way: a
 * Rust application loses events once 256 wait for it. The two directions are
 * measured alone and at the same time; the first round warms up.
 */
import { cpus } from 'node:os'
import { JsNode } from '../interop/support/js-node.ts'
import { linkedBoth } from '../interop/support/member.ts'
import { RustPeer } from '../interop/support/rust-peer.ts'
import { pour } from '../interop/support/swarm.ts'
import { randomTopic } from '../interop/support/topic.ts'
import type { MemberTopic } from '../interop/support/member.ts'

const WINDOW = 192
const COUNT = 40_000
const SIZE = 256
const ROUNDS = 4

/** Messages a second, and a line for each series in which something was missed or doubled. */
async function measure (from: MemberTopic, to: MemberTopic): Promise<number> {
  const { tag, perSecond } = await pour(from, to, { count: COUNT, size: SIZE, window: WINDOW })
  const { received, distinct } = await to.counts(tag)

  if (received !== COUNT || distinct !== COUNT) {
    print(`! ${to.member.name} received ${received} messages, ${distinct} different ones of ${COUNT}`)
  }

  return perSecond
}

function print (line: string): void {
  process.stdout.write(`${line}\n`)
}

function column (perSecond: number): string {
  return Math.round(perSecond).toLocaleString('en').padStart(14)
}

const rust = await RustPeer.spawn()
const js = await JsNode.start()
const topic = randomTopic()
const inRust = await rust.join(topic, { count: true })
const inJs = await js.join(topic, { bootstrap: [rust], count: true })
await linkedBoth(inRust, inJs)

print(`${COUNT} messages of ${SIZE} bytes, Node ${process.version}, ${cpus().length} x ${cpus()[0].model}`)
print('messages/s      JS to Rust    Rust to JS   both: JS to Rust, Rust to JS')

for (let round = 0; round < ROUNDS; round++) {
  const toRust = await measure(inJs, inRust)
  const toJs = await measure(inRust, inJs)
  const both = await Promise.all([measure(inJs, inRust), measure(inRust, inJs)])
  print(`${round === 0 ? 'warm-up ' : `round ${round} `} ${[toRust, toJs, ...both].map(column).join('')}`)
}

await js.stop()
await rust.shutdown()
