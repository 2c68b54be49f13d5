/**
 * A swarm of twelve nodes in one process, on three transports, to look at:
 * `npm start`. With `npm start -- --rust` three of the nodes are processes of
 * Rust iroh-gossip.
 *
 * Exit code 0 says that every message reached every node, once.
 */
import { parseArgs, styleText } from 'node:util'
import { buildRustPeer } from '../../interop/support/cargo.ts'
import { cast } from './cast.ts'
import { Phases } from './phases.ts'
import { picture } from './picture.ts'
import { Screen } from './screen.ts'
import { Swarm } from './swarm.ts'

/** Broadcasts of each node before one is killed, and again of each other one afterwards. */
const ROUNDS = 20

/** Exit code after Ctrl-C, as shells have it. */
const INTERRUPTED = 130

const { values: { rust } } = parseArgs({ options: { rust: { type: 'boolean', default: false } } })
const interrupted = new AbortController()
process.once('SIGINT', () => { interrupted.abort(new Error('interrupted')) })

const roles = cast(rust)
const swarm = new Swarm(interrupted.signal)
const screen: Screen = new Screen(process.stdout, (columns) => [...phases.headline(), '', ...picture(swarm, columns)])
const phases: Phases = new Phases(screen)
let failure: unknown

try {
  if (rust) {
    // the first time cargo compiles iroh, and says so
    await buildRustPeer()
  }

  screen.start()
  await play()
} catch (err) {
  failure = interrupted.signal.aborted ? interrupted.signal.reason : err
}

await swarm.refresh().catch(() => {})
screen.stop(swarm.members.length > 0)
const { isGood, text } = verdict()
await swarm.stop()

const mark = isGood ? styleText('green', '✔') : styleText('red', '✘')
process.stdout.write(`${mark} ${text} (${Math.round(phases.seconds)} s)\n`)

if (!isGood) {
  process.exitCode = interrupted.signal.aborted ? INTERRUPTED : 1
}

async function play (): Promise<void> {
  const nodes = rust ? `${roles.length - 3} nodes here, 3 in Rust` : `${roles.length} nodes in one process`
  const bridges = roles.filter(({ speaks }) => speaks.length > 1).length
  await phases.run('start', () => `${nodes}: TCP, QUIC, native iroh; ${bridges} bridges`, async () => {
    await swarm.start(roles)
  })
  await phases.run('join', () => `each through one other: ${swarm.links} links, ${swarm.groups().length === 1 ? 'one swarm' : 'not yet one swarm'}`, async () => {
    await swarm.join()
  })
  await phases.run('broadcast', () => `everybody speaks: ${swarm.ledger.messages} of ${ROUNDS * roles.length} messages`, async () => {
    await rounds()
  })

  const victim = swarm.busiest()
  const lost = victim.links().length
  await phases.run('kill', () => `${victim.role.name}, without a goodbye: ${lost} nodes lose a neighbor`, async () => {
    await victim.kill()
  })

  const before = swarm.ledger.messages
  await phases.run('broadcast', () => `everybody else speaks: ${swarm.ledger.messages - before} of ${ROUNDS * (roles.length - 1)} messages`, async () => {
    await rounds()
  })
}

async function rounds (): Promise<void> {
  for (let i = 0; i < ROUNDS; i++) {
    await swarm.round()
  }
}

function verdict (): { isGood: boolean, text: string } {
  const { ledger } = swarm
  const { delivered, repeated } = ledger.all()
  const groups = swarm.groups()
  const number = new Intl.NumberFormat('en-US')

  if (failure == null && repeated === 0) {
    return { isGood: true, text: `everything reached everyone: ${roles.length} nodes, ${number.format(ledger.messages)} messages, ${number.format(delivered)} deliveries, nothing missing, nothing twice` }
  }

  const reasons = [
    ...failure == null ? [] : [failure instanceof Error ? failure.message : String(failure)],
    ...[...ledger.missing()].map(([name, messages]) => `${name} lacks ${messages.length}: ${messages.slice(0, 3).join(' ')}${messages.length > 3 ? ' …' : ''}`),
    ...repeated === 0 ? [] : [`${repeated} came twice`],
    ...groups.length > 1 ? [`cut off from each other: ${groups.map((group) => group.join(' ')).join(' | ')}`] : []
  ]

  return { isGood: false, text: reasons.join('; ') }
}
