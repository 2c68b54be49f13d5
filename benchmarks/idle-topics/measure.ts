import { fileURLToPath } from 'node:url'
import { isolated } from '../support/isolated.ts'
import { ask } from '../support/requests.ts'

/** How many topics, on a node with how many peers, watched for how long. */
export interface TopicsInit {
  topics: number
  peers: number
  idleMs: number
  /** How long to wait at most until next to nothing is said. */
  settleMs: number
  /** How long to wait then: streams that nobody uses are let go of after 20 s. */
  restMs: number
  /** Where to write a heap snapshot of the node, before the messages. */
  snapshot?: string
  /** Messages that the peers then publish, in all topics in turns. */
  messages: number
}

/** What the topics cost the node. */
export interface TopicsMeasured {
  heapBytesPerTopic: number
  /** Timers that are armed. */
  timersBefore: number
  timersAfter: number
  /** Links that the node and its peers lack, of all that there could be. */
  linksMissing: number
  /** From the first `subscribe` until all who share a topic are linked; some topics are joined at a time. */
  joinMs: number
  /** Bytes at the interface, of all nodes together, and CPU of the node. */
  idleBytesPerTopicAndMinute: number
  idleCpuMicrosPerTopicAndMinute: number
  /** Of the node, for each message that reached it. */
  cpuMicrosPerDelivery: number
  published: number
  delivered: number
}

/** Measures a node alone in its process; its peers share two others, in the same network namespace. */
export async function measureTopics (init: TopicsInit): Promise<TopicsMeasured> {
  const child = isolated(fileURLToPath(new URL('./node.ts', import.meta.url)), [], ['--expose-gc'])
  const measured = await ask<TopicsMeasured>(child, 'measure', init)
  child.disconnect()

  return measured
}
