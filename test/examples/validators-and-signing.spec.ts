import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'

const EXAMPLE = fileURLToPath(new URL('../../examples/validators-and-signing/main.ts', import.meta.url))

describe('examples/validators-and-signing', () => {
  it('runs with one command against the built package', async () => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [EXAMPLE])

    expect(stdout.trimEnd().split('\n').toSorted()).to.deep.equal([
      'the inspector says accept to: ripe cherry',
      'the inspector says ignore to: green banana',
      'the shop hears: ripe cherry, signed by the farm'
    ])
    expect(stderr).to.equal('')
  })
})
