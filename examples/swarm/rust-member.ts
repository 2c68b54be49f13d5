import { RustPeer } from '../../interop/support/rust-peer.ts'
import type { Link, Member, MemberInit } from './member.ts'
import type { Contact } from '../../interop/support/member.ts'
import type { RustTopic } from '../../interop/support/rust-topic.ts'

/** A process of the Rust crate. */
export class RustMember implements Member {
  readonly role: MemberInit['role']
  readonly #init: MemberInit
  readonly #peer: RustPeer
  #topic?: RustTopic
  #isAlive = true
  #payloads = 0
  /** Deliveries that were passed on. */
  #passedOn = 0

  private constructor (init: MemberInit, peer: RustPeer) {
    this.role = init.role
    this.#init = init
    this.#peer = peer
  }

  /** Starts the process, which must have been built. */
  static async start (init: MemberInit): Promise<RustMember> {
    return new RustMember(init, await RustPeer.spawn())
  }

  get contact (): Contact {
    return this.#peer
  }

  get isAlive (): boolean {
    return this.#isAlive
  }

  async join (contact?: Member): Promise<void> {
    this.#topic = await this.#peer.join(this.#init.topic, { bootstrap: contact == null ? [] : [contact.contact] })
    this.#topic.changes.subscribe(() => { this.#passOn() })
    this.#passOn()
  }

  async broadcast (content: Uint8Array): Promise<void> {
    await this.#topic?.broadcast(content)
  }

  links (): Link[] {
    return this.#topic == null || !this.#isAlive
      ? []
      : this.#topic.neighbors().map((endpointId) => ({ to: this.#init.nameOf(endpointId), transport: 'iroh' }))
  }

  payloads (): number {
    return this.#payloads
  }

  async refresh (): Promise<void> {
    if (this.#isAlive) {
      this.#payloads = (await this.#peer.metrics()).msgs_data_recv
    }
  }

  async kill (): Promise<void> {
    this.#isAlive = false
    await this.#peer.kill()
  }

  async stop (): Promise<void> {
    if (this.#isAlive) {
      this.#isAlive = false
      await this.#peer.shutdown()
    }
  }

  #passOn (): void {
    for (const { content } of this.#topic?.received.slice(this.#passedOn) ?? []) {
      this.#passedOn++
      this.#init.onDelivery(this.role.name, content)
    }
  }
}
