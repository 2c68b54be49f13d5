import { createBLAKE3 } from 'hash-wasm'

/** Hashes a content to its 32-byte message id. */
export interface Hash {
  (content: Uint8Array): Uint8Array
}

let loading: Promise<Hash> | undefined

/**
 * blake3 in WebAssembly: several times as fast here as in JavaScript, but
 * loaded asynchronously. Once loaded it is synchronous and shared.
 */
export async function loadHash (): Promise<Hash> {
  loading ??= createBLAKE3().then((hasher) => (content) => hasher.init().update(content).digest('binary'))

  return loading
}
