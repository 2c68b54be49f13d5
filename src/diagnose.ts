import { nameOf } from './topic-registry.ts'
import type { PeerKey } from './proto/messages.ts'
import type { Session } from './session.ts'
import type { TopicId } from './topic-id.ts'
import type { PeerId } from '@libp2p/interface'

/** Milliseconds after which a neighbor that said nothing is worth a word. */
const SILENT_MS = 60_000

/** Why messages would not arrive. */
export type FindingCode =
  | 'notJoined'
  | 'notConnected'
  | 'noProtocolPeers'
  | 'noneInTopic'
  | 'noNeighbors'
  | 'dialsFailing'
  | 'sizesDiffer'
  | 'invalidFrames'
  | 'silentNeighbor'
  | 'peersCongested'
  | 'messagesUnjudged'

/** One reason, in words and in data. */
export interface Finding {
  code: FindingCode
  /** One sentence for a human, with what to do about it. */
  text: string
  /** The peers that it is about. */
  peers: PeerId[]
}

/** What is known of a topic's links, and what is wrong with them. */
export interface Diagnosis {
  /** Name of the topic, or its id in hex. */
  topic: string
  topicId: TopicId
  /** Whether nothing was found that would keep messages from arriving. */
  ok: boolean
  findings: Finding[]
  /** Connections of the node, whatever they carry. */
  connections: number
  /** Connected peers that speak the protocol. */
  protocolPeers: PeerId[]
  /** Connected peers known to be in the topic. */
  subscribers: PeerId[]
  /** Neighbors, with the milliseconds since each was last heard. */
  neighbors: Array<{ peer: PeerId, silentMs: number, eager: boolean }>
  /** Dials that failed and have not succeeded since. */
  failedDials: Array<{ peer: PeerId, reason: string, agoMs: number, count: number }>
  /** Bytes that wait to be sent, to all peers. */
  queuedBytes: number
}

/** Looks for reasons why messages of a topic would not arrive. */
export function diagnose (session: Session, id: TopicId, name: string, connections: number): Diagnosis {
  const { network, discovery, driver, topics, troubles, timers } = session
  const key = id.toString()
  const entry = topics.get(key)
  const now = timers.now()
  const peerId = (peer: PeerKey): PeerId => network.peerId(peer)
  const eager = new Set(driver.state.eagerPushPeers(key))
  const neighbors = driver.state.links(key).map(({ peer, heardAt }) => ({ peer: peerId(peer), silentMs: now - heardAt, eager: eager.has(peer) }))
  const protocolPeers = discovery.peers().map(peerId)
  const subscribers = [...entry?.subscribers.values() ?? []]
  const failedDials = troubles.of('dialFailed').map(({ peer, reason, at, count }) => ({ peer: peerId(peer), reason, agoMs: now - at, count }))
  const findings: Finding[] = []
  const add = (code: FindingCode, text: string, peers: PeerId[] = []): void => {
    findings.push({ code, text, peers })
  }

  if (entry == null) {
    add('notJoined', `This node is not in topic ${name}: subscribe to it or join it.`)
  }

  if (connections === 0) {
    add('notConnected', 'The node has no connection at all: dial somebody, or name a peer to join through.')
  } else if (protocolPeers.length === 0 && neighbors.length === 0) {
    add('noProtocolPeers', `None of the ${connections} connections is to a peer that speaks the protocol: check that the others run it under the same name, and that this node runs identify.`)
  } else if (entry != null && neighbors.length === 0 && subscribers.length === 0) {
    add('noneInTopic', `${protocolPeers.length} connected peers speak the protocol, none of them is in topic ${name}: check that both sides mean the same topic (a string is hashed, an id is not).`, protocolPeers)
  } else if (entry != null && neighbors.length === 0) {
    add('noNeighbors', `${subscribers.length} connected peers are in topic ${name}, none of them is a neighbor: it is being asked for, in pauses of up to half a minute.`, subscribers)
  }

  if (failedDials.length > 0) {
    add('dialsFailing', `${failedDials.length} peers could not be dialed; the last one because: ${failedDials[failedDials.length - 1].reason}`, failedDials.map(({ peer }) => peer))
  }

  const oversized = troubles.of('oversizedFrame')

  if (oversized.length > 0) {
    add('sizesDiffer', `Peers send larger messages than this node takes (${oversized[oversized.length - 1].reason}): maxMessageSize must be the same on every node.`, oversized.map(({ peer }) => peerId(peer)))
  }

  const invalid = troubles.of('invalidFrame')

  if (invalid.length > 0) {
    add('invalidFrames', `Peers send what cannot be read (${invalid[invalid.length - 1].reason}).`, invalid.map(({ peer }) => peerId(peer)))
  }

  const silent = neighbors.filter(({ silentMs }) => silentMs >= SILENT_MS)

  if (silent.length > 0) {
    add('silentNeighbor', `${silent.length} neighbors have said nothing for ${SILENT_MS / 1_000} s or longer: they are being asked whether they are still there.`, silent.map(({ peer }) => peer))
  }

  const congested = driver.state.congestedPeers()

  if (congested.length > 0) {
    add('peersCongested', `${congested.length} peers do not read as fast as this node sends: they get announcements instead of messages.`, congested.map(peerId))
  }

  const unjudged = driver.state.stats(key)?.unjudged ?? 0

  if (unjudged > 0) {
    add('messagesUnjudged', `${unjudged} messages were dropped because validators are too slow, or do not answer.`)
  }

  return {
    topic: entry == null ? name : nameOf(entry),
    topicId: id,
    ok: findings.length === 0,
    findings,
    connections,
    protocolPeers,
    subscribers,
    neighbors,
    failedDials,
    queuedBytes: network.queuedBytes
  }
}
