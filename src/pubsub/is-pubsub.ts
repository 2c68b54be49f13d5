import { serviceCapabilities } from '@libp2p/interface'
import { pubSubSymbol } from '../constants.ts'

/** Whether a value is a publish/subscribe router of libp2p, of whatever kind. */
export function isPubSub (value: unknown): boolean {
  return typeof value === 'object' && value != null && (
    (pubSubSymbol in value && value[pubSubSymbol] === true) ||
    (serviceCapabilities in value && Array.isArray(value[serviceCapabilities]) && value[serviceCapabilities].includes('@libp2p/pubsub'))
  )
}
