import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { needsRust } from './support/needs-rust.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** The files in which an application of the crate finds its names. */
const FILES = ['lib.rs', 'api.rs', 'net.rs', 'metrics.rs', 'proto.rs']

/** Of the crate's own actor, which is public by its type only. */
const INTERNAL = ['run', 'ProtoCommand', 'ProtoEvent']

describe('the README', () => {
  needsRust()

  it('has all public names of the Rust crate in its table', async function () {
    this.timeout(120_000)
    const { stdout } = await promisify(execFile)('cargo', ['metadata', '--format-version', '1', '--manifest-path', join(ROOT, 'interop/Cargo.toml')], { maxBuffer: 64 * 1024 * 1024 })
    const { packages }: { packages: Array<{ name: string, manifest_path: string }> } = JSON.parse(stdout)
    const crate = packages.find(({ name }) => name === 'iroh-gossip')
    const sources = await Promise.all(FILES.map(async (file) => readFile(join(dirname(crate?.manifest_path ?? ''), 'src', file), 'utf8')))
    const code = sources.map((source) => source.split('#[cfg(test)]')[0]).join('\n')
    const declared = [...code.matchAll(/^ *pub (?:async )?(?:struct|enum|fn|const|trait|type) (\w+)/gm)].map(([, name]) => name)
    const reexported = [...code.matchAll(/^pub use \w+::(?:\{([^}]+)\}|(.+));/gm)].flatMap(([, list, one]) => (list ?? one).split(',').map((name) => name.trim().split(' as ').at(-1) ?? ''))
    const fields = [...code.slice(code.indexOf('pub struct Metrics')).split('\n}')[0].matchAll(/^ {4}pub (\w+):/gm)].map(([, name]) => name)
    // what every type of Rust has
    const names = new Set([...declared, ...reexported, ...fields].filter((name) => !INTERNAL.includes(name) && !['new', 'inner', 'as_bytes'].includes(name)))
    const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
    const [, table = ''] = /(\| Rust `iroh-gossip` \| here \|\n(?:\|.*\n)+)/.exec(readme) ?? []

    expect(names.size).to.be.greaterThan(50)
    expect([...names].filter((name) => !new RegExp(`\\b${name}\\b`).test(table))).to.deep.equal([])
  })
})
