/**
 * The lab runs inside a network namespace of its own, so that nothing of the host's network is touched. A process
 * cannot enter one on its own account, so the command starts itself a second time through `unshare`.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { readFile, readlink } from 'node:fs/promises'
import { constants } from 'node:os'
import { EnvironmentProblem } from '../kit/problem.ts'
import { runTool } from './ip-command.ts'

/** Holds the name of the namespace outside; inside is where the own name differs from it. */
const OUTSIDE_NAMESPACE = 'RACKRISE_LAB_OUTSIDE'
const PROBE_LIMIT_MS = 10_000

export type Entered =
  | { inside: true }
  /** The command goes on in a child; this process may serve the host side and ends with the child's exit status. */
  | { inside: false; exited: Promise<number>; stop(signal: NodeJS.Signals): void }

/** What the kernel says about namespaces for ordinary users; absent where it knows no such setting. */
export type NamespaceLimits = { maxUserNamespaces?: string; unprivilegedClone?: string; apparmorRestricts?: string }

/** Why no namespace can be made, and what to do about it. */
export function diagnoseRefusal(limits: NamespaceLimits, root: boolean, complaint: string): EnvironmentProblem {
  const refused = (what: string, hint: string) => new EnvironmentProblem('lab-namespace', what, hint)
  if (root) {
    const hint = 'give the container CAP_SYS_ADMIN (`--cap-add SYS_ADMIN`), or run the lab on the host'
    return refused(`no network namespace can be made: ${complaint}`, hint)
  }
  if (limits.maxUserNamespaces === '0') {
    return refused('user namespaces are switched off', 'run `sysctl user.max_user_namespaces=10000` as root')
  }
  if (limits.unprivilegedClone === '0') {
    const hint = 'run `sysctl kernel.unprivileged_userns_clone=1` as root'
    return refused('user namespaces are switched off for ordinary users', hint)
  }
  if (limits.apparmorRestricts === '1') {
    const hint = 'run `sysctl kernel.apparmor_restrict_unprivileged_userns=0` as root, or run the lab as root'
    return refused('AppArmor forbids user namespaces for ordinary users', hint)
  }
  return refused(`no user namespace can be made: ${complaint}`, 'run the lab as root')
}

async function readLimits(): Promise<NamespaceLimits> {
  const setting = async (path: string) => (await readFile(path, 'utf8').catch(() => '')).trim()
  return {
    maxUserNamespaces: await setting('/proc/sys/user/max_user_namespaces'),
    unprivilegedClone: await setting('/proc/sys/kernel/unprivileged_userns_clone'),
    apparmorRestricts: await setting('/proc/sys/kernel/apparmor_restrict_unprivileged_userns'),
  }
}

/** Tries one way to make a namespace; the complaint if it does not work. */
function tryUnshare(flags: readonly string[]): Promise<string | undefined> {
  return new Promise(resolve => {
    execFile('unshare', [...flags, '--', 'ip', 'link'], { timeout: PROBE_LIMIT_MS }, (error, _stdout, stderr) => {
      resolve(error ? stderr.trim().split('\n').at(-1) || error.message : undefined)
    })
  })
}

/** Flags of `unshare` that work here: as root a plain namespace, else one below a user namespace. */
async function workingFlags(): Promise<string[]> {
  const root = process.getuid?.() === 0
  let complaint = ''
  for (const flags of root
    ? [['--net'], ['--user', '--map-root-user', '--net']]
    : [['--user', '--map-root-user', '--net']]) {
    const refusal = await tryUnshare(flags)
    if (refusal === undefined) return flags
    complaint ||= refusal
  }
  throw diagnoseRefusal(await readLimits(), root, complaint)
}

function statusOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)))
  })
}

/** Hands signals on while the child lives. A terminal sends SIGINT to both, so there it is only waited out. */
function passSignals(child: ChildProcess): () => void {
  const pass = (signal: NodeJS.Signals) => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  }
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, pass)
  return () => {
    for (const signal of signals) process.off(signal, pass)
  }
}

/** Whether this is the command that `enterRackNamespace` started inside. */
export async function isInsideRackNamespace(): Promise<boolean> {
  const outside = process.env[OUTSIDE_NAMESPACE]
  // A variable left over in somebody's shell must never make the lab build its bridge on the host.
  return outside !== undefined && outside !== (await readlink('/proc/self/ns/net'))
}

/**
 * Makes sure that the rest of the command runs inside the rack's network namespace.
 * `argv` is what follows the Node binary: usually `process.argv.slice(1)`.
 * Throws EnvironmentProblem where the kernel does not allow a namespace.
 */
export async function enterRackNamespace(argv: readonly string[]): Promise<Entered> {
  if (await isInsideRackNamespace()) return { inside: true }
  const here = await readlink('/proc/self/ns/net')
  // Without iproute2 the probe below would blame the kernel.
  await runTool('ip', ['-V'])
  const flags = await workingFlags()
  // The parent's death signal ends the lab, and with it the namespace, also after a kill -9 outside.
  const command = [
    ...flags,
    '--',
    'setpriv',
    '--pdeathsig',
    'TERM',
    '--',
    process.execPath,
    ...process.execArgv,
    ...argv,
  ]
  const child = spawn('unshare', command, { stdio: 'inherit', env: { ...process.env, [OUTSIDE_NAMESPACE]: here } })
  const forget = passSignals(child)
  const exited = statusOf(child).finally(forget)
  return { inside: false, exited, stop: signal => void child.kill(signal) }
}
