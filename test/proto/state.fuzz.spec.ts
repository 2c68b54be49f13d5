import { expect } from 'chai'
import fc from 'fast-check'
import { State } from '../../src/proto/index.ts'
import { encodeMessage } from '../../src/wire/index.ts'
import { FUZZ_RUNS, anyMessage } from './support/arbitraries.ts'
import { EffectChecks } from './support/invariants.ts'
import { bytes, hash } from './support/test-node.ts'
import type { ConfigInit, InEvent, OutEvent, PeerKey, Timer } from '../../src/proto/index.ts'

/** What happens to a node: an event, or time that passes, or an old timer that comes a second time. */
type Step =
  | { type: 'event', event: InEvent }
  | { type: 'wait', ms: number }
  | { type: 'stale', index: number }

/** Keys as on the wire, so that the codec takes them. */
function key (letter: string): PeerKey {
  return letter.charCodeAt(0).toString(16).repeat(32)
}

const me = key('m')
const [a, b, c] = ['a', 'b', 'c'].map(key)
/** Others are never us, as on a real connection; what they say may name us. */
const other = fc.constantFrom(...[...'abcdefghi'].map(key))
const anyPeer = fc.oneof({ weight: 12, arbitrary: other }, { weight: 1, arbitrary: fc.constant(me) })
const topic = fc.constantFrom('one', 'one', 'one', 'two')

const event: fc.Arbitrary<InEvent> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ type: fc.constant('receiveMessage' as const), from: other, topic, message: anyMessage(anyPeer) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('command' as const), topic, command: fc.record({ type: fc.constant('join' as const), peers: fc.array(anyPeer, { maxLength: 4 }) }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('command' as const), topic, command: fc.constant({ type: 'quit' as const }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('command' as const),
      topic,
      command: fc.record({
        type: fc.constant('broadcast' as const),
        content: fc.integer({ min: 0, max: 20 }).map((n) => bytes(`content ${n}`)),
        scope: fc.constantFrom('swarm' as const, 'neighbors' as const)
      })
    })
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('peerDisconnected' as const), peer: other, reason: fc.constantFrom('connectionClosed' as const, 'sendStalled' as const, 'protocolError' as const, 'banned' as const) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('congestion' as const), peer: other, congested: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('updatePeerData' as const), data: fc.constantFrom(bytes('me'), new Uint8Array(0)) }) }
)

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: event.map((event): Step => ({ type: 'event', event })) },
  { weight: 2, arbitrary: fc.constantFrom(1, 40, 300, 1_000, 12_000, 70_000).map((ms): Step => ({ type: 'wait', ms })) },
  { weight: 1, arbitrary: fc.nat({ max: 30 }).map((index): Step => ({ type: 'stale', index })) }
)

/** Runs the steps and returns all effects, checked one by one. */
function run (seed: number, undialable: string, steps: Step[], checks?: EffectChecks, config?: ConfigInit): OutEvent[] {
  const state = new State({
    me,
    seed,
    hash,
    config,
    rules: {
      canDial: ({ id }) => id !== undialable,
      mayTell: (to, { id }) => id !== undialable || to === a
    }
  })
  const all: OutEvent[] = []
  const seen: Timer[] = []
  let timers: Array<{ at: number, timer: Timer }> = []
  let now = 1_000

  const handle = (event: InEvent): void => {
    const effects = state.handle(event, now)
    checks?.check(state, effects, now)
    all.push(...effects)

    for (const effect of effects) {
      if (effect.type === 'scheduleTimer') {
        timers.push({ at: now + effect.delayMs, timer: effect.timer })
      }
    }
  }

  handle({ type: 'command', topic: 'one', command: { type: 'join', peers: [a, b] } })

  for (const step of steps) {
    if (step.type === 'event') {
      handle(step.event)
    } else if (step.type === 'stale') {
      if (seen.length > 0) {
        handle({ type: 'timerExpired', timer: seen[step.index % seen.length] })
      }
    } else {
      const end = now + step.ms
      let due = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)

      while (due.length > 0) {
        timers = timers.filter((entry) => entry !== due[0])
        now = Math.max(now, due[0].at)
        seen.push(due[0].timer)
        handle({ type: 'timerExpired', timer: due[0].timer })
        due = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
      }

      now = end
    }
  }

  expect(timers.length, 'timers that are armed at a time').to.be.lessThan(200)

  return all
}

describe('State, whatever happens', () => {
  const scenario = fc.tuple(fc.nat(), fc.constantFrom('none', c), fc.array(step, { maxLength: 60, size: 'max' }))

  it(`keeps its views, sets, maps and events in order (${FUZZ_RUNS} cases)`, function () {
    this.timeout(10_000 + FUZZ_RUNS * 20)

    fc.assert(fc.property(scenario, ([seed, undialable, steps]) => {
      run(seed, undialable, steps, new EffectChecks(me))
    }), { numRuns: FUZZ_RUNS })
  })

  it('has the same effects for the same seed and events', () => {
    fc.assert(fc.property(scenario, ([seed, undialable, steps]) => {
      expect(run(seed, undialable, steps)).to.deep.equal(run(seed, undialable, steps))
    }), { numRuns: Math.ceil(FUZZ_RUNS / 20) })
  })

  for (const maxMessageSize of [4_096, 512]) {
    it(`never builds a frame that ${maxMessageSize} bytes do not hold`, () => {
      fc.assert(fc.property(scenario, ([seed, undialable, steps]) => {
        for (const effect of run(seed, undialable, steps, undefined, { maxMessageSize })) {
          if (effect.type === 'sendMessage') {
            expect(encodeMessage(effect.message).byteLength).to.be.lessThan(maxMessageSize)
          }
        }
      }), { numRuns: Math.ceil(FUZZ_RUNS / 10) })
    })
  }

  it('never names or remembers whom it could not dial', () => {
    fc.assert(fc.property(scenario, ([seed, , steps]) => {
      const named = run(seed, c, steps).flatMap((effect) => {
        if (effect.type !== 'sendMessage' || effect.to === a) {
          return []
        }

        const { message } = effect

        if (message.type === 'shuffle' || message.type === 'shuffleReply') {
          return message.nodes.map(({ id }) => id)
        }

        return message.type === 'forwardJoin' ? [message.peer.id] : []
      })

      expect(named).to.not.include(c)
    }), { numRuns: Math.ceil(FUZZ_RUNS / 10) })
  })
})
