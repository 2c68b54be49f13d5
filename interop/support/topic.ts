import { toString } from 'uint8arrays/to-string'

/** A topic id, as 64 hex characters, that no other test uses. */
export function randomTopic (): string {
  return toString(crypto.getRandomValues(new Uint8Array(32)), 'hex')
}
