import { TOPIC } from './machine.ts'
import type { SimulatedNode } from './network-config.ts'

/** The largest that each map of a topic may ever be with the default configuration. Debts and the cache are bounded in bytes elsewhere, each entry with at least 256. */
const MOST: Readonly<Record<string, number>> = {
  peerData: 99,
  neighborRequests: 64,
  refusals: 64,
  strangers: 256,
  remembered: 528,
  shuffles: 32,
  sounded: 128,
  received: 262_144,
  cache: 131_072,
  cacheBytes: 33_554_432,
  missing: 16_384,
  recent: 512,
  lazyPushQueue: 1_280,
  held: 1_024,
  waiting: 4_096,
  debts: 819_200
}

/** Maps that a swarm in which nobody says anything has to empty. */
const EMPTY_WHEN_QUIET = ['received', 'cache', 'cacheBytes', 'missing', 'debts', 'recent', 'lazyPushQueue', 'held', 'waiting'] as const

/**
 * What must hold of a node after each event and does not, in words; empty if
 * all is well. Views are bounded, disjoint and without their owner; of a node
 * with our rules the peers that get payloads and those that get announcements
 * make up the active view, and all maps are within their bounds.
 */
export function brokenInvariants ({ key, machine, rules }: SimulatedNode): string[] {
  const broken: string[] = []
  const active = machine.neighbors(TOPIC)
  const passive = machine.passivePeers(TOPIC)
  const known = new Set(active)
  passive.forEach((peer) => known.add(peer))

  if (active.length > 5 || passive.length > 30) {
    broken.push('a view beyond its capacity')
  }

  if (known.size !== active.length + passive.length || known.has(key)) {
    broken.push('views that are not disjoint, or hold their owner')
  }

  if (rules === 'ours') {
    const push = new Set([...machine.eagerPushPeers(TOPIC), ...machine.lazyPushPeers(TOPIC)])

    if (push.size !== active.length || !active.every((peer) => push.has(peer))) {
      broken.push('eager and lazy peers that are not the active view')
    }

    for (const [name, size] of Object.entries(machine.stats?.(TOPIC)?.sizes ?? {})) {
      if (size > (MOST[name] ?? Infinity)) {
        broken.push(`${size} entries in ${name}`)
      }
    }
  }

  return broken
}

/** What a node still keeps though nobody has said anything for as long as anything is remembered. */
export function keptWhenQuiet ({ machine }: SimulatedNode): string[] {
  const sizes = machine.stats?.(TOPIC)?.sizes ?? {}

  return EMPTY_WHEN_QUIET.filter((name) => (sizes[name] ?? 0) > 0).map((name) => `${sizes[name]} entries in ${name} of a quiet swarm`)
}
