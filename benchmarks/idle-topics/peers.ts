/** Some of the peers of the measured node. Driven by `node.ts`. */
import { setImmediate as turn } from 'node:timers/promises'
import { createContestant } from '../support/contestants.ts'
import { answer } from '../support/requests.ts'
import { isMember, missingLinks, topicName } from './topics.ts'
import type { PeersInit, TopicRange } from './topics.ts'
import type { ContestantNode } from '../support/contestants.ts'

const CONTENT_BYTES = 256
const CHUNK = 20

let all: PeersInit = { peers: 0, first: 0, count: 0 }
let nodes: ContestantNode[] = []

function isIn (index: number, topic: number): boolean {
  return isMember(all.first + index, topic, all.peers)
}

function members (topic: number): ContestantNode[] {
  return nodes.filter((_, index) => isIn(index, topic))
}

answer({
  start: async (init: PeersInit) => {
    all = init
    nodes = await Promise.all(Array.from({ length: init.count }, async () => createContestant('iroh-gossip', 'tcp')))

    return nodes.map((node) => node.getMultiaddrs()[0].toString())
  },
  subscribe: ({ from, to }: TopicRange) => {
    for (let topic = from; topic < to; topic++) {
      members(topic).forEach((node) => { node.services.pubsub.subscribe(topicName(topic)) })
    }
  },
  missingLinks: (range: TopicRange) => nodes.reduce((sum, node, index) => sum + missingLinks(node, range, (topic) => isIn(index, topic)), 0),
  /** Messages `from` to `to`, each in the next topic; returns how many were sent: not where nobody lives here, or the publisher knows nobody. */
  publish: async ({ from, to, topics }: { from: number, to: number, topics: number }) => {
    let sent = 0

    for (let i = from; i < to; i++) {
      const content = new Uint8Array(CONTENT_BYTES)
      new DataView(content.buffer).setUint32(0, i)
      const topic = i % topics
      const pubsub = members(topic)[0]?.services.pubsub

      if (pubsub != null && pubsub.getSubscribers(topicName(topic)).length > 0) {
        await pubsub.publish(topicName(topic), content)
        sent++
      }

      i % CHUNK === 0 && await turn()
    }

    return sent
  }
})
