import { fileURLToPath } from 'node:url'
import { PeerProcess } from './peer-process.ts'
import { ProcessMember } from './process-member.ts'
import type { TransportName } from './js-node.ts'
import type { JoinOptions } from './member.ts'
import type { RustTopic } from './rust-topic.ts'
import type { IrohGossipInit } from '../../src/index.ts'

/** How a JavaScript peer is started in a process of its own. */
export interface JsProcessOptions {
  /** 64 hex characters; keeps the id of a peer that is started again. */
  secretKey?: string
  gossip?: IrohGossipInit
  /** By default native iroh. */
  transport?: TransportName
}

/** What a JavaScript peer has open at the moment. */
export interface JsProcessUse {
  connections: Array<{ peer: string, dialed: boolean }>
  /** On all connections, in both directions. */
  streams: number
  /** Armed timers of the process. */
  timers: number
  heapBytes: number
}

const MAIN = fileURLToPath(new URL('../js-peer/main.ts', import.meta.url))

/** A node of ours in a process of its own, which can be killed, stopped and started again. */
export class JsProcess extends ProcessMember {
  static async spawn (options: JsProcessOptions = {}): Promise<JsProcess> {
    const child = new PeerProcess(process.execPath, [
      MAIN,
      ...(options.secretKey == null ? [] : ['--secret-key', options.secretKey]),
      ...(options.transport == null ? [] : ['--transport', options.transport]),
      ...(options.gossip == null ? [] : ['--config', JSON.stringify(options.gossip)])
    ])

    return new JsProcess('js', child, await child.ready())
  }

  async join (topic: string, options: JoinOptions = {}): Promise<RustTopic<this>> {
    return this.joinTopic(topic, { ...options })
  }

  async use (): Promise<JsProcessUse> {
    return await this.ask({ do: 'use' }) as JsProcessUse
  }
}
