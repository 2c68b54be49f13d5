import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { buildRust } from '../support/cargo.ts'
import type { Senders } from '../../src/simulator/index.ts'

/** A scenario that both simulators can run. Times are virtual milliseconds. */
export interface SharedScenario {
  senders: Senders
  nodes: number
  rounds: number
  /** Least and most one-way latency, drawn for each pair. */
  latencyMs: [number, number]
  warmupMs: number
  /** This share dies at once after the warm-up; three broadcasts in place of the rounds. */
  kill?: number
  healMs?: number
}

export interface SharedPlan {
  seeds: number[]
  scenarios: SharedScenario[]
}

/** What the Rust simulator says of one scenario with one seed; keys as in our `SeedResult`. */
export interface RustResult {
  seed: number
  rmrRust?: number
  ldh?: number
  lastDeliveryMs?: number
  missed?: number
  firstMessage?: number
  secondMessage?: number
  afterHeal?: number
  alone?: number
  separated?: number
  /** Milliseconds of real time that it took, and of processor time; null where the system does not tell. */
  wallMs: number
  cpuMs: number | null
}

/**
 * Runs the Rust crate's own simulator, all seeds of each scenario.
 *
 * @returns for each scenario the results of its seeds
 * @throws {CargoMissingError} if there is no cargo
 */
export async function runRustSimulator (plan: SharedPlan): Promise<RustResult[][]> {
  const child = spawn(await buildRust('rust-sim'), { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  child.stdin.end(JSON.stringify(plan))
  let text = ''

  for await (const chunk of child.stdout.setEncoding('utf8')) {
    text += String(chunk)
  }

  const [code] = await exited

  if (code !== 0) {
    throw new Error(`the Rust simulator ended with code ${String(code)}`)
  }

  const results = text.trimEnd().split('\n').map((line): RustResult => JSON.parse(line))

  return plan.scenarios.map((_, i) => results.slice(i * plan.seeds.length, (i + 1) * plan.seeds.length))
}
