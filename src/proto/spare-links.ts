import type { MessageId, PeerKey } from './messages.ts'
import type { Pace } from './pace.ts'
import type { PushPeers } from './push-peers.ts'
import type { Repair } from './repair.ts'
import type { TreeForming } from './tree-forming.ts'

/** What decides which links of the tree are spare. */
export interface TreeParts {
  readonly peers: PushPeers
  readonly pace: Pace
  readonly repair: Repair
  readonly forming: TreeForming
}

/** Which links a message that comes twice shows to be one too many. */
export class SpareLinks {
  private readonly me: PeerKey
  private readonly tree: TreeParts

  constructor (me: PeerKey, tree: TreeParts) {
    this.me = me
    this.tree = tree
  }

  /**
   * Which link is to be cut now, if any. Rust cuts the one of the second copy,
   * always; of one that is kept the next copies decide.
   *
   * @param from - who sent the second copy
   * @param bringer - who sent the first
   */
  find (from: PeerKey, bringer: PeerKey, key: string, id: MessageId, now: number): PeerKey | undefined {
    const { peers, pace, repair, forming } = this.tree
    const judgement = forming.judge(key, now)

    if (!peers.has(from) || (bringer === this.me && judgement !== 'keep')) {
      return from
    }

    if (judgement === 'keep') {
      return undefined
    }

    const spare = repair.decide(bringer, from)

    if (spare !== undefined) {
      return spare
    }

    // the link by which the message came first must carry payloads still: of two messages that cross
    // each other in a cycle each may cut it at another place
    const isElsewhere = bringer !== from && peers.eager.has(bringer)

    if (judgement === 'cut' || pace.mayCut(id)) {
      return isElsewhere ? from : undefined
    }

    // a Graft that was not needed takes back what it did
    if (isElsewhere && repair.wasAsked(from, key)) {
      return from
    }

    return isElsewhere && peers.eager.has(from) && repair.wasAsked(bringer, key) ? bringer : undefined
  }
}
