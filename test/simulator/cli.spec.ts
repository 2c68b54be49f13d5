import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { parseSimArguments } from '../../src/simulator/cli.ts'

const scenario = (name: string): string => fileURLToPath(new URL(`../../scenarios/${name}.json`, import.meta.url))

describe('npm run sim', () => {
  it('takes a scenario from options', () => {
    const { config, json } = parseSimArguments('--nodes 50 --senders new --kill 0.5 --warmup 1 --latency 20 --rules upstream --seeds 2 --json'.split(' '))

    expect(json).to.equal(true)
    expect(config).to.deep.include({ nodes: 50, senders: 'new', kill: 0.5, warmupMs: 1_000, rules: 'upstream', seeds: [0, 1] })
    expect(config.latency).to.deep.equal({ type: 'fixed', ms: 20 })
  })

  it('lets options come before what a scenario file says', () => {
    const { config } = parseSimArguments(['--scenario', scenario('regions'), '--nodes', '70'])

    expect(config.nodes).to.equal(70)
    expect(config.latency).to.deep.include({ type: 'regions', regions: 5 })
  })

  it('counts bytes where a bandwidth asks for their number', () => {
    expect(parseSimArguments(['--scenario', scenario('narrow-links')]).traffic).to.not.equal(undefined)
    expect(parseSimArguments([]).traffic).to.equal(undefined)
  })

  for (const [args, message] of [
    ['--nodes x', 'nodes is "x", a whole number from 2'],
    ['--kill 1', 'kill is 1, a number from 0 to 0.999 is needed'],
    ['--senders some', 'senders is "some", one of one, new, all'],
    ['--latency 50-10', 'latency is "50-10"'],
    ['--release never', 'release is "never", one of closes, silent, crate'],
    ['--scenario /no/such/file', '/no/such/file: ENOENT']
  ] as const) {
    it(`refuses ${args}`, () => {
      expect(() => parseSimArguments(args.split(' '))).to.throw(RangeError, message)
    })
  }
})
