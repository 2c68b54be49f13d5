import { expect } from 'chai'
import { runFaultSchedule } from '../../src/simulator/index.ts'

// more: FAULT_SCHEDULES=5000 (CI runs 500); one again: FAULT_SEED=17
const { FAULT_SCHEDULES = '100', FAULT_SEED } = process.env
const seeds = FAULT_SEED === undefined ? Array.from({ length: Number(FAULT_SCHEDULES) }, (_, i) => i) : [Number(FAULT_SEED)]

describe('random failures', function () {
  this.timeout(30 * 60_000)

  it(`leave nothing broken behind, in ${seeds.length} schedules`, () => {
    for (const seed of seeds) {
      const { broken, nodes, log } = runFaultSchedule({ seed })
      const again = `FAULT_SEED=${seed} npx mocha --spec test/simulator/faults.spec.ts`

      expect(broken, `${nodes} nodes:\n${log.join('\n')}\nagain: ${again}\n`).to.deep.equal([])
    }
  })

  it('would be noticed: the rules of the Rust crate leave some nodes apart', () => {
    const broken = Array.from({ length: 12 }, (_, seed) => runFaultSchedule({ seed, rules: 'upstream' }).broken)

    expect(broken.flat().join()).to.include('parts after the failures').and.include('did not reach everybody')
  })

  it('repeat exactly from their seed', () => {
    expect(runFaultSchedule({ seed: 3 })).to.deep.equal(runFaultSchedule({ seed: 3 }))
  })
})
