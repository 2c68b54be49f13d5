import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'

const FOLDER = fileURLToPath(new URL('./orbitdb/', import.meta.url))
const run = promisify(execFile)

describe('OrbitDB, unchanged, on irohGossip', () => {
  before('install it beside, not into, this package', async function () {
    this.timeout(300_000)
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: FOLDER })
  })

  it('replicates what was written before and after the other side came', async function () {
    this.timeout(60_000)
    const { stdout } = await run(process.execPath, ['replicate.js'], { cwd: FOLDER })
    const records = ['apple from a', 'banana from a', 'cherry from a']

    expect(JSON.parse(stdout)).to.deep.equal({ a: records, b: records })
  })
})
