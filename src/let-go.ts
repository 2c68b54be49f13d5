import type { Connection } from '@libp2p/interface'

const letGo = new WeakSet<Connection>()

/**
 * Notes that the remote peer uses the connection no more, though it is open: a
 * Rust peer lets go silently, and sends again only on a connection that opens
 * after that (rule 6). The iroh transport, which otherwise hands out an open
 * connection instead of dialing a second one, then dials.
 */
export function markLetGo (connection: Connection): void {
  letGo.add(connection)
}

/** Whether {@link markLetGo} was called for the connection. */
export function isLetGo (connection: Connection): boolean {
  return letGo.has(connection)
}
