import { floodsub } from '@libp2p/floodsub'
import type { FloodSub, FloodSubComponents, Message } from '@libp2p/floodsub'

/** What floodsub hands to its streams. */
interface Rpc {
  subscriptions: Array<{ topic?: string, subscribe?: boolean }>
  messages: Array<{ from?: Uint8Array, topic?: string, data?: Uint8Array }>
}

/** The two methods of floodsub's class that its interface leaves out. */
interface Sender {
  send (peer: unknown, data: { messages?: Message[] }): void
  sendRpc (peer: unknown, rpc: Rpc): void
}

function isSender (service: object): service is Sender {
  return 'send' in service && 'sendRpc' in service
}

/**
 * floodsub without signatures, mended so that it delivers.
 *
 * floodsub 11 sends an unsigned message without `from`, as its policy says, and
 * drops every message that comes without ("RPC message was missing from"). Here
 * unsigned messages get a `from` on their way out. Nothing else is changed.
 */
export function unsignedFloodsub (): (components: FloodSubComponents) => FloodSub {
  return (components) => {
    const service = floodsub({ globalSignaturePolicy: 'StrictNoSign' })(components)
    const from = components.peerId.toMultihash().bytes

    if (!isSender(service)) {
      throw new Error('floodsub no longer has the methods that are mended here')
    }

    const sendRpc = service.sendRpc.bind(service)
    service.sendRpc = (peer, rpc) => { sendRpc(peer, { ...rpc, messages: rpc.messages.map((message) => ({ from, ...message })) }) }

    return service
  }
}
