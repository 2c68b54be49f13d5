import { HANDSHAKE_MS, MAX_PROBES, OUR_PROBE_INTERVAL_MS, OUR_SILENCE_MS, SILENCE_MS } from './limits.ts'
import type { Outbox } from './events.ts'
import type { PeerKey, Priority } from './messages.ts'
import type { Link } from './views.ts'

/**
 * The handshake of neighbors: a request, its answer, and a last word.
 *
 * The last word is for Rust peers. One that has sent a Neighbor, be it a
 * request or an answer, waits for another one without any timer; until then it
 * counts a slot as taken, and swallows the next Neighbor as the answer. So
 * whoever gets an answer says one word more. Each side answers what it did not
 * expect, swallows what ends a handshake, and so every exchange comes to an end (rule 17).
 */
export function newLink (init: Pick<Link, 'chosenByUs' | 'unbiased' | 'roundTripMs'>, now: number): Link {
  return {
    since: Math.floor(now),
    heardAt: Math.floor(now),
    chosenByUs: init.chosenByUs,
    handshake: 'none',
    handshakeUntil: 0,
    probes: 0,
    roundTripMs: init.roundTripMs,
    unbiased: init.unbiased
  }
}

/** Asks a neighbor to confirm that it is one; not again while an answer is due. */
export function askNeighbor (peer: PeerKey, link: Link, priority: Priority, data: Uint8Array | undefined, now: number, out: Outbox): void {
  link.handshake = 'asked'
  link.handshakeUntil = now + HANDSHAKE_MS
  out.send(peer, { type: 'neighbor', priority, data })
}

/** Reacts to a Neighbor of a neighbor. The answer has the priority of the request, as Rust's has. */
export function answerKnownNeighbor (peer: PeerKey, link: Link, priority: Priority, data: Uint8Array | undefined, now: number, out: Outbox): void {
  const state = now < link.handshakeUntil ? link.handshake : 'none'
  link.handshake = 'none'

  if (state !== 'none') {
    link.roundTripMs = now - (link.handshakeUntil - HANDSHAKE_MS)
  }

  if (state === 'asked') {
    // low: should it have dropped us meanwhile, nobody is to be evicted for us
    out.send(peer, { type: 'neighbor', priority: 'low', data })
  } else if (state === 'none') {
    link.handshake = 'answered'
    link.handshakeUntil = now + HANDSHAKE_MS
    out.send(peer, { type: 'neighbor', priority, data })
  }
}

/**
 * Asks a neighbor that has been silent for long. A Rust peer answers the second
 * question at the latest; who answers none is dead, though the connection stands.
 */
export function probeNeighbor (peer: PeerKey, link: Link, isOurKind: boolean, data: Uint8Array | undefined, now: number, out: Outbox): 'alive' | 'asked' | 'dead' {
  if (now - link.heardAt < (isOurKind ? OUR_SILENCE_MS + link.probes * OUR_PROBE_INTERVAL_MS : SILENCE_MS)) {
    return 'alive'
  }

  if (link.probes >= MAX_PROBES) {
    return 'dead'
  }

  link.probes++
  askNeighbor(peer, link, 'low', data, now, out)

  return 'asked'
}
