import type { PeerKey } from './messages.ts'
import type { Outgoing } from './push-peers.ts'

export interface Waiting {
  message: Outgoing
  from: PeerKey
}

const E = (name: string, value: number): number => Number(process.env[name] ?? value)
const R = E('R', 80)
const MAX = E('MAX', 400)
const UNDECIDED = E('UNDECIDED', 3)
const OWN = E('OWN', 1)
const MIN_OVERLAP = E('OV', 0)

export class Forming {
  undecided = 0
  waiting: Waiting[] = []
  spare = new Set<PeerKey>()
  private leaderKey = ''
  private startedAt = -Infinity
  settleAt = -Infinity
  armed = false

  isLeader (key: string): boolean {
    return this.leaderKey === key
  }

  active (now: number): boolean {
    return now < this.settleAt
  }

  onMessage (key: string, own: boolean, overlapping: boolean, now: number): 'leads' | 'waits' | 'passes' {
    if (!this.active(now)) {
      if (this.undecided < UNDECIDED) {
        return 'passes'
      }
      this.startedAt = now
      this.leaderKey = ''
    }

    if (this.leaderKey === '' || key < this.leaderKey) {
      this.leaderKey = key
      this.undecided = 0
      this.settleAt = Math.min(now + R, this.startedAt + MAX)

      return 'leads'
    }

    return overlapping && !(own && OWN === 1) ? 'waits' : 'passes'
  }
}
