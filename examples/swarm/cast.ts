/** What a node can speak. All of it stays on the loopback interface. */
export type TransportName = 'tcp' | 'quic' | 'iroh'

/** One node of the swarm. */
export interface Role {
  name: string
  /** The first one is its own, a second one makes it a bridge. */
  speaks: TransportName[]
  /** The earlier node that it joins through; they share a transport. */
  contact?: string
  /** With `--rust` it is a process of Rust iroh-gossip, which speaks native iroh only. */
  rust?: boolean
}

/**
 * Four nodes of each transport, and two bridges between any two of them: whoever
 * dies, the others can still reach each other.
 */
const roles: Role[] = [
  { name: 'a', speaks: ['tcp'] },
  { name: 'b', speaks: ['tcp'], contact: 'a' },
  { name: 'c', speaks: ['tcp', 'quic'], contact: 'b' },
  { name: 'd', speaks: ['tcp', 'iroh'], contact: 'a' },
  { name: 'e', speaks: ['quic'], contact: 'c' },
  { name: 'f', speaks: ['quic'], contact: 'e' },
  { name: 'g', speaks: ['quic', 'iroh'], contact: 'e' },
  { name: 'h', speaks: ['quic', 'tcp'], contact: 'c' },
  { name: 'i', speaks: ['iroh'], contact: 'd', rust: true },
  { name: 'j', speaks: ['iroh'], contact: 'g', rust: true },
  { name: 'k', speaks: ['iroh', 'tcp'], contact: 'i' },
  { name: 'l', speaks: ['iroh', 'quic'], contact: 'j', rust: true }
]

/**
 * The nodes in the order in which they join.
 *
 * @param rust - whether three of them are Rust processes
 */
export function cast (rust: boolean): Role[] {
  return roles.map((role) => rust && role.rust === true
    ? { ...role, speaks: ['iroh'] }
    : { ...role, rust: false })
}
