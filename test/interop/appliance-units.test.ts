/** The systemd units: systemd itself finds nothing wrong with them, and they hand over what the appliance looks for. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const LIMIT_MS = 20_000
const UNITS = join(import.meta.dirname, '../../systemd')
const folder = mkdtempSync(join(tmpdir(), 'rackrise-units-'))
const SOCKETS = readdirSync(UNITS)
  .filter(name => name.endsWith('.socket'))
  .toSorted()

beforeAll(() => {
  for (const name of SOCKETS) copyFileSync(join(UNITS, name), join(folder, name))
  // systemd wants the program to be there.
  writeFileSync(join(folder, 'rackrise.service'), read('rackrise.service').replace('/usr/bin/rackrise', '/bin/true'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function read(name: string): string {
  return readFileSync(join(UNITS, name), 'utf8')
}

function values(text: string, key: string): string[] {
  return [...text.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value!)
}

function analyze(...words: string[]): { status: number | null; said: string } {
  const env = { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:` }
  const { status, stdout, stderr } = spawnSync('systemd-analyze', words, { encoding: 'utf8', timeout: LIMIT_MS, env })
  return { status, said: `${stdout}${stderr}` }
}

function verify(dropIn: string): { status: number | null; said: string } {
  mkdirSync(join(folder, 'rackrise-.socket.d'), { recursive: true })
  writeFileSync(join(folder, 'rackrise-.socket.d', 'interface.conf'), dropIn)
  return analyze('verify', '--man=no', ...['rackrise.service', ...SOCKETS].map(name => join(folder, name)))
}

test(
  'systemd finds nothing wrong with them',
  () => {
    expect(verify(read('interface.conf'))).toEqual({ status: 0, said: '' })
  },
  LIMIT_MS,
)

test(
  'one drop-in names the interface of all sockets',
  () => {
    expect(values(read('interface.conf'), 'BindToDevice')).toEqual(['eth1'])
    const { said } = verify('[Socket]\nBindToDevice=not/an/interface\n')
    expect(said.match(/interface\.conf:2: Invalid interface name/g)).toHaveLength(SOCKETS.length)
  },
  LIMIT_MS,
)

test('every socket has the name, port and kind that the appliance looks for', () => {
  const rows = SOCKETS.map(file => {
    const text = read(file)
    const [name] = values(text, 'FileDescriptorName')
    return [
      name,
      values(text, 'ListenDatagram').join(),
      values(text, 'ListenStream').join(),
      values(text, 'Broadcast').join(),
      values(text, 'Service').join(),
    ]
  })
  const service = 'rackrise.service'
  expect(rows).toEqual([
    ['boot-server', '0.0.0.0:4011', '', 'yes', service],
    ['dhcp-watch', '0.0.0.0:68', '', 'yes', service],
    ['dhcp', '0.0.0.0:67', '', 'yes', service],
    ['dns-tcp', '', '0.0.0.0:53', '', service],
    ['dns', '0.0.0.0:53', '', 'yes', service],
    ['http', '', '0.0.0.0:80', '', service],
    ['https', '', '0.0.0.0:443', '', service],
    ['tftp', '0.0.0.0:69', '', 'yes', service],
  ])
})

test('the service starts with all of them, and ends with a failure rather than half alive', () => {
  const text = read('rackrise.service')
  const wanted = `${values(text, 'Requires').join(' ')} ${values(text, 'Wants').join(' ')}`.split(' ')
  expect(wanted.filter(name => name.endsWith('.socket')).toSorted()).toEqual(SOCKETS)
  expect(values(text, 'Restart')).toEqual(['on-failure'])
})

test(
  'the service has no right that it does not need',
  () => {
    const text = read('rackrise.service')
    expect(values(text, 'CapabilityBoundingSet')).toEqual([''])
    expect(text).not.toMatch(/^MemoryDenyWriteExecute=/m)
    expect(values(text, 'LimitCORE')).toEqual(['0'])
    const { status, said } = analyze('security', '--offline=true', '--threshold=20', join(folder, 'rackrise.service'))
    expect([status, said]).toEqual([0, expect.stringMatching(/Overall exposure level for rackrise\.service: 1\.\d/)])
  },
  LIMIT_MS,
)
