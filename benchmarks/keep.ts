/**
 * Writes the table of `benchmarks/README.md` from the figures that are kept in
 * `benchmarks/<name>/results`. Run: node benchmarks/keep.ts
 */
import { join } from 'node:path'
import { steps } from './steps.ts'
import { updateReadme } from './support/readme.ts'
import { readResults } from './support/results.ts'
import type { KeptResult } from './support/readme.ts'

const results = steps.flatMap(({ name, title }): KeptResult[] => {
  const kept = readResults(join(import.meta.dirname, name, 'results')) as Omit<KeptResult, 'title'> | undefined

  return kept == null ? [] : [{ ...kept, title }]
})

updateReadme(join(import.meta.dirname, 'README.md'), results)
