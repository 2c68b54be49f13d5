import { toString } from 'uint8arrays/to-string'
import { JsProcess } from '../support/js-process.ts'
import { linked } from '../support/member.ts'
import { Random } from '../support/random.ts'
import { RustPeer } from '../support/rust-peer.ts'
import { whole } from '../support/swarm.ts'
import { Ledger } from './ledger.ts'
import { Witness } from './witness.ts'
import type { Life } from './ledger.ts'
import type { Series } from '../../src/simulator/index.ts'
import type { RustTopic } from '../support/rust-topic.ts'

/** A line of a plot that grows: what was counted at which second. */
interface Samples extends Series {
  points: Array<[second: number, count: number]>
}

interface Inhabitant {
  peer: RustPeer | JsProcess
  topic: RustTopic<RustPeer | JsProcess>
  /** `undefined` while it has no neighbor. */
  life?: Life
  /** Messages it has heard and that are noted. */
  noted: number
  connections: Samples
  streams: Samples
}

const CONTENT_BYTES = 100

/** A swarm of processes of both kinds, with a ledger of what was said and heard. */
export class SoakSwarm {
  readonly ledger = new Ledger()
  readonly witness = new Witness()
  /** When it began, in milliseconds of the process. */
  readonly started = performance.now()
  readonly connections: Samples[] = []
  readonly streams: Samples[] = []
  readonly #topic: string
  readonly #random = new Random(1)
  readonly #numbers = new Map<string, number>()
  #there: Inhabitant[] = []
  #churns = 0

  constructor (topic: string) {
    this.#topic = topic
  }

  /** Starts the peers; each joins through one that is there. */
  async gather (kinds: { js: number, rust: number }): Promise<void> {
    for (let i = 0; i < Math.max(kinds.js, kinds.rust); i++) {
      i < kinds.rust && await this.#enter('rust')
      i < kinds.js && await this.#enter('js')
    }

    await whole(this.#there.map(({ topic }) => topic), 60_000)
  }

  /** A random peer that is connected says something. */
  async speak (): Promise<void> {
    const speaker = this.#random.pick(this.#there.filter(({ life }) => life != null))
    const { topic, life } = speaker

    if (life == null) {
      throw new Error('filtered above')
    }

    const content = crypto.getRandomValues(new Uint8Array(CONTENT_BYTES))
    this.#numbers.set(toString(content, 'hex'), this.ledger.say(life))
    await this.#unlessGone(speaker, topic.broadcast(content))
  }

  /** One leaves, one is killed, and two of their kinds join; never the same kinds twice in a row. */
  async churn (): Promise<void> {
    const kinds = this.#there.some(({ peer }) => peer instanceof JsProcess) ? ['js', 'rust'] as const : ['rust', 'rust'] as const
    const [leaves, dies] = this.#churns++ % 2 === 0 ? kinds : [...kinds].reverse()
    const leaver = this.#take(leaves)
    await leaver.topic.leave()
    await leaver.peer.shutdown()
    const victim = this.#take(dies)
    await victim.peer.kill()
    await this.#enter(leaves)
    await this.#enter(dies)
  }

  /** Notes what the swarm looks like. */
  look (): void {
    this.witness.look(this.#there.map(({ topic }) => topic))
  }

  /** How often applications that are still there lost events. */
  get lagged (): number {
    return this.#there.reduce((sum, { topic }) => sum + topic.lagged, 0)
  }

  /** Asks each process what it has open. */
  async sample (): Promise<void> {
    await Promise.all(this.#there.map(async (inhabitant) => this.#unlessGone(inhabitant, this.#sample(inhabitant))))
  }

  async #sample ({ peer, connections, streams }: Inhabitant): Promise<void> {
    const second = (performance.now() - this.started) / 1000

    if (peer instanceof RustPeer) {
      connections.points.push([second, (await peer.connections()).open.length])
    } else {
      const use = await peer.use()
      connections.points.push([second, use.connections.length])
      streams.points.push([second, use.streams])
    }
  }

  /** A process that leaves or is killed meanwhile need not answer. */
  async #unlessGone (inhabitant: Inhabitant, answer: Promise<unknown>): Promise<void> {
    await answer.catch((err) => {
      if (this.#there.includes(inhabitant)) {
        throw err
      }
    })
  }

  /** How many neighbors each Rust peer has. */
  rustNeighbors (): number[] {
    return this.#there.filter(({ peer }) => peer instanceof RustPeer).map(({ topic }) => topic.neighbors().length)
  }

  async end (): Promise<void> {
    await Promise.all(this.#there.splice(0).map(async ({ peer }) => peer.kill()))
  }

  async #enter (kind: 'js' | 'rust'): Promise<void> {
    const peer = kind === 'js' ? await JsProcess.spawn() : await RustPeer.spawn()
    const bootstrap = this.#there.length === 0 ? [] : [this.#random.pick(this.#there).peer]
    const topic: RustTopic<RustPeer | JsProcess> = await peer.join(this.#topic, { bootstrap })
    const color = kind === 'js' ? 'steelblue' : 'chocolate'
    const inhabitant: Inhabitant = {
      peer,
      topic,
      noted: 0,
      connections: { name: peer.name, color, points: [] },
      streams: { name: peer.name, color, points: [] }
    }
    this.connections.push(inhabitant.connections)
    kind === 'js' && this.streams.push(inhabitant.streams)
    this.#there.push(inhabitant)
    topic.changes.subscribe(() => { this.#note(inhabitant) })

    if (bootstrap.length > 0) {
      await linked(topic)
    }
  }

  #take (kind: 'js' | 'rust'): Inhabitant {
    const taken = this.#random.pick(this.#there.filter(({ peer }) => (peer instanceof JsProcess) === (kind === 'js')))
    this.#there = this.#there.filter((inhabitant) => inhabitant !== taken)
    taken.life != null && this.ledger.exit(taken.life)

    return taken
  }

  #note (inhabitant: Inhabitant): void {
    const { topic, peer } = inhabitant
    const here = this.#there.includes(inhabitant)

    if (topic.neighbors().length > 0 && here) {
      inhabitant.life ??= this.ledger.enter(peer.name)
    } else if (inhabitant.life != null) {
      this.ledger.exit(inhabitant.life)
      inhabitant.life = undefined
    }

    const { life } = inhabitant

    for (; inhabitant.noted < topic.received.length; inhabitant.noted++) {
      const number = this.#numbers.get(toString(topic.received[inhabitant.noted].content, 'hex'))

      if (life != null && number != null) {
        this.ledger.hear(life, number)
      }
    }
  }
}
