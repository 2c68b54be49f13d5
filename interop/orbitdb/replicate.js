/**
 * Two OrbitDB peers replicate a database: OrbitDB is written for gossipsub, and
 * here runs on irohGossip. The pubsub line is all that is different.
 *
 * Prints one line of JSON: what each side has at the end.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noise } from '@chainsafe/libp2p-noise'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createOrbitDB } from '@orbitdb/core'
import { MemoryBlockstore } from 'blockstore-core'
import { MemoryDatastore } from 'datastore-core'
import { createHelia } from 'helia'
import { createLibp2p } from 'libp2p'
// the package that this folder is part of, as it is built
import { irohGossip } from '../../dist/src/index.js'

const TIMEOUT_MS = 20_000
const directory = await mkdtemp(join(tmpdir(), 'orbitdb-'))

async function start (id) {
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      pubsub: irohGossip({ globalSignaturePolicy: 'StrictSign', maxMessageSize: 65536, allowPublishToZeroTopicPeers: true })
    }
  })
  const ipfs = await createHelia({ libp2p, blockstore: new MemoryBlockstore(), datastore: new MemoryDatastore() })
  const orbitdb = await createOrbitDB({ ipfs, id, directory: join(directory, id) })

  return { libp2p, ipfs, orbitdb }
}

/** Resolves when both sides have so many records. */
async function until (count, ...dbs) {
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => { reject(new Error(`not replicated after ${TIMEOUT_MS} ms`)) }, TIMEOUT_MS)
    const check = async () => {
      const all = await Promise.all(dbs.map((db) => db.all()))

      if (all.every((records) => records.length >= count)) {
        clearTimeout(timer)
        dbs.forEach((db) => { db.events.off('update', check) })
        resolve()
      }
    }
    dbs.forEach((db) => { db.events.on('update', check) })
    check().catch(reject)
  })
}

const [a, b] = [await start('a'), await start('b')]

try {
  await a.libp2p.dial(b.libp2p.getMultiaddrs())
  const mine = await a.orbitdb.open('fruit', { type: 'documents' })
  // written before the other opens the database: comes when it subscribes
  await mine.put({ _id: 'apple', from: 'a' })
  const theirs = await b.orbitdb.open(mine.address)
  await until(1, mine, theirs)
  // written while both have it open: comes as a message
  await mine.put({ _id: 'banana', from: 'a' })
  await mine.put({ _id: 'cherry', from: 'a' })
  await until(3, mine, theirs)

  const records = async (db) => (await db.all()).map(({ value }) => `${value._id} from ${value.from}`).sort()
  process.stdout.write(`${JSON.stringify({ a: await records(mine), b: await records(theirs) })}\n`)
} finally {
  for (const { orbitdb, ipfs } of [a, b]) {
    await orbitdb.stop()
    await ipfs.stop()
  }

  await rm(directory, { recursive: true, force: true })
}
