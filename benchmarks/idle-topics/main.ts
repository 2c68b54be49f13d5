/**
 * What does an idle topic cost a node with 50 peers: heap, timers, traffic?
 *
 * `node benchmarks/idle-topics/main.ts [--topics 1000] [--peers 50] [--idle 30] [--settle 600] [--rest 25] [--snapshot file] [--out folder]`
 *
 * Each topic is joined by five of the peers. Traffic is what passes the interface
 * in `--idle` seconds after all have settled, of all nodes together. That is when
 * less than a kilobyte a second is said for each ten topics, or `--settle` seconds
 * are over, and then `--rest` seconds more, in which unused streams are let go of.
 * `--snapshot` writes a heap snapshot of the node.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { canIsolate } from '../support/isolated.ts'
import { limitTarget, writeResults } from '../support/results.ts'
import { spread } from '../support/statistics.ts'
import { measureTopics } from './measure.ts'

const WANTED_BYTES = 8 * 1024

const { values: options } = parseArgs({
  options: {
    topics: { type: 'string', default: '1000' },
    peers: { type: 'string', default: '50' },
    idle: { type: 'string', default: '30' },
    settle: { type: 'string', default: '600' },
    rest: { type: 'string', default: '25' },
    snapshot: { type: 'string' },
    messages: { type: 'string', default: '2000' },
    out: { type: 'string', default: join(import.meta.dirname, 'results') }
  }
})
const topics = Number(options.topics)
const peers = Number(options.peers)
const measured = await measureTopics({
  topics,
  peers,
  idleMs: Number(options.idle) * 1_000,
  settleMs: Number(options.settle) * 1_000,
  restMs: Number(options.rest) * 1_000,
  snapshot: options.snapshot,
  messages: Number(options.messages)
})
const { heapBytesPerTopic, timersBefore, timersAfter, linksMissing, idleBytesPerTopicAndMinute } = measured

writeResults(options.out, [
  limitTarget(`${topics} idle topics, ${peers} peers: heap for each topic`, WANTED_BYTES, spread([heapBytesPerTopic]), ' bytes'),
  { what: `${topics} idle topics, ${peers} peers: no timer for each`, wanted: 'as many armed timers as before', figure: `${timersBefore} before, ${timersAfter} after`, met: timersAfter - timersBefore < Math.max(5, topics / 100) },
  { what: `${topics} idle topics: all six members of each are linked`, wanted: '0 links missing', figure: `${linksMissing}`, met: linksMissing === 0 },
  { what: `${topics} idle topics: traffic of each a minute, all nodes together`, wanted: 'stated', figure: `${Math.round(idleBytesPerTopicAndMinute)} bytes`, met: true }
], { bytesIsolated: canIsolate, topics, peers, ...measured })
process.exit()
