import type { IrohGossip } from '../../src/index.ts'
import type { ContestantNode } from '../support/contestants.ts'

/** Topics by number: the first, and the one after the last. */
export interface TopicRange {
  from: number
  to: number
}

/** Peers of each topic, beside the measured node. */
export const PEERS_OF_A_TOPIC = 5

/** A process full of peers. */
export interface PeersInit {
  /** All peers of the measured node. */
  peers: number
  /** The first one that lives here, and how many do. */
  first: number
  count: number
}

/** How many of its links a node still lacks in the topics `from` to `to`: in the end all six of a topic are neighbors. */
export function missingLinks (node: ContestantNode, { from, to }: TopicRange, isIn: (topic: number) => boolean = () => true): number {
  let missing = 0

  for (let topic = from; topic < to; topic++) {
    if (isIn(topic)) {
      missing += PEERS_OF_A_TOPIC - ((node.services.pubsub as IrohGossip).getStats(topicName(topic))?.neighbors ?? 0)
    }
  }

  return missing
}

/** The topic of a number. */
export function topicName (topic: number): string {
  return `idle-${topic}`
}

/** Whether a peer is one of the five of a topic. */
export function isMember (peer: number, topic: number, peers: number): boolean {
  const stride = Math.max(1, Math.floor(peers / PEERS_OF_A_TOPIC))

  return peer % stride === topic % stride
}
