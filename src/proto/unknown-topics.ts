import { MAX_UNKNOWN_TOPIC_ANSWERS, UNKNOWN_TOPIC_INTERVAL_MS } from './limits.ts'
import { TimeBoundCache } from './time-bound-cache.ts'
import type { Rules } from './config.ts'
import type { Message, PeerKey, TopicKey } from './messages.ts'

const ANSWERED = { retentionMs: UNKNOWN_TOPIC_INTERVAL_MS, capacity: MAX_UNKNOWN_TOPIC_ANSWERS }

/**
 * Messages for topics that we are not in.
 *
 * Whoever sends broadcast messages or walks there counts us as its neighbor,
 * and is told once in a while. A Rust peer that asks to join must hear nothing:
 * the answer would cancel the timer that moves it on. Disconnect and
 * ShuffleReply are never answered, so that two nodes cannot keep each other busy (rule 19).
 */
export class UnknownTopics {
  private readonly answered = new TimeBoundCache<string, true>(ANSWERED)

  get size (): number {
    return this.answered.size
  }

  /** Whether to answer with `Disconnect{alive: false}`. */
  isToBeAnswered (from: PeerKey, topic: TopicKey, message: Message, rules: Rules, now: number): boolean {
    switch (message.type) {
      case 'disconnect':
      case 'shuffleReply':
        return false
      case 'join':
      case 'neighbor':
        if (!rules.understandsRefusal(message.data)) {
          return false
        }

        break
      default:
    }

    this.answered.expireUntil(now)
    const key = `${from}/${topic}`

    // when there is no room for another answer there is none: dropping the
    // oldest would allow any number of answers
    if (this.answered.has(key) || this.answered.size >= MAX_UNKNOWN_TOPIC_ANSWERS) {
      return false
    }

    this.answered.set(key, true, now)

    return true
  }
}
