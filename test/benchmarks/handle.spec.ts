import { expect } from 'chai'
import { recode, replay } from '../../benchmarks/handle/replay.ts'
import { endpointId, traceFile, traces } from '../../benchmarks/handle/trace.ts'
import { loadHash } from '../../src/hash.ts'

const MESSAGES = 200

describe('the inputs of the state machine benchmark', () => {
  it('are delivered once each', async () => {
    const hash = await loadHash()
    const me = Buffer.from(endpointId(0)).toString('hex')

    for (const whole of [false, true]) {
      const delivered = Object.fromEntries(traces(MESSAGES, hash).map((trace) => [trace.name, replay(trace, me, hash, whole).delivered]))

      // the tree takes its shape by a message of its own
      expect(delivered).to.deep.equal({ forward: MESSAGES, tree: MESSAGES + 1, duplicates: MESSAGES, broadcast: 0, missing: MESSAGES, shuffles: 0 })
    }
  })

  it('are forwarded to every other neighbor', async () => {
    const hash = await loadHash()
    const me = Buffer.from(endpointId(0)).toString('hex')
    const [forward] = traces(MESSAGES, hash)

    expect(replay(forward, me, hash, true).sent).to.be.at.least(MESSAGES * 4)
  })

  it('become a file of one record for each step', async () => {
    const [trace] = traces(3, await loadHash())
    const payloads = trace.steps.reduce((sum, { payload }) => sum + payload.length, 0)

    expect(traceFile(trace, endpointId(0))).to.have.lengthOf(32 + 1 + 32 * trace.peers.length + 10 * trace.steps.length + payloads)
    expect(recode(trace).frames).to.equal(trace.steps.length)
  })
})
