import { readFileSync } from 'node:fs'

/** What the Rust crate made of a payload. */
export type VectorCase =
  | { name: string, payload: string, rust: 'accepts', reencoded: string, debug: string }
  | { name: string, payload: string, rust: 'rejects', error: string }

/** Recorded from iroh-gossip 0.101.0; all bytes as hex. */
export interface WireVectors {
  keys: string[]
  cases: VectorCase[]
  frame: { payload: string, frame: string }
  blake3: Array<{ content: string, id: string }>
}

export const vectors: WireVectors = JSON.parse(readFileSync(new URL('../fixtures/wire-vectors.json', import.meta.url), 'utf8'))

export function fromHex (hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'))
}

export function toHex (bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** The payload of the case with this name. */
export function vectorPayload (name: string): Uint8Array {
  const found = vectors.cases.find(vector => vector.name === name)

  if (found == null) {
    throw new Error(`no vector is named ${name}`)
  }

  return fromHex(found.payload)
}
