import type { Role, TransportName } from './cast.ts'
import type { Contact } from '../../interop/support/member.ts'

/** A neighbor as a node sees it. */
export interface Link {
  /** The neighbor's name. */
  to: string
  /** Whether payloads are pushed to it (`eager`) or only announced (`lazy`); the Rust crate does not tell. */
  push?: 'eager' | 'lazy'
  /** What the connection runs on, where that is known. */
  transport?: TransportName
}

/** A node of the swarm, whatever it is made of. */
export interface Member {
  readonly role: Role
  /** How others reach it. */
  readonly contact: Contact
  readonly isAlive: boolean
  /** Enters the topic, through another node unless it is the first. */
  join (contact?: Member): Promise<void>
  broadcast (content: Uint8Array): Promise<void>
  /** Its neighbors in the topic. */
  links (): Link[]
  /** Payloads that neighbors have sent to it, repetitions included. */
  payloads (): number
  /** Brings up to date what cannot be asked for at once. */
  refresh (): Promise<void>
  /** Ends it as a crash would: nobody is told. */
  kill (): Promise<void>
  /** Leaves and ends. */
  stop (): Promise<void>
}

/** What a node of either kind is given when it starts. */
export interface MemberInit {
  role: Role
  /** The topic's id as 64 hex characters. */
  topic: string
  /** The name of the node that has an endpoint id. */
  nameOf (endpointId: string): string
  onDelivery (name: string, content: Uint8Array): void
}
