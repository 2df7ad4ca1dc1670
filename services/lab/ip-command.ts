/** Runs `ip` of iproute2 and turns its complaints into problems a person can act on. */
import { execFile } from 'node:child_process'
import { EnvironmentProblem } from '../kit/problem.ts'

/** `ip` never waits for anything; one that takes this long hangs in the kernel. */
const COMMAND_LIMIT_MS = 10_000

const HINTS: [complaint: RegExp, hint: string][] = [
  [/not permitted|denied/i, 'the lab needs a network namespace of its own: start it with `rackrise lab`'],
  [/unknown device type|not supported/i, 'load the kernel modules bridge, veth and tun: `modprobe -a bridge veth tun`'],
  [/\/dev\/net\/tun/, 'load the module tun and make sure that /dev/net/tun exists'],
  [/file exists/i, 'a lab runs in this namespace already'],
]

/** What to do about a complaint of `ip`; without a better idea, how to see more. */
export function hintFor(complaint: string): string {
  return HINTS.find(([pattern]) => pattern.test(complaint))?.[1] ?? 'run the same command by hand to see more'
}

function problemOf(command: string, error: Error & { code?: unknown }, stderr: string): EnvironmentProblem {
  if (error.code === 'ENOENT') {
    const tool = command.split(' ')[0]
    return new EnvironmentProblem('lab-tool-missing', `${tool} was not found`, 'install iproute2 and util-linux')
  }
  const complaint = stderr.trim().split('\n').at(-1) || error.message
  return new EnvironmentProblem('lab-network', `\`${command}\` failed: ${complaint}`, hintFor(complaint))
}

/** Standard output of a command. Throws EnvironmentProblem when it cannot be run or fails. */
export function runTool(tool: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(tool, args, { timeout: COMMAND_LIMIT_MS }, (error, stdout, stderr) => {
      if (error) reject(problemOf([tool, ...args].join(' '), error, stderr))
      else resolve(stdout)
    })
  })
}

/** One `ip` command, written as one line: words are separated by blanks. */
export function ip(line: string): Promise<string> {
  return runTool('ip', line.split(' '))
}

/** The same inside the network namespace of a process. */
export function ipInNamespaceOf(pid: number, line: string): Promise<string> {
  return runTool('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', ...line.split(' ')])
}
