import type { SimulatedNode } from './network-config.ts'
import type { Message } from '../proto/index.ts'

/** What is to happen in a simulation at a time. */
export type Happening =
  | { type: 'message', to: SimulatedNode, from: SimulatedNode, message: Message }
  | { type: 'timer', to: SimulatedNode, life: number, timer: unknown }
  | { type: 'disconnected', to: SimulatedNode, from: SimulatedNode }
  | { type: 'call', run (): void }
