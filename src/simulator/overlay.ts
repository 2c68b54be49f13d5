import { Rng } from '../proto/index.ts'
import type { Network } from './network.ts'

/** Measures of an overlay: the graph of active views. */
export interface OverlayReport {
  nodes: number
  /** Mean size of the active views. */
  degree: number
  /** How many nodes have how many neighbors. */
  degrees: Record<number, number>
  /** How many nodes are in how many active views. */
  inDegrees: Record<number, number>
  /** Share of entries of active views that are mutual. */
  symmetric: number
  /** Nodes without a living neighbor, and in nobody's active view. */
  alone: number
  /** Sizes of the connected components, the largest first; links count in both directions. */
  components: number[]
  /** Mean share of a node's neighbors that are neighbors of each other. HyParView p. 10. */
  clustering: number
  /** Mean hops between two nodes, and the most from any; over at most `samples` origins. */
  pathLength: number
  eccentricity: number
  /** Mean one-way milliseconds of a link. */
  linkMs: number
}

/**
 * Measures the overlay as it is now. Entries that name dead nodes are left out.
 *
 * @param samples - origins of the path measures; more is slower, and exact when
 * there are as many as nodes
 */
export function measureOverlay (network: Network, samples = 32): OverlayReport {
  const alive = network.alive()
  const views = new Map(alive.map((node) => [node, new Set(network.neighbors(node).filter((other) => network.nodes[other].alive))]))
  const links = new Map(alive.map((node) => [node, new Set(views.get(node))]))
  const degrees: Record<number, number> = {}
  const inDegree = new Map<number, number>(alive.map((node) => [node, 0]))
  let entries = 0
  let mutual = 0
  let latency = 0

  for (const [node, view] of views) {
    degrees[view.size] = (degrees[view.size] ?? 0) + 1
    entries += view.size

    for (const other of view) {
      links.get(other)?.add(node)
      inDegree.set(other, (inDegree.get(other) ?? 0) + 1)
      mutual += views.get(other)?.has(node) === true ? 1 : 0
      latency += network.latencyBetween(node, other)
    }
  }

  const inDegrees: Record<number, number> = {}

  for (const count of inDegree.values()) {
    inDegrees[count] = (inDegrees[count] ?? 0) + 1
  }

  return {
    nodes: alive.length,
    degree: entries / alive.length,
    degrees,
    inDegrees,
    symmetric: entries === 0 ? 1 : mutual / entries,
    alone: alive.filter((node) => links.get(node)?.size === 0).length,
    components: components(links),
    clustering: clustering(links),
    linkMs: entries === 0 ? 0 : latency / entries,
    ...paths(links, alive, samples)
  }
}

/** The node and all that a broadcast of it can reach as things are: over active views, between nodes alive, within a side of a partition. */
export function reachableFrom (network: Network, node: number): Set<number> {
  const found = new Set([node])

  for (const member of found) {
    for (const next of network.neighbors(member)) {
      if (network.nodes[next].alive && network.isSameSide(member, next)) {
        found.add(next)
      }
    }
  }

  return found
}

type Graph = ReadonlyMap<number, ReadonlySet<number>>

/** Hops from one node to all that it reaches. */
function distances (graph: Graph, from: number): Map<number, number> {
  const found = new Map([[from, 0]])

  // a Map goes on to what is added on the way, so it is the queue as well
  for (const [node, hops] of found) {
    for (const next of graph.get(node) ?? []) {
      if (!found.has(next)) {
        found.set(next, hops + 1)
      }
    }
  }

  return found
}

function components (graph: Graph): number[] {
  const left = new Set(graph.keys())
  const sizes: number[] = []

  for (const node of graph.keys()) {
    if (left.has(node)) {
      const found = distances(graph, node)
      sizes.push(found.size)

      for (const member of found.keys()) {
        left.delete(member)
      }
    }
  }

  return sizes.sort((a, b) => b - a)
}

function clustering (graph: Graph): number {
  let sum = 0

  for (const peers of graph.values()) {
    const list = [...peers]
    let pairs = 0

    for (let i = 0; i < list.length; i++) {
      for (let j = i + 1; j < list.length; j++) {
        pairs += graph.get(list[i])?.has(list[j]) === true ? 1 : 0
      }
    }

    sum += list.length < 2 ? 0 : 2 * pairs / (list.length * (list.length - 1))
  }

  return graph.size === 0 ? 0 : sum / graph.size
}

function paths (graph: Graph, nodes: number[], samples: number): { pathLength: number, eccentricity: number } {
  const origins = samples >= nodes.length ? nodes : new Rng(1).shuffle(nodes.slice()).slice(0, samples)
  let hops = 0
  let pairs = 0
  let eccentricity = 0

  for (const origin of origins) {
    for (const distance of distances(graph, origin).values()) {
      hops += distance
      pairs += distance > 0 ? 1 : 0
      eccentricity = Math.max(eccentricity, distance)
    }
  }

  return { pathLength: pairs === 0 ? 0 : hops / pairs, eccentricity }
}
