import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'

const EXAMPLE = fileURLToPath(new URL('../../examples/discovery/main.ts', import.meta.url))

describe('examples/discovery', () => {
  it('runs with one command against the built package', async () => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [EXAMPLE])

    expect(stdout.trimEnd().split('\n')).to.deep.equal([
      'two members know the hub, and not each other',
      'they found each other',
      'one says to the other: banana'
    ])
    expect(stderr).to.equal('')
  })
})
