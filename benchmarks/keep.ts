/**
 * Writes the table of `benchmarks/README.md` from the figures that are kept in
 * `benchmarks/<name>/results`. Run: node benchmarks/keep.ts
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { steps } from './steps.ts'
import { updateReadme } from './support/readme.ts'
import type { KeptResult } from './support/readme.ts'

const results = steps.flatMap(({ name, title }): KeptResult[] => {
  const path = join(import.meta.dirname, name, 'results', 'results.json')

  return existsSync(path) ? [{ ...JSON.parse(readFileSync(path, 'utf8')), title }] : []
})

updateReadme(join(import.meta.dirname, 'README.md'), results)
