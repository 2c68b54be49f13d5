import { readFileSync } from 'node:fs'
import { arch, cpus, loadavg, release, totalmem, type } from 'node:os'

/** A quantity over several rounds. */
export interface Spread {
  median: number
  least: number
  most: number
}

/**
 * @param values - at least one
 */
export function spread (values: number[]): Spread {
  const sorted = Float64Array.from(values).sort()
  const middle = sorted.length >> 1

  return {
    median: sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2,
    least: sorted[0],
    most: sorted[sorted.length - 1]
  }
}

/** A figure as a table shows it: three digits, or all of a large one. */
export function digits (value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : value.toPrecision(3)
}

function version (name: string): string {
  return JSON.parse(readFileSync(new URL(`../../node_modules/${name}/package.json`, import.meta.url), 'utf8')).version
}

/** The machine and the versions that a result belongs to. */
export function environment (): Record<string, string | number> {
  const names = ['libp2p', '@libp2p/gossipsub', '@libp2p/floodsub', '@libp2p/tcp', '@chainsafe/libp2p-noise', '@libp2p/yamux']

  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: `${cpus().length} x ${cpus()[0].model}`,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadAverage: Math.round(loadavg()[0]),
    system: `${type()} ${release()} ${arch()}`,
    node: process.version,
    ...Object.fromEntries(names.map((name) => [name, version(name)]))
  }
}
