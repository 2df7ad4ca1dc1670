/**
 * The console of the lab's appliance on the host's loopback. Three processes, since a connection belongs to the network namespace it was made in, and a socket
 * file to none: the command outside listens on a port and takes what comes there to a socket file; a relay in the appliance's namespace takes it from
 * there to the console.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, unlink } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EnvironmentProblem } from '../kit/problem.ts'
import { programModule } from '../kit/program-files.ts'
import { listening, LOOPBACK, relay } from './relay.ts'

export type ConsoleForward = {
  /** The same outside and inside, so that a link of the appliance leads there. */
  port: number
  /** In a folder that is its owner's alone. */
  socket: string
}

/** Tells the command inside what the one outside has opened. */
const FORWARD = 'RACKRISE_LAB_CONSOLE'
const RELAY_LIMIT_MS = 10_000

/** Outside. @param port 0 takes any that is free. Throws EnvironmentProblem if it is taken. */
export async function openConsoleForward(port: number): Promise<ConsoleForward & { close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'rackrise-lab-console-'))
  const socket = join(folder, 'console.sock')
  const server = relay({ path: socket })
  try {
    await listening(server, { host: LOOPBACK, port })
  } catch (error) {
    await rm(folder, { recursive: true })
    const why = error instanceof Error ? error.message : String(error)
    const hint = 'give --console another port, or leave it out'
    throw new EnvironmentProblem('lab-console', `the console of the lab can't have port ${port}: ${why}`, hint)
  }
  const opened = { port: (server.address() as AddressInfo).port, socket }
  process.env[FORWARD] = JSON.stringify(opened)
  return {
    ...opened,
    async close() {
      server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Inside: what the command outside has opened, if it has. */
export function openedForward(): ConsoleForward | undefined {
  const said = process.env[FORWARD]
  return said === undefined ? undefined : (JSON.parse(said) as ConsoleForward)
}

/**
 * Inside: starts the relay in the network namespace of that process, which it does not outlive long: it ends with this one. Resolves with how to end it
 * when connections are taken.
 */
export async function startConsoleRelay(pid: number, { socket, port }: ConsoleForward): Promise<() => void> {
  await unlink(socket).catch(() => {})
  const enter = [`--net=/proc/${pid}/ns/net`, 'setpriv', '--pdeathsig', 'KILL', '--']
  const child = spawn(
    'nsenter',
    [...enter, process.execPath, programModule('services/lab/console-relay'), socket, String(port)],
    {
      // Ctrl+C is for the lab, which ends it in its turn.
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string): void => {
      child.kill('SIGKILL')
      const hint = 'make sure that nsenter and setpriv (util-linux) are installed'
      reject(new EnvironmentProblem('lab-console', `the console of the lab can't be forwarded: ${why}`, hint))
    }
    const timer = setTimeout(() => fail('the relay did not start'), RELAY_LIMIT_MS)
    child.stdout.once('data', () => resolve())
    child.once('error', error => fail(error.message))
    child.once('exit', code => fail(`the relay ended with status ${code}`))
    void child.stdout.once('close', () => clearTimeout(timer))
    child.stdout.once('data', () => clearTimeout(timer))
  })
  return () => void child.kill('SIGKILL')
}
