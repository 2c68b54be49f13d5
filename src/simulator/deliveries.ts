import { reachableFrom } from './overlay.ts'
import type { Broadcast, Simulation } from './simulation.ts'

/** A broadcast, and who should get it: nodes with the life that they had. */
export interface WatchedBroadcast {
  readonly broadcast: Broadcast
  readonly wanted: Map<number, number>
}

/**
 * Broadcasts and who should get them: every node that was connected with the
 * sender when it was sent (in one piece of overlay, on one side of a partition).
 * Those that a partition cuts off before it can have arrived are not wanted,
 * and in the end not those that died.
 */
export class Deliveries {
  readonly watched: WatchedBroadcast[] = []
  private readonly simulation: Simulation
  private readonly timeoutMs: number

  /**
   * @param timeoutMs - virtual milliseconds that a broadcast may take
   */
  constructor (simulation: Simulation, timeoutMs: number) {
    this.simulation = simulation
    this.timeoutMs = timeoutMs
  }

  /** Publishes a message of its own kind. */
  broadcast (sender: number): WatchedBroadcast {
    const { network } = this.simulation
    const wanted = new Map([...reachableFrom(network, sender)].map((node) => [node, network.nodes[node].life]))
    wanted.delete(sender)
    const watched = { broadcast: this.simulation.broadcast(sender), wanted }
    this.watched.push(watched)

    return watched
  }

  /** A partition begins: what is under way cannot reach the other side any more. */
  part (sides: (node: number) => number): void {
    for (const { broadcast, wanted } of this.watched) {
      if (this.simulation.network.now < broadcast.sentAt + this.timeoutMs) {
        for (const node of wanted.keys()) {
          if (sides(node) !== sides(broadcast.sender)) {
            wanted.delete(node)
          }
        }
      }
    }
  }

  /** Those that died are not wanted any more. */
  forgetDead ({ wanted }: WatchedBroadcast): void {
    for (const [node, life] of wanted) {
      if (this.simulation.network.nodes[node].life !== life) {
        wanted.delete(node)
      }
    }
  }

  /** How many of those that should have it do. */
  delivered ({ broadcast, wanted }: WatchedBroadcast): number {
    let count = 0

    for (const node of wanted.keys()) {
      count += broadcast.delivered.has(node) ? 1 : 0
    }

    return count
  }
}
