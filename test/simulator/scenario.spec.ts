import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { parseScenario } from '../../src/simulator/index.ts'

describe('a scenario file', () => {
  it('has defaults for what it does not say', () => {
    const { name, config } = parseScenario({})

    expect(name).to.equal('scenario')
    expect(config).to.deep.include({ nodes: 1000, senders: 'one', rounds: 30, rules: 'ours', warmupMs: 10_000 })
    expect(config.latency).to.deep.equal({ type: 'uniform', minMs: 10, maxMs: 50 })
    expect(config.seeds).to.deep.equal([0, 1, 212_312_388_123, 123])
  })

  it('says what it says', () => {
    const { config } = parseScenario({ nodes: 7, kill: 0.5, seeds: [9], latency: { type: 'fixed', ms: 3 }, jitterMs: 1, release: 'silent', deathNoticeMs: 15_000 })

    expect(config).to.deep.include({ nodes: 7, kill: 0.5, seeds: [9], latency: { type: 'fixed', ms: 3 }, jitterMs: 1, release: 'silent', deathNotice: 15_000 })
  })

  for (const [value, message] of [
    [{ nodes: 1 }, 'nodes is 1, a whole number from 2 to 1000000 is needed'],
    [{ rounds: 2.5 }, 'rounds is 2.5, a whole number from 1 to 100000 is needed'],
    [{ kill: 1 }, 'kill is 1, a number from 0 to 0.999 is needed'],
    [{ senders: 'some' }, 'senders is "some", one of one, new, all is needed'],
    [{ seeds: [] }, 'seeds is [], a list of whole numbers'],
    [{ latency: { type: 'uniform', minMs: 50, maxMs: 10 } }, 'latency is {"type":"uniform","minMs":50,"maxMs":10}'],
    [{ latency: { type: 'fixed', ms: 60_001 } }, 'at most 60000 ms'],
    [{ nodez: 5 }, 'a scenario has no nodez'],
    [{ bandwidth: 0 }, 'bandwidth is 0, a number from 1 to'],
    [{ unreachable: 1.5 }, 'unreachable is 1.5, a number from 0 to 1 is needed'],
    [{ churnPerMinute: 1 }, 'churnPerMinute needs durationMs'],
    [{ durationMs: 10, rounds: 3 }, 'rounds and durationMs exclude each other'],
    [{ latency: { type: 'matrix', ms: [[1, 2], [3]] } }, 'latency is {"type":"matrix","ms":[[1,2],[3]]}'],
    [{ latency: { type: 'matrix', ms: [[1, 2], [3, 4]], shares: [0.5, 0.4] } }, 'latency.shares is [0.5,0.4], at least two numbers above 0 that make 1'],
    [{ latency: { type: 'matrix', ms: [[1]], spread: 1 } }, 'latency.spread is 1, a number from 0 to 0.99 is needed'],
    [{ latency: { type: 'fixed', ms: 5, jitter: 3 } }, 'latency has no jitter'],
    [{ durationMs: 10, events: {} }, 'events is {}, a list is needed'],
    [{ durationMs: 10, events: [{ do: 'explode', atMs: 1 }] }, 'events[0].do is "explode", one of crash, leave'],
    [{ durationMs: 10, events: [{ do: 'join' }] }, 'events[0].atMs is missing'],
    [{ durationMs: 10, events: [{ do: 'join', atMs: 0 }, { do: 'pause', atMs: 1, share: 0.5 }] }, 'events[1].forMs is missing'],
    [{ durationMs: 10, events: [{ do: 'crash', atMs: 1 }] }, 'events[0].nodes or events[0].share is needed, not both'],
    [{ durationMs: 10, events: [{ do: 'crash', atMs: 1, share: 2 }] }, 'events[0].share is 2, a number from 0 to 1 is needed'],
    [{ durationMs: 10, events: [{ do: 'crash', atMs: 1, nodes: [-1] }] }, 'events[0].nodes is [-1], a list of whole numbers'],
    [{ durationMs: 10, events: [{ do: 'join', atMs: 1, everyMs: 5 }] }, 'events[0].untilMs is missing'],
    [{ durationMs: 10, events: [{ do: 'join', atMs: 1, forMs: 5 }] }, 'events[0] (join) has no forMs'],
    [{ durationMs: 10, events: [{ do: 'partition', atMs: 1, forMs: 5, shares: [1] }] }, 'events[0].shares is [1]'],
    [[], 'a scenario is an object']
  ] as const) {
    it(`that says ${JSON.stringify(value)} is refused with the value and what is needed`, () => {
      expect(() => parseScenario(value)).to.throw(RangeError, message)
    })
  }

  it('of the folder of scenarios is valid, each one', () => {
    const folder = new URL('../../scenarios/', import.meta.url)
    const names = readdirSync(folder).map((file) => parseScenario(JSON.parse(readFileSync(new URL(file, folder), 'utf8'))).name)

    expect(names).to.have.lengthOf.above(3)
    expect(names).to.not.include('scenario')
  })
})
