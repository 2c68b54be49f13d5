/** The peers of the measured node, all in this process. Driven by `node.ts`. */
import { setImmediate as turn } from 'node:timers/promises'
import { createContestant } from '../support/contestants.ts'
import { answer } from '../support/requests.ts'
import { isMember, topicName } from './topics.ts'
import type { ContestantNode } from '../support/contestants.ts'

const CONTENT_BYTES = 256
const CHUNK = 20

let nodes: ContestantNode[] = []

function members (topic: number): ContestantNode[] {
  return nodes.filter((_, peer) => isMember(peer, topic, nodes.length))
}

answer({
  start: async ({ peers }: { peers: number }) => {
    nodes = await Promise.all(Array.from({ length: peers }, async () => createContestant('iroh-gossip', 'tcp')))

    return nodes.map((node) => node.getMultiaddrs()[0].toString())
  },
  subscribe: ({ topics }: { topics: number }) => {
    for (let topic = 0; topic < topics; topic++) {
      members(topic).forEach((node) => { node.services.pubsub.subscribe(topicName(topic)) })
    }
  },
  /** How often a peer knows nobody else in one of its topics. */
  alone: ({ topics }: { topics: number }) => {
    let alone = 0

    for (let topic = 0; topic < topics; topic++) {
      alone += members(topic).filter(({ services: { pubsub } }) => pubsub.getSubscribers(topicName(topic)).length === 0).length
    }

    return alone
  },
  /** Messages `from` to `to`, each in the next topic; returns how many were sent: not where the publisher knows nobody. */
  publish: async ({ from, to, topics }: { from: number, to: number, topics: number }) => {
    let sent = 0

    for (let i = from; i < to; i++) {
      const content = new Uint8Array(CONTENT_BYTES)
      new DataView(content.buffer).setUint32(0, i)
      const topic = i % topics
      const { pubsub } = members(topic)[0].services

      if (pubsub.getSubscribers(topicName(topic)).length > 0) {
        await pubsub.publish(topicName(topic), content)
        sent++
      }

      i % CHUNK === 0 && await turn()
    }

    return sent
  }
})
