/**
 * A peer of ours in a process of its own, driven by the JSON lines that
 * `rust-peer/src/protocol.rs` describes: the same commands, the same events.
 */
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { fromString } from 'uint8arrays/from-string'
import { JsNode } from '../support/js-node.ts'
import { JsPeer } from './peer.ts'

const { values } = parseArgs({
  options: {
    'secret-key': { type: 'string' },
    config: { type: 'string' },
    transport: { type: 'string', default: 'iroh' }
  }
})
const seed = values['secret-key']
const node = await JsNode.start({
  transports: [values.transport === 'tcp' ? 'tcp' : 'iroh'],
  privateKey: seed == null ? undefined : await generateKeyPairFromSeed('Ed25519', fromString(seed, 'hex')),
  gossip: values.config == null ? undefined : JSON.parse(values.config)
})
const peer = new JsPeer(node, (line) => { process.stdout.write(JSON.stringify(line) + '\n') })

// whoever drove this peer is gone
process.stdout.on('error', () => { process.exit(1) })
createInterface({ input: process.stdin })
  .on('line', (line) => {
    peer.onLine(line).then((last) => {
      if (last) {
        process.stdin.destroy()
      }
    }, (err) => {
      // eslint-disable-next-line no-console
      console.error(err)
      process.exit(1)
    })
  })
  .on('close', () => { peer.stopped || process.exit(0) })
