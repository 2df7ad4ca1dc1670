/**
 * The TFTP server on a cable between two network namespaces: every block is one frame whatever the MTU is, and forty machines get their loaders over a
 * wire that loses every tenth datagram. Nothing of the host's network is touched.
 */
import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { RackRequest, RackResult } from '../bench/tftp-client.ts'

const SERVER_SPACE = `rackrise-tftp-s-${process.pid}`
const CLIENT_SPACE = `rackrise-tftp-c-${process.pid}`
const SERVER = '10.77.0.1'
const RACK = 40
const LIMIT_MS = 60_000
const FILE = Uint8Array.from({ length: 200_000 }, (_, index) => (index * 2_654_435_761) >>> 24)

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'rackrise-tftp-'))
const lines: Record<string, unknown>[] = []
let server: ChildProcess

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: 'pipe', timeout: LIMIT_MS })
}

function inClientSpace(...command: string[]) {
  return run('ip', ['netns', 'exec', CLIENT_SPACE, ...command], { timeout: LIMIT_MS })
}

function facts(name: string): Record<string, unknown>[] {
  return lines.filter(({ fact }) => fact === name)
}

/** Packets that the server's namespace had to cut. */
function fragments(): number {
  const text = execFileSync('ip', ['netns', 'exec', SERVER_SPACE, 'cat', '/proc/net/snmp'], { encoding: 'utf8' })
  const [names, values] = text
    .split('\n')
    .filter(line => line.startsWith('Ip:'))
    .map(line => line.split(' '))
  return Number(values![names!.indexOf('FragCreates')])
}

beforeAll(async () => {
  writeFileSync(join(folder, 'loader.efi'), FILE)
  for (const space of [SERVER_SPACE, CLIENT_SPACE]) ip('netns', 'add', space)
  ip('-n', SERVER_SPACE, 'link', 'add', 'rr-server', 'type', 'veth', 'peer', 'name', 'rr-client', 'netns', CLIENT_SPACE)
  ip('-n', SERVER_SPACE, 'addr', 'add', `${SERVER}/24`, 'dev', 'rr-server')
  for (let host = 101; host < 101 + RACK; host += 1)
    ip('-n', CLIENT_SPACE, 'addr', 'add', `10.77.0.${host}/24`, 'dev', 'rr-client')
  ip('-n', SERVER_SPACE, 'link', 'set', 'rr-server', 'up')
  ip('-n', CLIENT_SPACE, 'link', 'set', 'rr-client', 'up')
  const program = join(import.meta.dirname, 'tftp-server.ts')
  const command = ['netns', 'exec', SERVER_SPACE, process.execPath, program, 'rr-server', SERVER, folder]
  server = spawn('ip', command, { stdio: ['pipe', 'pipe', 'inherit'] })
  createInterface({ input: server.stdout! }).on('line', line => {
    lines.push(JSON.parse(line) as Record<string, unknown>)
  })
  while (facts('ready').length === 0) await new Promise(resolve => server.stdout!.once('data', resolve))
}, LIMIT_MS)

beforeEach(() => {
  lines.length = 0
})

afterAll(async () => {
  const ended = server && server.exitCode === null ? new Promise(resolve => server.once('exit', resolve)) : undefined
  server?.stdin?.end()
  await ended
  for (const space of [SERVER_SPACE, CLIENT_SPACE]) spawnSync('ip', ['netns', 'del', space])
  rmSync(folder, { recursive: true, force: true })
}, LIMIT_MS)

test.each([
  [1500, 1468],
  [9000, 8968],
  [1400, 1368],
  [576, 544],
  [65_535, 65_464],
])(
  'K13 an interface whose MTU becomes %i grants blocks of %i octets, and nothing is cut',
  async (mtu, blockSize) => {
    ip('-n', SERVER_SPACE, 'link', 'set', 'rr-server', 'mtu', String(mtu))
    ip('-n', CLIENT_SPACE, 'link', 'set', 'rr-client', 'mtu', String(mtu))
    const before = fragments()
    const out = join(folder, `mtu-${mtu}`)
    await inClientSpace('curl', '-sS', '--tftp-blksize', '65464', '-o', out, `tftp://${SERVER}/loader.efi`)
    expect(Buffer.compare(readFileSync(out), FILE)).toBe(0)
    expect(lines.find(({ message }) => String(message).startsWith('sending loader.efi to '))).toMatchObject({
      blockSize,
      windowSize: 1,
    })
    expect(fragments()).toBe(before)
  },
  LIMIT_MS,
)

test.each([1, 16])(
  'forty machines on a wire that loses one in ten, windows of %i: every loader arrives whole, within a minute',
  async windowSize => {
    for (const [space, device] of [
      [SERVER_SPACE, 'rr-server'],
      [CLIENT_SPACE, 'rr-client'],
    ] as const)
      ip('-n', space, 'link', 'set', device, 'mtu', '1500')
    const request: RackRequest = {
      server: SERVER,
      port: 69,
      name: 'loader.efi',
      file: join(folder, 'loader.efi'),
      clients: RACK,
      blockSize: 1432,
      windowSize,
      loss: 0.1,
      seed: 3,
      repeats: 1,
      limitMs: 55_000,
      firstAddress: '10.77.0.101',
    }
    const program = join(import.meta.dirname, '../bench/tftp-client.ts')
    const { stdout } = await inClientSpace(process.execPath, program, JSON.stringify(request))
    const result = JSON.parse(stdout) as RackResult
    expect(result.error).toBeUndefined()
    // Each client has compared every octet.
    expect([result.completed, result.bytes, result.windowSize]).toEqual([RACK, RACK * FILE.length, windowSize])
    expect(facts('started').length).toBeGreaterThanOrEqual(RACK)
    expect(facts('failed').filter(({ reason }) => reason !== 'last-ack-missing')).toEqual([])
  },
  LIMIT_MS,
)
