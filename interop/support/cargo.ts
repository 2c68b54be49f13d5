import { spawn } from 'node:child_process'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MANIFEST = fileURLToPath(new URL('../Cargo.toml', import.meta.url))

/**
 * The build folder is the user's, not the checkout's: a fresh clone does not
 * compile iroh again.
 */
function targetFolder (): string {
  const cache = process.env.XDG_CACHE_HOME ?? ''

  return join(cache === '' ? join(homedir(), '.cache') : cache, 'libp2p-iroh-gossip', 'cargo-target')
}

/** There is no cargo here, so nothing of Rust can be built. */
export class CargoMissingError extends Error {
  static name = 'CargoMissingError'

  constructor () {
    super('cargo was not found; install Rust (https://rustup.rs) to run against the real iroh-gossip')
    this.name = 'CargoMissingError'
  }
}

const builds = new Map<string, Promise<string>>()

/**
 * Builds the Rust peer, once for each process; cargo shows its progress on stderr.
 *
 * @returns the path of the executable
 * @throws {CargoMissingError} if cargo cannot be started
 */
export async function buildRustPeer (): Promise<string> {
  return buildRust('rust-peer')
}

/**
 * As `buildRustPeer`, for a program of the workspace by its name: `rust-sim` runs
 * the crate's own simulator, `rust-bench` its state machine and codec.
 *
 * @throws {CargoMissingError} if cargo cannot be started
 */
export async function buildRust (name: 'rust-peer' | 'rust-sim' | 'rust-bench'): Promise<string> {
  const build = builds.get(name) ?? cargoBuild(name)
  builds.set(name, build)

  return build
}

async function cargoBuild (name: string): Promise<string> {
  const target = targetFolder()

  await new Promise<void>((resolve, reject) => {
    const cargo = spawn('cargo', ['build', '--release', '--locked', '--package', name, '--manifest-path', MANIFEST], {
      env: { ...process.env, CARGO_TARGET_DIR: target },
      stdio: ['ignore', 'ignore', 'inherit']
    })
    cargo.once('error', (err) => {
      reject('code' in err && err.code === 'ENOENT' ? new CargoMissingError() : err)
    })
    cargo.once('exit', (code) => {
      code === 0 ? resolve() : reject(new Error(`cargo build failed with code ${code}`))
    })
  })

  return join(target, 'release', process.platform === 'win32' ? `${name}.exe` : name)
}
