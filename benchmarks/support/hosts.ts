import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { numbers, pick } from './graph.ts'
import { ask } from './requests.ts'
import type { SwarmInit } from './swarm.ts'
import type { ChildProcess } from 'node:child_process'

/** The processes of a swarm, and which nodes are in which. */
export class Hosts {
  readonly #init: SwarmInit
  readonly #children: ChildProcess[]
  readonly #addresses = new Map<number, string[]>()
  readonly #random: () => number
  readonly #fork: () => ChildProcess
  #next = 0

  constructor (init: SwarmInit) {
    this.#init = init
    this.#random = numbers(init.seed)
    const script = fileURLToPath(new URL('./swarm-host.ts', import.meta.url))
    // typed arrays go to and fro
    this.#fork = () => fork(script, { execArgv: ['--expose-gc'], serialization: 'advanced' })
    this.#children = Array.from({ length: init.processes }, this.#fork)
  }

  /** Numbers of the nodes that are there. */
  get nodes (): number[] {
    return [...this.#addresses.keys()]
  }

  /** Starts nodes, one after the other in each process. Returns their numbers. */
  async create (count: number): Promise<number[]> {
    const created = Array.from({ length: count }, () => this.#next++)
    const { contestant, transport } = this.#init
    const made = await this.each<Array<[number, string[]]>>('create', created, { contestant, transport })
    made.flat().forEach(([node, addresses]) => { this.#addresses.set(node, addresses) })

    return created
  }

  /** Makes a node dial some of `others`, at random. Returns how many. */
  async dial (node: number, count: number, others: number[]): Promise<number> {
    const dialed = pick(others, count, this.#random)
    await this.ask(node, 'dial', { addresses: dialed.map((other) => this.#addresses.get(other)) })

    return dialed.length
  }

  /** Starts nodes in a process that is not counted; each connects to every node and joins nothing. */
  async visit (count: number): Promise<void> {
    const visitors = this.#fork()
    const { contestant, transport } = this.#init
    const made = await ask<Array<[number, string[]]>>(visitors, 'create', { contestant, transport, nodes: Array.from({ length: count }, (_, i) => i) })

    for (const [node] of made) {
      await ask(visitors, 'dial', { node, addresses: [...this.#addresses.values()] })
    }
  }

  /** Ends a node as its user would, and forgets it. */
  async leave (node: number): Promise<void> {
    this.#addresses.delete(node)
    await this.ask(node, 'leave')
  }

  /** Asks the process of a node. */
  async ask<T> (node: number, name: string, argument: object = {}): Promise<T> {
    return ask(this.#children[node % this.#children.length], name, { ...argument, node })
  }

  /** Asks every process about those of the nodes that are in it. */
  async each<T> (name: string, nodes: number[], argument: object = {}): Promise<T[]> {
    const { length } = this.#children

    return Promise.all(this.#children.map(async (child, i) => ask<T>(child, name, { ...argument, nodes: nodes.filter((node) => node % length === i) })))
  }

  /** Sum of what every process answers. */
  async sum (name: string, argument: object = {}): Promise<number> {
    const values = await this.each<number>(name, [], argument)

    return values.reduce((sum, value) => sum + value, 0)
  }
}
