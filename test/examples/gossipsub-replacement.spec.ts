import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'

const EXAMPLE = fileURLToPath(new URL('../../examples/gossipsub-replacement/main.ts', import.meta.url))

describe('examples/gossipsub-replacement', () => {
  it('runs with one command against the built package, and everybody hears everybody', async () => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [EXAMPLE])
    const lines = stdout.trimEnd().split('\n')

    expect(lines.at(-1)).to.equal('✔ 3 nodes, 3 messages, each heard by the 2 others')
    expect(lines.slice(0, -1).sort()).to.deep.equal([
      'the banana node hears on fruit: cherry',
      'the banana node hears on fruit: plum',
      'the cherry node hears on fruit: banana',
      'the cherry node hears on fruit: plum',
      'the plum node hears on fruit: banana',
      'the plum node hears on fruit: cherry'
    ])
    expect(stderr).to.equal('')
  })
})
