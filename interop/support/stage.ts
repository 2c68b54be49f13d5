import { JsNode } from './js-node.ts'
import { needsRust } from './needs-rust.ts'
import { RustPeer } from './rust-peer.ts'
import type { JsNodeOptions } from './js-node.ts'
import type { RustPeerOptions } from './rust-peer.ts'

/**
 * Whoever takes part in a test. All leave when it ends; when it failed, what
 * the Rust peers logged is printed first.
 */
export class Stage {
  readonly #rust: RustPeer[] = []
  readonly #js: JsNode[] = []

  async rust (options: RustPeerOptions = {}): Promise<RustPeer> {
    const peer = await RustPeer.spawn(options)
    this.#rust.push(peer)

    return peer
  }

  async js (options: JsNodeOptions = {}): Promise<JsNode> {
    const node = await JsNode.start(options)
    this.#js.push(node)

    return node
  }

  /** What the Rust peers wrote to stderr so far. */
  logs (): string {
    return this.#rust.map((peer) => peer.log()).join('')
  }

  async clear (): Promise<void> {
    await Promise.all(this.#js.splice(0).map(async (node) => node.stop()))
    await Promise.all(this.#rust.splice(0).map(async (peer) => peer.kill()))
  }
}

/** A stage for the tests of this `describe`; implies {@link needsRust}. */
export function useStage (): Stage {
  const stage = new Stage()
  needsRust()

  afterEach('everybody leaves', async function () {
    if (this.currentTest?.state === 'failed') {
      // eslint-disable-next-line no-console
      console.error(stage.logs())
    }

    await stage.clear()
  })

  return stage
}
