import { State, TimerQueue } from '../../src/proto/index.ts'
import { decodeMessage, encodeFrame } from '../../src/wire/index.ts'
import { TOPIC, traceEvents } from './trace.ts'
import type { Trace } from './trace.ts'
import type { InEvent, Message, MessageId, Timer } from '../../src/proto/index.ts'

/** CPU time of this process so far, that of collections included: other work on the machine does not count. */
function cpuNanos (): number {
  const { user, system } = process.cpuUsage()

  return (user + system) * 1_000
}

/** What one pass over a trace took, and what it did. */
export interface Replay {
  nanos: number
  /** Calls of `handle`: events of the trace, and timers. */
  handled: number
  sent: number
  delivered: number
  /** Bytes of heap that were allocated; 0 if a collection came between, as it does in a long trace. */
  allocatedBytes: number
}

/**
 * Plays a trace through a new state machine, timers included.
 *
 * @param whole - whether to begin with the bytes of each frame and to end with
 * the bytes of each that is sent, encoded once for all that get it, as the
 * driver does; otherwise decoding comes before, and nothing is encoded
 */
export function replay (trace: Trace, me: string, hash: (content: Uint8Array) => MessageId, whole: boolean): Replay {
  const steps = traceEvents(trace, inChunks(trace.steps.map(({ payload }) => payload)))
  const events = whole ? steps : steps.map(({ atMs, event }) => ({ atMs, event: event() }))
  const state = new State({ me, seed: 1, hash })
  const timers = new TimerQueue<Timer>()
  let encoded: Message | undefined
  let handled = 0
  let sent = 0
  let delivered = 0

  const handle = (event: InEvent, now: number): void => {
    handled++

    for (const effect of state.handle(event, now)) {
      if (effect.type === 'scheduleTimer') {
        timers.push(now + effect.delayMs, effect.timer)
      } else if (effect.type === 'sendMessage') {
        sent++

        if (whole && effect.message !== encoded) {
          encoded = effect.message
          encodeFrame(encoded)
        }
      } else if (effect.type === 'emitEvent' && effect.event.type === 'received') {
        delivered++
      }
    }
  }

  handle({ type: 'command', topic: TOPIC, command: { type: 'join', peers: [] } }, 0)
  handled = 0
  const heap = process.memoryUsage().heapUsed
  const start = cpuNanos()

  for (const { atMs, event } of events) {
    for (let due = timers.popBefore(atMs); due != null; due = timers.popBefore(atMs)) {
      handle({ type: 'timerExpired', timer: due.item }, due.at)
    }

    handle(typeof event === 'function' ? event() : event, atMs)
  }

  const nanos = cpuNanos() - start

  return { nanos, handled, sent, delivered, allocatedBytes: Math.max(0, process.memoryUsage().heapUsed - heap) }
}

/** Bytes that a stream hands over in one piece. */
const CHUNK_BYTES = 65_536

/** The payloads as streams bring them: views of larger chunks. */
function inChunks (payloads: Uint8Array[]): Uint8Array[] {
  let chunk = new Uint8Array(CHUNK_BYTES)
  let end = 0

  return payloads.map((payload) => {
    if (end + payload.length > CHUNK_BYTES) {
      chunk = new Uint8Array(CHUNK_BYTES)
      end = 0
    }

    chunk.set(payload, end)
    end += payload.length

    return chunk.subarray(end - payload.length, end)
  })
}

/** Decodes the payloads of a trace, then encodes the messages as frames, each in memory of its own. */
export function recode ({ steps }: Trace): { frames: number, decodeNanos: number, encodeNanos: number } {
  const payloads = inChunks(steps.filter(({ kind }) => kind === 'received').map(({ payload }) => payload))
  const messages: Message[] = []
  const start = cpuNanos()

  for (const payload of payloads) {
    messages.push(decodeMessage(payload))
  }

  const decoded = cpuNanos()

  for (const message of messages) {
    encodeFrame(message)
  }

  return { frames: messages.length, decodeNanos: decoded - start, encodeNanos: cpuNanos() - decoded }
}
