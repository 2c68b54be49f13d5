import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'

const NAMESPACE = ['--user', '--map-root-user', '--net', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"']

/** Whether processes can have a network of their own here: Linux with `unshare` and `ip`. */
export const canIsolate = spawnSync('unshare', [...NAMESPACE, 'true']).status === 0

/**
 * Starts a script with an IPC channel, in a network namespace of its own where
 * that is possible, so that the counters of its loopback interface show its
 * traffic and nothing else.
 */
export function isolated (script: string, args: string[], nodeArgs: string[] = []): ChildProcess {
  const command = [process.execPath, ...nodeArgs, script, ...args]
  const [file, ...rest] = canIsolate ? ['unshare', ...NAMESPACE, ...command] : command

  return spawn(file, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
}
