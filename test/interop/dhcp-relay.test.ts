/**
 * ISC's relay agent between BusyBox udhcpc and the real server: three network namespaces in a row, machine - relay agent - appliance. Nothing of
 * the host's network is touched.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

const SERVER = `rackrise-relay-s-${process.pid}`
const AGENT = `rackrise-relay-a-${process.pid}`
const MACHINE = `rackrise-relay-m-${process.pid}`
const MAC = 'bc:24:11:ab:12:21'
const LIMIT_MS = 20_000

const folder = mkdtempSync(join(tmpdir(), 'rackrise-relay-'))
const told = join(folder, 'told')
const hook = join(folder, 'hook')
const running = new Set<ChildProcess>()

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: 'pipe', timeout: LIMIT_MS })
}

function joined(near: [space: string, device: string, address: string], far: [space: string, device: string]): void {
  ip('-n', near[0], 'link', 'add', near[1], 'type', 'veth', 'peer', 'name', far[1], 'netns', far[0])
  ip('-n', near[0], 'addr', 'add', near[2], 'dev', near[1])
  ip('-n', near[0], 'link', 'set', near[1], 'up')
}

/** Starts it in a namespace and waits until a line of that stream says it is ready. Its lines go on being kept. */
async function start(space: string, command: string[], stream: 'stdout' | 'stderr', ready: string): Promise<string[]> {
  const child = spawn('ip', ['netns', 'exec', space, ...command], { stdio: 'pipe' })
  running.add(child)
  child[stream === 'stdout' ? 'stderr' : 'stdout'].resume()
  const lines: string[] = []
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child[stream] as Readable }).on('line', line => {
      lines.push(line)
      if (line.startsWith(ready)) resolve()
    })
    child.once('exit', () => reject(new Error(`${command[0]} ended: ${lines.join('; ')}`)))
  })
  return lines
}

async function stop(child: ChildProcess): Promise<void> {
  running.delete(child)
  const isRunning = child.exitCode === null && child.signalCode === null
  const over = isRunning ? new Promise(resolve => child.once('exit', resolve)) : undefined
  child.kill('SIGTERM')
  await over
}

beforeAll(() => {
  for (const space of [SERVER, AGENT, MACHINE]) ip('netns', 'add', space)
  joined([SERVER, 'up-s', '10.77.0.1/24'], [AGENT, 'up-a'])
  ip('-n', AGENT, 'addr', 'add', '10.77.0.2/24', 'dev', 'up-a')
  ip('-n', AGENT, 'link', 'set', 'up-a', 'up')
  joined([AGENT, 'down-a', '10.78.0.1/24'], [MACHINE, 'down-m'])
  ip('-n', MACHINE, 'link', 'set', 'down-m', 'address', MAC)
  ip('-n', MACHINE, 'link', 'set', 'down-m', 'up')
  ip('-n', SERVER, 'route', 'add', '10.78.0.0/24', 'via', '10.77.0.2')
  writeFileSync(hook, `#!/bin/sh\n[ "$1" = bound ] && env > ${told}\nexit 0\n`)
  chmodSync(hook, 0o755)
}, LIMIT_MS)

afterEach(async () => {
  await Promise.all([...running].map(stop))
  rmSync(told, { force: true })
}, LIMIT_MS)

afterAll(() => {
  for (const space of [SERVER, AGENT, MACHINE]) spawnSync('ip', ['netns', 'del', space])
  rmSync(folder, { recursive: true, force: true })
}, LIMIT_MS)

/** What the machine was told, and why the server did what it did, behind a relay agent that was started so. */
let lines: string[] = []

async function boot(...relay: string[]) {
  return bootOf([], relay)
}

async function bootOf(reserved: string[], relay: string[]) {
  const program = join(import.meta.dirname, 'dhcp-relay-server.ts')
  lines = await start(SERVER, [process.execPath, program, 'up-s', ...reserved], 'stdout', 'ready')
  const options = ['-4', '-d', '--no-pid', '-a', ...relay, '-id', 'down-a', '10.77.0.1']
  await start(AGENT, ['dhcrelay', ...options], 'stderr', 'Sending on   Socket/fallback')
  const udhcpc = ['udhcpc', '-f', '-n', '-q', '-t', '8', '-T', '1', '-i', 'down-m', '-s', hook]
  const child = spawn('ip', ['netns', 'exec', MACHINE, ...udhcpc], { stdio: 'ignore' })
  const status = await new Promise(resolve => child.once('exit', resolve))
  expect([status, lines]).toEqual([0, expect.arrayContaining([expect.stringMatching(/^selected: /)])])
  const variables = new Map(
    readFileSync(told, 'utf8')
      .split('\n')
      .map(line => line.split('=', 2) as [string, string]),
  )
  return ['ip', 'router', 'serverid'].map(name => variables.get(name))
}

test(
  'a machine behind a relay agent that adds option 82 gets an address of its own subnet',
  async () => {
    expect(await boot('-iu', 'up-a')).toEqual(['10.78.0.100', '10.78.0.1', '10.77.0.1'])
  },
  LIMIT_MS,
)

test(
  'G03 a relay agent with an address of another subnet names the link of the machine, and hears the reply',
  async () => {
    expect(await boot('-U', 'up-a')).toEqual(['10.78.0.100', '10.78.0.1', '10.77.0.1'])
  },
  LIMIT_MS,
)

test.each([
  ['the circuit that the relay agent names has its address', 'down-a', '10.78.0.50'],
  ['a circuit of which it names the beginning has not', 'down-a2', '10.78.0.100'],
  ['nor one that begins the name', 'down', '10.78.0.100'],
])(
  'G10 %s',
  async (_, circuit, address) => {
    expect((await bootOf([circuit], ['-iu', 'up-a']))[0]).toBe(address)
  },
  LIMIT_MS,
)

/** The same host in both: behind the relay agent, with the next free address of the pool. */
async function besideHost(pings: 'may ping' | 'may not ping') {
  ip('-n', AGENT, 'addr', 'add', '10.78.0.100/24', 'dev', 'down-a')
  const groups = pings === 'may ping' ? '0 2147483647' : '1 0'
  ip('netns', 'exec', SERVER, 'sysctl', '-q', '-w', `net.ipv4.ping_group_range=${groups}`)
  try {
    return (await boot('-iu', 'up-a'))[0]
  } finally {
    ip('-n', AGENT, 'addr', 'del', '10.78.0.100/24', 'dev', 'down-a')
  }
}

test(
  'C08 a host behind the relay agent that answers an echo: the machine gets the address after it',
  async () => {
    expect(await besideHost('may ping')).toBe('10.78.0.101')
    expect(lines).toContainEqual(
      `address-in-use: something behind the relay agent uses 10.78.0.100, which is in quarantine now: another address for ${MAC}`,
    )
  },
  LIMIT_MS,
)

test(
  'where no process may ping nobody is asked there, and that is said once',
  async () => {
    expect(await besideHost('may not ping')).toBe('10.78.0.100')
    expect(lines.filter(line => line.includes('may not ping'))).toEqual([
      'none: addresses behind relay agents are not probed: this process may not ping',
    ])
  },
  LIMIT_MS,
)
