/** `npm run sim`: see `--help`. */
import { main } from './cli.ts'

try {
  await main(process.argv.slice(2))
} catch (err) {
  if (!(err instanceof RangeError || err instanceof TypeError)) {
    throw err
  }

  process.stderr.write(`${err.message}\n`)
  process.exitCode = 1
}
