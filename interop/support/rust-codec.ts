import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { buildRustPeer } from './cargo.ts'

/** What the Rust crate makes of one payload. */
export type Verdict = { ok: true, reencoded: string } | { ok: false, error: string }

/**
 * Has the Rust crate decode each payload, and encode again what it accepts.
 *
 * @param payloads - in hex
 * @returns a verdict for each, in the same order
 */
export async function judgedByRust (payloads: string[]): Promise<Verdict[]> {
  const codec = spawn(await buildRustPeer(), ['--codec'], { stdio: ['pipe', 'pipe', 'inherit'] })
  codec.stdin.end(payloads.join('\n'))
  const verdicts: Verdict[] = []

  for await (const line of createInterface({ input: codec.stdout })) {
    verdicts.push(JSON.parse(line))
  }

  if (verdicts.length !== payloads.length) {
    throw new Error(`the Rust codec judged ${verdicts.length} of ${payloads.length} payloads`)
  }

  return verdicts
}
