import { delivery, linkedBoth } from './member.ts'
import { isDoneWithin } from './observation.ts'
import type { RustPeer } from './rust-peer.ts'
import type { RustTopic } from './rust-topic.ts'
import type { Stage } from './stage.ts'

/** A Rust peer, and the topic through which a newcomer is to join it. */
export interface Host {
  rust: RustPeer
  topic: string
  inRust: RustTopic
}

/** How long a newcomer waits in vain before its host counts as frozen, in milliseconds; others let it in at once. */
const SHUT_OUT_MS = 3_000

/** Newcomers that may be let in before the host freezes. */
const NEWCOMERS = 5

/** Has a new Rust peer join through another, and waits until each counts the other as neighbor. */
export async function isLetIn (stage: Stage, { rust, topic, inRust }: Host): Promise<RustTopic> {
  const third = await stage.rust()
  const inThird = await third.join(topic, { bootstrap: [rust] })
  await linkedBoth(inThird, inRust)

  return inThird
}

/**
 * Has new Rust peers join through another until one is not let in: nothing
 * tells when a Rust peer is frozen, so those before that moment do not count.
 *
 * @returns resolves when the one is let in after all
 * @throws {Error} if five were let in
 */
export async function isShutOut (stage: Stage, { rust, topic, inRust }: Host): Promise<{ letIn: Promise<void> }> {
  for (let i = 0; i < NEWCOMERS; i++) {
    const third = await stage.rust()
    const inThird = await third.join(topic, { bootstrap: [rust] })
    const letIn = linkedBoth(inThird, inRust)

    if (!await isDoneWithin(SHUT_OUT_MS, letIn)) {
      return { letIn }
    }
  }

  throw new Error(`${rust.name} let ${NEWCOMERS} newcomers in`)
}

/** Has a new Rust peer join through another, and be served: each receives a message of the other. */
export async function isServed (stage: Stage, host: Host): Promise<RustTopic> {
  const inThird = await isLetIn(stage, host)
  const content = crypto.getRandomValues(new Uint8Array(16))
  await host.inRust.broadcast(content)
  await delivery(inThird, content)
  const answer = crypto.getRandomValues(new Uint8Array(16))
  await inThird.broadcast(answer)
  await delivery(host.inRust, answer)

  return inThird
}
