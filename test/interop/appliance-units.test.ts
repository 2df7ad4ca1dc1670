/** The systemd units and what their generator makes of a site file: systemd finds nothing wrong with them, and they hand over what the appliance looks for. */
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseSite } from '../../services/site/parse.ts'

const LIMIT_MS = 20_000
const UNITS = join(import.meta.dirname, '../../systemd')
const folder = mkdtempSync(join(tmpdir(), 'rackrise-units-'))
const SOCKETS = readdirSync(UNITS)
  .filter(name => name.endsWith('.socket'))
  .toSorted()

const OTHER_UNITS = ['rackrise-interface.service']
const ALL_UNITS = ['rackrise.service', ...OTHER_UNITS, ...SOCKETS]

beforeAll(() => {
  for (const name of [...SOCKETS, ...OTHER_UNITS]) copyFileSync(join(UNITS, name), join(folder, name))
  // systemd wants the program to be there.
  writeFileSync(join(folder, 'rackrise.service'), read('rackrise.service').replaceAll('/usr/bin/rackrise', '/bin/true'))
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

function verify(): { status: number | null; said: string } {
  return analyze('verify', '--man=no', ...ALL_UNITS.map(name => join(folder, name)))
}

/** Files that the generator makes of a site file, by their names, with what they say. */
function generate(site: string, { isEnabled = false } = {}): Record<string, string> {
  const made = mkdtempSync(join(folder, 'generated-'))
  const [file, enabled] = [join(made, '../site.toml'), join(made, '../enabled')]
  writeFileSync(file, site)
  rmSync(enabled, { force: true })
  if (isEnabled) writeFileSync(enabled, '')
  const env = { ...process.env, RACKRISE_SITE: file, RACKRISE_ENABLED: enabled }
  const { status, stderr } = spawnSync(join(UNITS, 'rackrise-generator'), [made], { encoding: 'utf8', env })
  expect([status, stderr]).toEqual([0, ''])
  const names = readdirSync(made, { withFileTypes: true, recursive: true }).filter(entry => !entry.isDirectory())
  return Object.fromEntries(
    names.map(entry => {
      const path = join(entry.parentPath, entry.name)
      const text = entry.isSymbolicLink() ? readlinkSync(path) : readFileSync(path, 'utf8').replace(file, 'the site')
      return [path.slice(made.length + 1), text]
    }),
  )
}

const INTERFACE = 'rackrise-.socket.d/interface.conf'
const bound = (device: string): string => `# Made of the site.\n[Socket]\nBindToDevice=${device}\n`

test('systemd finds nothing wrong with them', () => expect(verify()).toEqual({ status: 0, said: '' }), LIMIT_MS)

test(
  'systemd takes what the generator makes',
  () => {
    const text = '[network]\ninterface = "eth1.7"\n[http]\nport = 8080\ntls-port = 8443\n'
    const made = generate(text)
    for (const [name, content] of Object.entries(made)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), content)
    }
    expect(Object.keys(made).toSorted()).toEqual([
      INTERFACE,
      'rackrise-http.socket.d/port.conf',
      'rackrise-https.socket.d/port.conf',
    ])
    expect(verify()).toEqual({ status: 0, said: '' })
    for (const name of Object.keys(made)) rmSync(join(folder, name))
  },
  LIMIT_MS,
)

describe('the generator reads of a site file', () => {
  test.each([
    ['its interface', '[network]\ninterface = "eth1"\n', { [INTERFACE]: bound('eth1') }],
    ['in the other quotes', "[network]\ninterface = 'vlan7' # the rack\n", { [INTERFACE]: bound('vlan7') }],
    [
      'with more in the table',
      '[network] # here\naddress = "10.77.0.1/24"\n  interface="br0"\n',
      { [INTERFACE]: bound('br0') },
    ],
    [
      'not of another table',
      '[other]\ninterface = "eth2"\n[network]\ninterface = "eth1"\n',
      { [INTERFACE]: bound('eth1') },
    ],
    ['not of a comment', '[network]\n# interface = "eth2"\ninterface = "eth1"\n', { [INTERFACE]: bound('eth1') }],
    [
      'its ports',
      '[http]\nport = 8080\n[network]\ninterface = "eth1"\n',
      {
        [INTERFACE]: bound('eth1'),
        'rackrise-http.socket.d/port.conf': '# Made of the site.\n[Socket]\nListenStream=\nListenStream=0.0.0.0:8080\n',
      },
    ],
    ['nothing that is no name', '[network]\ninterface = "eth1\\nBroadcast=no"\n[http]\nport = "x\\ny"\n', {}],
    ['nothing where there is none', '[site]\ndomain = "rack.test"\n', {}],
    [
      'nothing of what it can not read: the appliance binds the sockets itself',
      'network = { interface = "eth1" }\n',
      {},
    ],
    ['nothing of nothing', '', {}],
  ])('%s', (_, site, files) => {
    expect(generate(site)).toEqual(files)
  })

  test.each(['config/site.toml', 'config/site.lab.toml'])('the same as the appliance: %s', async path => {
    const text = readFileSync(join(UNITS, '..', path), 'utf8')
    const parsed = parseSite(text, path, { interfaceAddress: () => '10.77.0.1/24', workingFolder: '/' })
    expect('site' in parsed && bound(parsed.site.network.interface)).toBe(generate(text)[INTERFACE])
  })

  test('one that is enabled is started when the interface comes', () => {
    expect(generate('[network]\ninterface = "eth1"\n', { isEnabled: true })).toEqual({
      [INTERFACE]: bound('eth1'),
      'sys-subsystem-net-devices-eth1.device.wants/rackrise-interface.service': '../rackrise-interface.service',
    })
  })
})

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
  expect(values(text, 'Type')).toEqual(['notify'])
})

test(
  'the service has no right that it does not need',
  () => {
    const text = read('rackrise.service')
    expect(values(text, 'CapabilityBoundingSet')).toEqual([''])
    expect(text).not.toMatch(/^MemoryDenyWriteExecute=/m)
    expect(values(text, 'LimitCORE')).toEqual(['0'])
    const { status, said } = analyze('security', '--offline=true', '--threshold=15', join(folder, 'rackrise.service'))
    expect([status, said]).toEqual([0, expect.stringMatching(/Overall exposure level for rackrise\.service: /)])
  },
  LIMIT_MS,
)
