import { CargoMissingError, buildRustPeer } from './cargo.ts'

/** A first build compiles iroh. */
const BUILD_PATIENCE_MS = 20 * 60_000

/**
 * Builds the Rust peer before the tests of this `describe`. Without cargo they
 * are skipped and say why; in CI that is a failure.
 */
export function needsRust (): void {
  before('the Rust peer is built', async function () {
    this.timeout(BUILD_PATIENCE_MS)

    try {
      await buildRustPeer()
    } catch (err) {
      if (!(err instanceof CargoMissingError) || (process.env.CI ?? '') !== '') {
        throw err
      }

      // eslint-disable-next-line no-console
      console.warn(`    skipped: ${err.message}`)
      this.skip()
    }
  })
}
