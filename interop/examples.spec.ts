import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { needsRust } from './support/needs-rust.ts'

const EXAMPLE = fileURLToPath(new URL('../examples/rust-peer/main.ts', import.meta.url))

describe('examples/rust-peer', () => {
  needsRust()

  it('runs with one command against the built package', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [EXAMPLE])

    expect(stdout.trimEnd().split('\n')).to.deep.equal([
      'the libp2p node and the Rust peer are neighbors',
      'heard by JavaScript: hello from Rust'
    ])
  })
})
