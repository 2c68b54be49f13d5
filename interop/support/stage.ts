import { JsNode } from './js-node.ts'
import { JsProcess } from './js-process.ts'
import { needsRust } from './needs-rust.ts'
import { RawPeer } from './raw-peer.ts'
import { RustPeer } from './rust-peer.ts'
import type { JsNodeOptions } from './js-node.ts'
import type { JsProcessOptions } from './js-process.ts'
import type { RawPeerOptions } from './raw-peer.ts'
import type { RustPeerOptions } from './rust-peer.ts'

/**
 * Whoever takes part in a test. All leave when it ends; when it failed, what
 * the Rust peers logged is printed first.
 */
export class Stage {
  readonly #rust: RustPeer[] = []
  readonly #js: JsNode[] = []
  readonly #processes: JsProcess[] = []
  readonly #raw: RawPeer[] = []

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

  /** A node of ours in a process of its own. */
  async jsProcess (options: JsProcessOptions = {}): Promise<JsProcess> {
    const peer = await JsProcess.spawn(options)
    this.#processes.push(peer)

    return peer
  }

  /** An endpoint whose every frame the test writes itself. */
  async raw (options: RawPeerOptions = {}): Promise<RawPeer> {
    const peer = await RawPeer.create(options)
    this.#raw.push(peer)

    return peer
  }

  /** What the peers in processes of their own wrote to stderr so far. */
  logs (): string {
    return [...this.#rust, ...this.#processes].map((peer) => peer.log()).join('')
  }

  async clear (): Promise<void> {
    try {
      await Promise.all(this.#js.splice(0).map(async (node) => node.stop()))
    } finally {
      // whoever did not stop in order: no process and no endpoint stays behind
      await Promise.all(this.#processes.splice(0).map(async (peer) => peer.kill()))
      await Promise.all(this.#raw.splice(0).map(async (peer) => peer.close()))
      await Promise.all(this.#rust.splice(0).map(async (peer) => peer.kill()))
    }
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
