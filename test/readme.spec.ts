import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@libp2p/yamux'
import { expect } from 'chai'
import { createLibp2p } from 'libp2p'
import { TopicId, irohGossip } from '../src/index.ts'
import { isIrohAddress } from '../src/iroh-address.ts'
import { endpointIdOf, iroh } from '../src/transport-iroh/index.ts'
import { Heard, bytes, until } from './support/nodes.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
const samples = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code)

/** The first sample in which the words stand. */
function sample (words: string): string {
  const found = samples.find((code) => code.includes(words))

  if (found == null) {
    throw new Error(`No sample of the README says ${words}`)
  }

  return found
}

/** Runs a program inside the checkout, where the package's name means this package, until `holds` of what it printed. */
async function run (program: string, holds: (printed: string) => boolean, meanwhile: () => void = () => {}): Promise<string> {
  const folder = await mkdtemp(join(ROOT, 'dist/readme-'))
  const file = join(folder, 'sample.ts')
  await writeFile(file, program)
  const child = spawn(process.execPath, [file], { cwd: ROOT })
  const ended = once(child, 'exit')
  let printed = ''

  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => { printed += data.toString() })
  }

  try {
    await until('the sample says what it should', () => {
      meanwhile()

      if (child.exitCode != null && !holds(printed)) {
        throw new Error(`The sample ended with ${printed}`)
      }

      return holds(printed)
    }).catch((err: Error) => { throw new Error(`${err.message}, but printed: ${printed}`) })
  } finally {
    child.kill()
    await ended
    await rm(folder, { recursive: true })
  }

  return printed
}

describe('the README', () => {
  it('has a sample for users of gossipsub that runs as pasted', async () => {
    expect(await run(sample('// was: gossipsub()'), (printed) => printed.includes('\n'))).to.equal('fruit banana\n')
  })

  it('links to nothing that is not there, and installs what its first sample imports', async () => {
    const files = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path]) => path)
    expect(files.length).to.be.greaterThan(12)
    const missing = await Promise.all(files.map(async (path) => access(join(ROOT, path)).then(() => [], () => [path])))
    expect(missing.flat()).to.deep.equal([])

    const { name, version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
    const imported = [...sample('// was: gossipsub()').matchAll(/from '(.+)'/g)].map(([, from]) => from)
    const [, installed] = /^npm install (.+)$/m.exec(readme) ?? []
    expect(installed?.split(' ').toSorted()).to.deep.equal([`../${name}/${name}-${version}.tgz`, ...imported.filter((from) => from !== name)].toSorted())
  })

  it('has a sample for users of iroh that runs with the id and address of a peer', async () => {
    const peer = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/udp/0/quic-v1/sni/iroh.invalid'] },
      transports: [iroh({ relayMode: 'disabled' })],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: { pubsub: irohGossip() }
    })

    try {
      const topic = await peer.services.pubsub.join(TopicId.parse('ab'.repeat(32)))
      const heard = new Heard(topic)
      const [address] = peer.getMultiaddrs().filter(isIrohAddress)
      const pasted = sample('// a Rust peer:')
      const program = pasted
        .replace('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', endpointIdOf(peer.peerId))
        .replace('192.0.2.2/udp/38963', `127.0.0.1/udp/${address.getComponents()[1].value}`)
        // no servers of others in a test
        .replace('iroh()]', 'iroh({ relayMode: "disabled" })]')
      let answered = false
      const printed = await run(program, (text) => text.includes('Uint8Array'), () => {
        if (!answered && heard.texts.includes('hello from JavaScript')) {
          answered = true
          void topic.broadcast(bytes('hello back'))
        }
      })
      expect(printed).to.include(peer.peerId.toString())
    } finally {
      await peer.stop()
    }
  })

  it('has fragments that do what they say in a program', async () => {
    const program = [
      sample('// was: gossipsub()').replace(/const \[alice[^]*/, ''),
      `const options = { ${sample('pubsub: irohGossip({ globalSignaturePolicy').trim()} }`,
      'const { services: { pubsub }, stop } = await create()',
      'const isFruit = async (data: Uint8Array) => data.length > 0',
      'const members = new Set<string>()',
      sample('topicValidators.set'),
      'console.log(typeof options.pubsub, pubsub.topicValidators.size)'
    ].join('\n')
    const printed = await run(program, (text) => text.includes('function 1'))
    expect(printed).to.include("code: 'notJoined'")
  })

  it('passes a connection of the application\'s accept loop on as it shows', async () => {
    const program = [
      "import { generateKeyPair } from '@libp2p/crypto/keys'",
      "import { createLibp2p } from 'libp2p'",
      "import binding from '@number0/iroh/index.js'",
      "import { irohGossip } from 'libp2p-iroh-gossip'",
      "import { iroh } from 'libp2p-iroh-gossip/iroh'",
      'const bind = async (key) => {',
      '  const builder = binding.Endpoint.builder()',
      '  builder.applyMinimal()',
      '  builder.relayMode(binding.RelayMode.disabled())',
      '  builder.secretKey([...key.raw.subarray(0, 32)])',
      "  builder.alpns([[...new TextEncoder().encode('/iroh-gossip/1')]])",
      "  builder.bindAddr('127.0.0.1:0')",
      '  return builder.bind()',
      '}',
      "const [privateKey, other] = await Promise.all([generateKeyPair('Ed25519'), generateKeyPair('Ed25519')])",
      'const [endpoint, caller] = await Promise.all([bind(privateKey), bind(other)])',
      sample('accept: false').replace('// …', [
        'const node = await createLibp2p({ privateKey, transports: [transport], services: { pubsub: irohGossip() } })',
        "const socket = endpoint.boundSockets().find((address) => address.startsWith('127.'))",
        "const called = caller.connect(new binding.EndpointAddr(endpoint.id(), undefined, [socket]), [...new TextEncoder().encode('/iroh-gossip/1')])"
      ].join('\n')),
      'await called',
      'console.log(node.getConnections().length, node.getConnections()[0].direction)'
    ].join('\n')
    expect(await run(program, (printed) => printed.includes('\n'))).to.equal('1 inbound\n')
  })

  it('has all public names of gossipsub in its table', async () => {
    const declarations = await Promise.all(['index', 'config'].map(async (name) => readFile(join(ROOT, `node_modules/@libp2p/gossipsub/dist/src/${name}.d.ts`), 'utf8')))
    const code = declarations.join('\n').replace(/\/\*[^]*?\*\//g, '')
    const exported = [...code.matchAll(/^export (?:declare )?(?:const|enum|interface|type|function|class) (\w+)/gm)].map(([, name]) => name)
    const members = ['GossipsubOpts extends GossipsubOptsSpec', 'GossipsubOptsSpec', 'GossipSub extends TypedEventTarget<GossipSubEvents>'].flatMap((name) => {
      const body = code.slice(code.indexOf(`interface ${name} {`)).split('\n}')[0]

      return [...body.matchAll(/^ {4}(\w+)[?(:]/gm)].map(([, member]) => member)
    })
    const names = [...exported, ...members].filter((name) => name !== 'GossipsubOptsSpec')
    const table = readme.slice(readme.indexOf('| gossipsub | here |'), readme.indexOf('| Rust `iroh-gossip` | here |'))

    expect(names.length).to.be.greaterThan(70)
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(table))).to.deep.equal([])
  })

  it('names no metric of ours that is not scraped, and all options', async () => {
    const options = await readFile(join(ROOT, 'src/options.ts'), 'utf8')
    const names = [...options.matchAll(/^ {2}'?([\w.]+)'?: \[[\w* ]+, /gm)].map(([, name]) => name)
    const table = readme.slice(readme.indexOf('## Options'), readme.indexOf('## Names'))

    expect(names.length).to.be.greaterThan(18)
    expect(names.filter((name) => !table.includes(`| \`${name}\` |`))).to.deep.equal([])
    const metrics = await readFile(join(ROOT, 'src/metrics.ts'), 'utf8')
    const used = [...readme.matchAll(/`(\w+_total)`/g)].map(([, name]) => name)
    expect(used.filter((name) => !metrics.includes(`'${name}'`))).to.deep.equal([])
  })
})
