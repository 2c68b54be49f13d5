import type { NativeEndpoint } from '../../../src/transport-iroh/index.ts'

/** An endpoint that says of itself what the test wants. */
export class FakeEndpoint implements NativeEndpoint {
  relayUrl: string | null = null
  directAddresses: string[] = []
  readonly #publicKey: Uint8Array

  constructor (publicKey: Uint8Array) {
    this.#publicKey = publicKey
  }

  id (): ReturnType<NativeEndpoint['id']> {
    return { toBytes: () => this.#publicKey }
  }

  addr (): ReturnType<NativeEndpoint['addr']> {
    return { directAddresses: () => this.directAddresses, relayUrl: () => this.relayUrl }
  }

  setAlpns (): void {}

  boundSockets (): string[] {
    return ['0.0.0.0:7', '[::]:7']
  }

  async connect (): Promise<never> {
    throw new Error('there is nobody')
  }

  async acceptNext (): Promise<never> {
    return new Promise(() => {})
  }

  async close (): Promise<void> {}

  isClosed (): boolean {
    return false
  }
}
