/**
 * The appliance of the lab: a process in a network namespace of its own, with one NIC that is plugged into the rack's bridge.
 * It may be killed and started again like a box whose power cord is pulled.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { open } from 'node:fs/promises'
import type { Duplex } from 'node:stream'
import { EnvironmentProblem } from '../kit/problem.ts'

/** Says when its namespace exists and waits for the NIC before the real command begins. */
const GATE = 'echo ready >&3; read -r go <&3 || exit 125; exec 3>&-; exec "$@"'
const NAMESPACE_LIMIT_MS = 10_000
/** Longer than the appliance's own limit for transfers that still run when it is told to stop. */
const STOP_LIMIT_MS = 15_000

export type ApplianceOptions = {
  /** Standard output and error are appended here. */
  logFile: string
  cwd?: string
  env?: Record<string, string>
}

export type ApplianceExit = { code: number | null; signal: NodeJS.Signals | null }

export interface ApplianceProcess {
  /** Of the process that runs now, or ran last. */
  readonly pid: number
  readonly running: boolean
  /** Settles when the process that runs now has ended; a restart makes a new promise. */
  readonly exited: Promise<ApplianceExit>
  kill(signal?: NodeJS.Signals): void
  /** Ends the process if it still runs (SIGTERM, then SIGKILL) and resolves when it is gone. */
  stop(): Promise<ApplianceExit>
  /** Stops it and starts the same command again behind the same NIC. */
  restart(): Promise<void>
}

type Gated = { child: ChildProcess; pid: number; exited: Promise<ApplianceExit>; open(): void }

function waitForGate(child: ChildProcess, gate: Duplex): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      clearTimeout(timer)
      child.kill('SIGKILL')
      const hint = 'make sure that unshare and setpriv (util-linux) are installed and see the log of the appliance'
      reject(new EnvironmentProblem('lab-appliance', `the appliance's namespace was not made: ${why}`, hint))
    }
    const timer = setTimeout(() => fail('nothing happened'), NAMESPACE_LIMIT_MS)
    gate.once('data', () => {
      clearTimeout(timer)
      resolve()
    })
    child.once('error', error => fail(error.message))
    child.once('exit', code => fail(`unshare ended with status ${code}`))
  })
}

async function spawnGated(command: string, args: readonly string[], options: ApplianceOptions): Promise<Gated> {
  const log = await open(options.logFile, 'a')
  // SIGKILL on the lab's death: a crash of the lab must not leave an appliance behind.
  const gated = ['--net', '--', 'setpriv', '--pdeathsig', 'KILL', '--', 'sh', '-c', GATE, 'sh', command, ...args]
  const child = spawn('unshare', gated, {
    // Out of the terminal's process group: Ctrl+C is for the lab, which stops the appliance when it is done with it.
    detached: true,
    stdio: ['ignore', log.fd, log.fd, 'pipe'],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  const exited = new Promise<ApplianceExit>(resolve => child.once('exit', (code, signal) => resolve({ code, signal })))
  const gate = child.stdio[3] as Duplex
  // The gate breaks when the process is killed while it waits; `exited` tells.
  gate.on('error', () => {})
  try {
    await waitForGate(child, gate)
  } finally {
    await log.close()
  }
  return { child, pid: child.pid!, exited, open: () => void gate.end('go\n') }
}

/**
 * Starts a command in a new network namespace. `plugIn` is called with its process id while the command still waits,
 * and gives the namespace its NIC.
 */
export async function startApplianceProcess(
  command: string,
  args: readonly string[],
  options: ApplianceOptions,
  plugIn: (pid: number) => Promise<void>,
): Promise<ApplianceProcess> {
  const start = async () => {
    const gated = await spawnGated(command, args, options)
    try {
      await plugIn(gated.pid)
    } catch (error) {
      gated.child.kill('SIGKILL')
      throw error
    }
    gated.open()
    return gated
  }
  return applianceAround(await start(), start)
}

function applianceAround(first: Gated, start: () => Promise<Gated>): ApplianceProcess {
  let current = first
  const running = () => current.child.exitCode === null && current.child.signalCode === null
  const stop = async () => {
    if (running()) current.child.kill('SIGTERM')
    const ended = current
    const timer = setTimeout(() => ended.child.kill('SIGKILL'), STOP_LIMIT_MS)
    const exit = await ended.exited
    clearTimeout(timer)
    return exit
  }
  return {
    get pid() {
      return current.pid
    },
    get running() {
      return running()
    },
    get exited() {
      return current.exited
    },
    kill: signal => void current.child.kill(signal ?? 'SIGTERM'),
    stop,
    async restart() {
      await stop()
      current = await start()
    },
  }
}
