import { generateKeyPair } from '@libp2p/crypto/keys'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect } from 'chai'
import { isLetGo } from '../../src/let-go.ts'
import { NativeConnections } from '../../src/net/native-connections.ts'
import type { Connection } from '@libp2p/interface'

const PEER = 'aa'
const TOPIC = 't'

interface Task { at: number, task: (() => void) | undefined }

/** The connections of peers that a test makes up, with a clock that only the test moves. */
class Rig {
  now = 1_000
  /** What was done: closed, dialed, said goodbye. */
  readonly done: unknown[] = []
  readonly inUse = new Set<string>()
  readonly ours = new Set<string>()
  canBeDialed = true
  readonly life: NativeConnections
  #tasks: Task[] = []

  constructor () {
    this.life = new NativeConnections({
      log: defaultLogger().forComponent('test'),
      timers: {
        now: () => this.now,
        schedule: (delayMs, task) => {
          const scheduled: Task = { at: this.now + delayMs, task }
          this.#tasks.push(scheduled)

          return scheduled
        },
        cancel: (scheduled) => { scheduled.task = undefined }
      },
      isInUse: (key) => this.inUse.has(key),
      isOurs: (key) => this.ours.has(key),
      canBeDialed: () => this.canBeDialed,
      sayGoodbye: (connection, topic) => { this.done.push(['goodbye', connection.id, topic]) },
      close: (_key, connection) => { this.done.push(['close', connection.id]) },
      redial: (key) => { this.done.push(['redial', key]) }
    })
  }

  get pendingTimers (): number {
    return this.#tasks.filter(({ task }) => task != null).length
  }

  open (id: string, key = PEER): ReturnType<NativeConnections['opened']> {
    return this.life.opened(key, connection(id))
  }

  advance (ms: number): void {
    const end = this.now + ms

    for (let next = this.#due(end); next != null; next = this.#due(end)) {
      this.now = next.at
      next.task?.()
    }

    this.now = end
  }

  #due (end: number): Task | undefined {
    const [next] = this.#tasks.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
    this.#tasks = this.#tasks.filter((task) => task !== next)

    return next
  }
}

let remotePeer: Connection['remotePeer']

/** Of a connection only its identity and whose it is are looked at. */
function connection (id: string): Connection {
  return { id, remotePeer } as unknown as Connection
}

describe('the life of native connections', () => {
  before(async () => {
    remotePeer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  })

  it('ends when the peer has sent a Disconnect and nobody needs it', () => {
    const rig = new Rig()
    rig.inUse.add(PEER)
    const native = rig.open('c')
    rig.life.onDisconnect(PEER, native, TOPIC, true)
    expect(rig.done).to.deep.equal([])
    expect(isLetGo(native.connection)).to.equal(true)
    rig.inUse.delete(PEER)
    rig.life.onReleased(PEER)
    expect(rig.done).to.deep.equal([['close', 'c']])
  })

  it('ends when our Disconnect was acknowledged, but not that of a connection which came after it', () => {
    const rig = new Rig()
    rig.inUse.add(PEER)
    rig.open('before')
    rig.advance(10)
    rig.life.onParted(PEER)
    rig.advance(10)
    rig.open('after')
    rig.inUse.delete(PEER)
    rig.life.onReleased(PEER)
    expect(rig.done).to.deep.equal([['close', 'before']])
  })

  it('goes on while nobody has let go, and after a while the peer is asked to', () => {
    const rig = new Rig()
    rig.open('c')
    rig.life.spoke(PEER, TOPIC)
    rig.life.onReleased(PEER)
    rig.advance(4_900)
    expect(rig.done).to.deep.equal([])
    rig.advance(2_000)
    expect(rig.done).to.deep.equal([['goodbye', 'c', TOPIC]])
    rig.advance(20_000)
    expect(rig.done).to.have.lengthOf(1)
  })

  it('ends with the answer to the goodbye, whichever connection brings it', () => {
    const rig = new Rig()
    rig.open('c')
    rig.life.spoke(PEER, TOPIC)
    rig.advance(7_000)
    const later = rig.open('d')
    rig.life.onEmptyReply(PEER, later)
    expect(rig.done).to.deep.equal([['goodbye', 'c', TOPIC], ['close', 'c'], ['close', 'd']])
  })

  it('is not ended by an empty reply that answers no goodbye', () => {
    const rig = new Rig()
    const native = rig.open('c')
    rig.life.onEmptyReply(PEER, native)
    rig.advance(2_000)
    expect(rig.done).to.deep.equal([])
    expect(native.letGo).to.equal(false)
  })

  it('goes on for a peer that is silent in every topic, and is ended when there are too many', () => {
    const rig = new Rig()

    for (let i = 0; i < 34; i++) {
      rig.open(`c${i}`, `peer${i}`)
      rig.life.onReleased(`peer${i}`)
      rig.advance(1)
    }

    expect(rig.life.size).to.equal(34)
    rig.advance(1_000)
    expect(rig.done).to.deep.equal([['close', 'c0'], ['close', 'c1']])
    expect(rig.life.size).to.equal(32)
  })

  it('ends by the bound with a goodbye, and half a second for its answer', () => {
    const rig = new Rig()

    for (let i = 0; i < 33; i++) {
      rig.open(`c${i}`, `peer${i}`)
      rig.life.spoke(`peer${i}`, TOPIC)
      rig.life.onReleased(`peer${i}`)
      rig.advance(1)
    }

    rig.advance(1_000)
    expect(rig.done).to.deep.equal([['goodbye', 'c0', TOPIC]])
    rig.advance(1_000)
    expect(rig.done).to.deep.equal([['goodbye', 'c0', TOPIC], ['close', 'c0']])
  })

  it('ends for an older connection after 10 s with frames on a newer one alone', () => {
    const rig = new Rig()
    rig.inUse.add(PEER)
    const older = rig.open('older')
    rig.life.onFrame(older)
    const newer = rig.open('newer')
    rig.advance(15_000)
    expect(rig.done).to.deep.equal([])

    for (let i = 0; i < 9; i++) {
      rig.life.onFrame(newer)
      rig.advance(1_000)
    }

    expect(rig.done).to.deep.equal([])
    rig.life.onFrame(newer)
    rig.advance(2_000)
    expect(rig.done).to.deep.equal([['close', 'older']])
  })

  it('goes on for an older connection that still brings frames', () => {
    const rig = new Rig()
    rig.inUse.add(PEER)
    const older = rig.open('older')
    const newer = rig.open('newer')

    for (let i = 0; i < 30; i++) {
      rig.life.onFrame(older)
      rig.life.onFrame(newer)
      rig.advance(1_000)
    }

    expect(rig.done).to.deep.equal([])
  })

  it('tells of a lost connection while another one lives, unless it was let go or closed by us', () => {
    const rig = new Rig()
    rig.inUse.add(PEER)
    const [a, b, c] = ['a', 'b', 'c'].map((id) => rig.open(id))
    expect(rig.life.closed(PEER, a.connection)).to.equal(true)
    rig.life.onDisconnect(PEER, b, TOPIC, true)
    expect(rig.life.closed(PEER, b.connection)).to.equal(false)
    expect(rig.life.closed(PEER, c.connection)).to.equal(false)
  })

  it('goes on elsewhere when a peer that is still needed has let go: it may dial for 2 s, then we do', () => {
    const rig = new Rig()
    rig.inUse.add(PEER)
    const native = rig.open('c')
    rig.advance(3_000)
    rig.life.onDisconnect(PEER, native, TOPIC, true)
    rig.advance(1_000)
    expect(rig.done).to.deep.equal([])
    rig.advance(3_000)
    expect(rig.done).to.deep.equal([['redial', PEER]])
    rig.open('new')
    rig.advance(10_000)
    expect(rig.done).to.deep.equal([['redial', PEER]])
  })

  it('goes on elsewhere at once when the peer cannot dial us', () => {
    const rig = new Rig()
    rig.canBeDialed = false
    rig.inUse.add(PEER)
    rig.life.onDisconnect(PEER, rig.open('c'), TOPIC, true)
    rig.advance(1_000)
    expect(rig.done).to.deep.equal([['redial', PEER]])
  })

  it('is simpler with peers of this implementation: a Disconnect ends nothing, being idle does', () => {
    const rig = new Rig()
    rig.ours.add(PEER)
    rig.inUse.add(PEER)
    const native = rig.open('c')
    rig.life.onDisconnect(PEER, native, TOPIC, true)
    rig.advance(20_000)
    expect(rig.done).to.deep.equal([])
    rig.inUse.delete(PEER)
    rig.life.onReleased(PEER)
    rig.advance(7_000)
    expect(rig.done).to.deep.equal([['close', 'c']])
  })

  it('leaves no timer when there are none', () => {
    const rig = new Rig()
    const native = rig.open('c')
    expect(rig.pendingTimers).to.equal(1)
    rig.life.closed(PEER, native.connection)
    rig.advance(1_000)
    expect(rig.pendingTimers).to.equal(0)
    rig.open('d')
    rig.life.clear()
    expect(rig.pendingTimers).to.equal(0)
  })
})
