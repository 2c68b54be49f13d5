/**
 * How often do peers that join at once through one contact end up in several
 * swarms that never meet?
 *
 * Run: `node interop/at-once/main.ts [--contact js] [--joiners 20] [--rounds 10] [--seconds 30]`
 *
 * Each round starts a contact, `js` or `rust`, and Rust joiners, lets all of
 * them join in the same moment, and prints every second how the swarm falls
 * into parts: the sizes of the groups of peers that reach each other over links
 * that both ends count, while they change.
 */
import { scheduler } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Stage } from '../support/stage.ts'
import { parts } from '../support/swarm.ts'
import { randomTopic } from '../support/topic.ts'
import type { MemberTopic } from '../support/member.ts'

const { values } = parseArgs({
  options: {
    contact: { type: 'string', default: 'js' },
    joiners: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '30' }
  }
})
const seconds = Number(values.seconds)
let whole = 0
let neighbors = 0
let members = 0

for (let round = 1; round <= Number(values.rounds); round++) {
  const stage = new Stage()
  const contact = values.contact === 'rust' ? await stage.rust() : await stage.js()
  const joiners = await Promise.all(Array.from({ length: Number(values.joiners) }, async () => stage.rust()))
  const topic = randomTopic()
  const topics: MemberTopic[] = [await contact.join(topic)]
  topics.push(...await Promise.all(joiners.map(async (joiner) => joiner.join(topic, { bootstrap: [contact] }))))
  const seen: string[] = []
  let before = ''

  for (let second = 1; second <= seconds; second++) {
    await scheduler.wait(1_000)
    const now = parts(topics).map((part) => part.length).join('+')
    now !== before && seen.push(`${second} s: ${now}`)
    before = now
  }

  const degrees = topics.slice(1).map((each) => each.neighbors().length)
  parts(topics).length === 1 && whole++
  members += degrees.length
  neighbors += degrees.reduce((sum, count) => sum + count, 0)
  process.stdout.write(`${round}: ${seen.join(', ')}; neighbors ${topics[0].neighbors().length} | ${degrees.join(' ')}\n`)
  process.env.RUST_LOG != null && parts(topics).length > 1 && process.stderr.write(stage.logs())
  await stage.clear()
}

process.stdout.write(`one swarm after ${seconds} s: ${whole} of ${values.rounds}; neighbors of a joiner: ${(neighbors / members).toFixed(2)}\n`)
