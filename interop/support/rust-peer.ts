import { buildRustPeer } from './cargo.ts'
import { PeerProcess } from './peer-process.ts'
import { ProcessMember } from './process-member.ts'
import type { JoinOptions } from './member.ts'
import type { RustTopic } from './rust-topic.ts'

/** How a Rust peer is started. */
export interface RustPeerOptions {
  /** 64 hex characters; keeps the id of a peer that is started again. */
  secretKey?: string
  /** `ip:port` to listen on. */
  bind?: string
  /** The crate's own configuration, its names and units (durations are `{ secs, nanos }`), what is absent keeps its default. */
  config?: {
    membership?: Record<string, unknown>
    broadcast?: Record<string, unknown>
    max_message_size?: number
  }
}

/** Stream-ending frames that went over connections. */
export interface RustFrames {
  stopSendingReceived: number
  stopSendingSent: number
  resetStreamReceived: number
  resetStreamSent: number
}

/** The connections of a Rust peer. */
export interface RustConnections {
  open: Array<{ peer: string, dialed: boolean, frames: RustFrames }>
  closed: number
  closedFrames: RustFrames
}

/**
 * A process that is an unmodified Rust iroh-gossip peer. It listens on
 * loopback, without relay and discovery; `RUST_LOG` sets what it logs.
 */
export class RustPeer extends ProcessMember {
  /** Builds the peer if need be, starts it, and resolves when it listens. */
  static async spawn (options: RustPeerOptions = {}): Promise<RustPeer> {
    const child = new PeerProcess(await buildRustPeer(), [
      ...(options.secretKey == null ? [] : ['--secret-key', options.secretKey]),
      ...(options.bind == null ? [] : ['--bind', options.bind]),
      ...(options.config == null ? [] : ['--config', JSON.stringify(options.config)])
    ])

    return new RustPeer('rust', child, await child.ready())
  }

  /** @param options - `capacity` is how many events may wait for the application */
  async join (topic: string, options: JoinOptions & { capacity?: number } = {}): Promise<RustTopic<this>> {
    return this.joinTopic(topic, { ...options })
  }

  /** The crate's counters by name, such as `msgs_data_recv`. */
  async metrics (): Promise<Record<string, number>> {
    return await this.ask({ do: 'metrics' }) as Record<string, number>
  }

  async connections (): Promise<RustConnections> {
    return await this.ask({ do: 'connections' }) as RustConnections
  }
}
