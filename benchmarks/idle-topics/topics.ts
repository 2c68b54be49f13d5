/** Peers of each topic, beside the measured node. */
export const PEERS_OF_A_TOPIC = 5

/** The topic of a number. */
export function topicName (topic: number): string {
  return `idle-${topic}`
}

/** Whether a peer is one of the five of a topic. */
export function isMember (peer: number, topic: number, peers: number): boolean {
  const stride = Math.max(1, Math.floor(peers / PEERS_OF_A_TOPIC))

  return peer % stride === topic % stride
}
