import { generateKeyPair } from '@libp2p/crypto/keys'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'chai'
import { IrohConnection } from '../../src/transport-iroh/connection.ts'
import { loadNative } from '../../src/transport-iroh/native.ts'
import type { NativeConnection } from '../../src/transport-iroh/native.ts'

/** A native connection that ends when it is told to, and says what was asked of it. */
class FakeConnection {
  readonly calls: string[] = []
  readonly #closed = Promise.withResolvers<string>()

  /** The remote closes it. */
  end (): void {
    this.#closed.resolve('ApplicationClosed')
  }

  async closed (): Promise<string> {
    return this.#closed.promise
  }

  close (): void {
    this.calls.push('close')
    this.end()
  }

  setMaxConcurrentUniStreams (count: bigint): void {
    this.calls.push(`allow ${count}`)
  }
}

/** Lets every promise settle that can. */
async function settled (): Promise<void> {
  await new Promise((resolve) => { setImmediate(resolve) })
}

describe('a native connection', () => {
  async function adopt (): Promise<{ fake: FakeConnection, connection: IrohConnection }> {
    const fake = new FakeConnection()
    const connection = new IrohConnection({
      native: await loadNative(),
      connection: fake as unknown as NativeConnection,
      protocol: '/iroh-gossip/1',
      remotePeer: peerIdFromPrivateKey(await generateKeyPair('Ed25519')),
      remoteAddr: multiaddr('/ip4/192.0.2.1/udp/4/quic-v1/sni/iroh.invalid'),
      direction: 'inbound',
      log: defaultLogger().forComponent('test')
    })

    return { fake, connection }
  }

  it('that carried nothing is closed without a pause', async () => {
    const { fake, connection } = await adopt()
    const closed = connection.close()
    await settled()
    expect(fake.calls).to.include('close')
    await closed
  })

  it('lets the remote have more streams than QUIC\'s default of 100: one for each topic', async () => {
    const { fake } = await adopt()
    expect(fake.calls).to.deep.equal(['allow 4096'])
  })

  it('that the remote has closed is gone when everything that it brought is read', async () => {
    const { fake, connection } = await adopt()
    const reading = Promise.withResolvers<unknown>()
    let isGone = false
    connection.trackInbound(reading.promise.then(() => {}))
    connection.closed.then(() => { isGone = true }, () => {})
    fake.end()
    await settled()
    expect([isGone, connection.status]).to.deep.equal([false, 'open'])
    reading.resolve(undefined)
    await connection.closed
    expect(connection.status).to.equal('closed')
  })
})
