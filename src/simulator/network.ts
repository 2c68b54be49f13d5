import { LazyMap, Rng, State } from '../proto/index.ts'
import { hashContent } from './content.ts'
import { EventQueue } from './event-queue.ts'
import { Links } from './links.ts'
import { TOPIC } from './machine.ts'
import { UpstreamState } from './upstream/state.ts'
import type { Happening } from './happening.ts'
import type { Machine, MachineEvent, RuleSet } from './machine.ts'
import type { MessageListener, NetworkConfig, NetworkListener, SimulatedNode, StepListener } from './network-config.ts'
import type { PeerKey } from '../proto/index.ts'

export type { MessageListener, NetworkConfig, NetworkListener, SimulatedNode, StepListener } from './network-config.ts'

/** Stands for the addresses of a node with our rules: nobody reads more of it than who it belongs to. */
const OUR_DATA = Uint8Array.of(1)

/**
 * Nodes, connections and virtual time: events happen in their order, one after
 * the other, and nothing else ever happens.
 *
 * A connection is there once a message has arrived. Time is in milliseconds
 * since the beginning.
 */
export class Network {
  readonly nodes: SimulatedNode[] = []
  /** Events that were performed. */
  steps = 0
  /** Called for each event of a node's application. */
  listener?: NetworkListener
  /** Called for each message that is handed to a node. */
  messageListener?: MessageListener
  /** Called after each event, with the node it happened to. */
  stepListener?: StepListener
  private readonly config: NetworkConfig
  private readonly rng: Rng
  private readonly queue = new EventQueue<Happening>()
  private readonly links: Links
  private readonly byKey = new Map<PeerKey, SimulatedNode>()
  private time = 0
  /** Whether any node at all is unreachable: the rules ask for each peer of each message. */
  private hasUnreachable = false

  constructor (config: NetworkConfig) {
    this.config = config
    this.rng = new Rng(config.seed)
    this.links = new Links(config, this.queue, this.rng)
  }

  /** Virtual milliseconds since the beginning. */
  get now (): number {
    return this.time
  }

  /** Events that are still to happen. */
  get pending (): number {
    return this.queue.size
  }

  /** Adds a node, which is in no topic yet; returns its index. */
  add (rules: RuleSet = 'ours', options: { unreachable?: boolean } = {}): number {
    const index = this.nodes.length
    const key = this.config.traffic?.keyOf(index) ?? String(index)
    const node: SimulatedNode = {
      index,
      key,
      rules,
      machine: this.createMachine(key, rules),
      alive: true,
      unreachable: options.unreachable ?? false,
      pausedUntil: 0,
      life: 0,
      connections: new Set(),
      sendsUntil: 0,
      handles: new LazyMap(),
      linkSendsUntil: new LazyMap(),
      arrivals: new LazyMap()
    }
    this.hasUnreachable ||= node.unreachable
    this.nodes.push(node)
    this.byKey.set(key, node)

    return index
  }

  /** The node enters the topic through these contacts. */
  join (index: number, contacts: number[]): void {
    this.command(index, { type: 'command', topic: TOPIC, command: { type: 'join', peers: contacts.map((i) => this.nodes[i].key) } })
  }

  broadcast (index: number, content: Uint8Array): void {
    this.command(index, { type: 'command', topic: TOPIC, command: { type: 'broadcast', content, scope: 'swarm' } })
  }

  /** The node leaves the topic and is gone: what it says on its way out still arrives. */
  leave (index: number): void {
    this.command(index, { type: 'command', topic: TOPIC, command: { type: 'quit' } })
    this.crash(index)
  }

  /** The node is gone without a word. */
  crash (index: number): void {
    const node = this.nodes[index]

    if (!node.alive) {
      return
    }

    node.alive = false
    node.life++

    for (const other of [...node.connections]) {
      this.links.disconnect(node, this.nodes[other], this.config.deathNotice ?? 'latency', this.time)
    }
  }

  /** A node that was gone comes back, knowing nothing. It has to join again. */
  restart (index: number): void {
    const node = this.nodes[index]
    node.life++
    node.alive = true
    node.connections.clear()
    node.handles.clear()
    node.machine = this.createMachine(node.key, node.rules)
  }

  /** The connection of two nodes breaks; both hear of it, and may make a new one. */
  cut (a: number, b: number): void {
    this.links.cut(this.nodes[a], this.nodes[b], this.time)
  }

  /** The node stands still for a while; its clock jumps at the end. */
  pause (index: number, ms: number): void {
    this.nodes[index].pausedUntil = this.time + ms
  }

  /**
   * Splits the network: nothing passes between nodes of different sides, and
   * connections between them break after `noticeMs`.
   *
   * @param sides - the side of each node, by index; `undefined` joins all again
   */
  partition (sides: ((node: number) => number) | undefined, noticeMs = 15_000): void {
    this.links.sides = sides

    if (sides === undefined) {
      return
    }

    this.at(this.time + noticeMs, () => {
      if (this.links.sides !== sides) {
        return
      }

      for (const node of this.nodes) {
        for (const other of [...node.connections]) {
          if (other > node.index && sides(node.index) !== sides(other)) {
            this.cut(node.index, other)
          }
        }
      }
    })
  }

  /** Whether no partition lies between two nodes. */
  isSameSide (a: number, b: number): boolean {
    return this.links.isSameSide(a, b)
  }

  /** Runs the function at a time. */
  at (time: number, run: () => void): void {
    this.queue.push(Math.max(time, this.time), { type: 'call', run })
  }

  /** Lets all happen up to `until` (inclusive), or until `done` says so; returns whether it did. */
  run (until: number, done?: () => boolean): boolean {
    while (this.queue.nextAt <= until) {
      this.step()

      if (done?.() === true) {
        return true
      }
    }

    this.time = Math.max(this.time, until)

    return false
  }

  /** Active view of a node, as indexes. Empty for one that is gone. */
  neighbors (index: number): number[] {
    return this.indexes(index, 'neighbors')
  }

  eagerPushPeers (index: number): number[] {
    return this.indexes(index, 'eagerPushPeers')
  }

  passivePeers (index: number): number[] {
    return this.indexes(index, 'passivePeers')
  }

  /** Indexes of all nodes that are not gone. */
  alive (): number[] {
    return this.nodes.filter((node) => node.alive).map((node) => node.index)
  }

  /** One-way milliseconds between two nodes, without jitter. */
  latencyBetween (a: number, b: number): number {
    return this.links.latency(a, b)
  }

  private indexes (index: number, view: 'neighbors' | 'eagerPushPeers' | 'passivePeers'): number[] {
    const node = this.nodes[index]

    return node.alive ? node.machine[view](TOPIC).map((key) => this.nodeOf(key).index) : []
  }

  private nodeOf (key: PeerKey): SimulatedNode {
    // mostly a key is an index
    const node = this.config.traffic?.encode === true ? this.byKey.get(key) : this.nodes[Number(key)]

    if (node === undefined) {
      // nodes learn of peers from messages only, and only nodes send
      throw new Error(`nobody has the key ${key}`)
    }

    return node
  }

  private createMachine (me: PeerKey, rules: RuleSet): Machine {
    const seed = this.rng.next() * 0x20_0000 + (this.rng.next() >>> 11)
    const hash = hashContent
    const config = this.config.protocol

    if (rules === 'upstream') {
      return new UpstreamState({ me, topic: TOPIC, config, seed, hash })
    }

    return new State({
      me,
      config,
      seed,
      hash,
      peerData: OUR_DATA,
      rules: {
        understandsRefusal: (data) => data?.[0] === OUR_DATA[0],
        canDial: ({ id }) => this.isReachableFrom(me, id),
        mayTell: (to, { id }) => this.isReachableFrom(to, id)
      }
    }) as Machine
  }

  /** What peer data tells of in reality: whether a peer can be dialed at all. */
  private isReachableFrom (from: PeerKey, to: PeerKey): boolean {
    if (!this.hasUnreachable) {
      return true
    }

    const node = this.byKey.get(to)

    return node?.unreachable !== true || node.connections.has(this.byKey.get(from)?.index ?? -1)
  }

  private command (index: number, event: MachineEvent): void {
    const node = this.nodes[index]

    if (node.alive) {
      this.handle(node, event)
    }
  }

  private step (): void {
    const at = this.queue.nextAt
    const item = this.queue.pop()

    if (item === undefined) {
      return
    }

    this.time = at
    this.steps++

    if (item.type === 'call') {
      item.run()

      return
    }

    const node = item.to

    if (!node.alive) {
      return
    }

    if (node.pausedUntil > at) {
      this.queue.push(node.pausedUntil, item)

      return
    }

    switch (item.type) {
      case 'message':
        if (this.links.arrive(item.from, node)) {
          this.messageListener?.(node.index, item.message)
          this.handle(node, { type: 'receiveMessage', from: item.from.key, topic: TOPIC, message: item.message })
        }

        break
      case 'timer':
        if (item.life === node.life) {
          this.handle(node, { type: 'timerExpired', timer: item.timer })
        }

        break
      case 'disconnected':
        if (this.links.isToldOfEnd(node, item.from)) {
          this.handle(node, { type: 'peerDisconnected', peer: item.from.key, reason: 'connectionClosed' })
        }

        break
      default:
        item satisfies never
    }
  }

  private handle (node: SimulatedNode, event: MachineEvent): void {
    const { queue, links, time } = this
    const effects = node.machine.handle(event, time)
    let released: PeerKey[] | undefined

    for (const effect of effects) {
      switch (effect.type) {
        case 'sendMessage':
          links.send(node, this.nodeOf(effect.to), effect.message, time)
          break
        case 'scheduleTimer':
          queue.push(time + effect.delayMs, { type: 'timer', to: node, life: node.life, timer: effect.timer })
          break
        case 'emitEvent':
          this.listener?.(node.index, effect.event)
          break
        case 'disconnectPeer':
          released ??= []
          released.push(effect.peer)
          break
        default:
          // peer data, duplicates and violations concern nobody here
      }
    }

    if (released !== undefined) {
      for (const peer of released) {
        links.release(node, this.nodeOf(peer), time)
      }
    }

    this.stepListener?.(node.index)
  }
}
