/** From text to a frozen site: defaults, inheritance, folders; and bounds for hostile text (M06). */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseSite } from '../../services/site/parse.ts'
import type { Site } from '../../services/site/types.ts'
import { changed, machine, NO_INTERFACES, problemsOf, record, RIGHT, WITH_PROFILE } from './sites.ts'
import { tomlLike } from './random-toml.ts'

function siteOf(source: string, file = '/srv/site.toml', workingFolder = '/'): Site {
  const outcome = parseSite(source, file, { ...NO_INTERFACES, workingFolder })
  if ('problems' in outcome) throw new Error(JSON.stringify(outcome.problems))
  return outcome.site
}

test('what a short file leaves out has its default', () => {
  expect(
    siteOf(
      '[site]\ndomain = "Rack7.Example.org"\n[network]\ninterface = "eth1"\naddress = "10.77.0.1/24"\n[dhcp]\nmode = "off"\n',
    ),
  ).toEqual({
    file: '/srv/site.toml',
    sha256: 'f9d2d050abcc98336c8ab85b3e0f4bf863cbd0e34c4224f9a9156b79fa8a9bc7',
    name: 'rack7',
    domain: 'rack7.example.org',
    network: { interface: 'eth1', address: '10.77.0.1', prefix: { network: '10.77.0.0', length: 24 } },
    dhcp: {
      mode: 'off',
      leaseSeconds: 3600,
      authoritative: true,
      probe: true,
      answerOptions: true,
      otherServers: [],
      proxyDelayMs: 0,
      subnetSelection: false,
      subnets: [],
      reservations: [],
    },
    dns: { forward: [], allow: [{ network: '10.77.0.0', length: 24 }], records: [] },
    http: { port: 80, tlsPort: 443, answerFormat: 'toml' },
    boot: { unknown: 'hold', loaders: '/usr/lib/ipxe', loader: 'ipxe', stallAfterMs: 1_200_000 },
    paths: { isos: '/srv/isos', answers: '/srv/answers', state: '/var/lib/rackrise' },
    profiles: new Map(),
    machines: [],
    rules: [],
    webhooks: [],
    console: { host: '127.0.0.1', port: 8300 },
    store: { url: 'sqlite', keepMs: 90 * 86_400_000 },
    log: { level: 'info', format: 'auto' },
  })
})

test('a subnet gives the appliance as name server, and may ask it', () => {
  const { dhcp, dns } = siteOf(RIGHT)
  expect(dhcp.subnets).toEqual([
    {
      prefix: { network: '10.77.0.0', length: 24 },
      pools: [{ first: '10.77.0.100', last: '10.77.0.199' }],
      router: '10.77.0.254',
      dns: ['10.77.0.1'],
      ntp: [],
      relays: [],
      options: [],
    },
  ])
  expect(dns.allow).toEqual([{ network: '10.77.0.0', length: 24 }])
})

test('where another server gives the addresses, a subnet behind a router may ask, and the own network still', () => {
  const routed = `[site]\ndomain = "rack.test"\n[network]\ninterface = "eth1"\naddress = "10.77.0.1/24"\n[dhcp]\nmode = "proxy"\nproxy-delay = "500ms"\n[[dhcp.subnet]]\nprefix = "10.78.0.0/24"\nrelays = ["10.78.0.1"]\n`
  const { dhcp, dns } = siteOf(routed)
  expect([dhcp.mode, dhcp.proxyDelayMs]).toEqual(['proxy', 500])
  expect(dns.allow).toEqual([
    { network: '10.78.0.0', length: 24 },
    { network: '10.77.0.0', length: 24 },
  ])
})

test('profiles, machines, rules and webhooks are in one spelling, and what is not set is not there', () => {
  const site = siteOf(
    `${WITH_PROFILE}first-boot = ""\n${machine('Node1', 'BC-24-11-AB-12-21', 'serial = ""\nuuid = ""\naddress = "10.77.0.11"\n')}
[[rule]]
when = { "dmi.system.name" = "PowerEdge R65*", mac = "b0:7b:25:*" }
profile = "pve"
name = "node{{ index }}"
[[webhook]]
url = "https://automation.example.org/hooks/rackrise"
secret-file = "hook.key"
ca-file = "ca.pem"
[http]
answer-format = "json"
answer-token-file = "tokens"
`,
  )
  expect(site.http).toEqual({ port: 80, tlsPort: 443, answerFormat: 'json', answerTokenFile: '/srv/tokens' })
  expect(site.profiles).toEqual(new Map([['pve', { name: 'pve', iso: 'pve:latest', answers: [], kernelArgs: [] }]]))
  expect(site.machines).toEqual([
    {
      name: 'node1',
      macs: ['bc:24:11:ab:12:21'],
      address: '10.77.0.11',
      options: [],
      profile: 'pve',
      answers: [],
      approve: false,
    },
  ])
  expect(site.rules).toEqual([
    {
      index: 0,
      when: [
        { fact: 'dmi.system.name', any: ['PowerEdge R65*'], none: [] },
        { fact: 'mac', any: ['b0:7b:25:*'], none: [] },
      ],
      profile: 'pve',
      name: 'node{{index}}',
      answers: [],
      approve: false,
    },
  ])
  expect(site.webhooks).toEqual([
    {
      url: 'https://automation.example.org/hooks/rackrise',
      events: ['installed', 'failed', 'stalled'],
      secretFile: '/srv/hook.key',
      caFile: '/srv/ca.pem',
    },
  ])
})

test('records have full names in lower case', () => {
  const source =
    RIGHT +
    record('Mirror', 'A', '10.77.0.5') +
    record('@', 'TXT', 'x') +
    record('5.0.77.10.in-addr.arpa.', 'PTR', 'a.rack.test')
  expect(siteOf(source).dns.records.map(({ name }) => name)).toEqual([
    'mirror.rack.test',
    'rack.test',
    '5.0.77.10.in-addr.arpa',
  ])
})

test('extra options carry what their type says', () => {
  const source = `${RIGHT}options = [{ code = 26, type = "uint16", value = 9000 }, { code = 224, type = "hex", value = "0A:4d" }]\n`
  expect(siteOf(source).dhcp.subnets[0]?.options).toEqual([
    { code: 26, type: 'uint16', value: 9000 },
    { code: 224, type: 'hex', value: '0a4d' },
  ])
})

test.each<[string, string, string, string]>([
  ['a checkout', 'config/site.toml', '/home/me/rackrise', '/home/me/rackrise/isos'],
  ['an installed appliance', '/etc/rackrise/site.toml', '/', '/etc/rackrise/isos'],
  ['a file beside its folders', 'site.toml', '/srv/rack', '/srv/rack/isos'],
  ['a folder that is only named alike', '/srv/config.d/site.toml', '/', '/srv/config.d/isos'],
])('relative paths of %s', (_, file, workingFolder, isos) => {
  expect(siteOf(RIGHT, file, workingFolder).paths.isos).toBe(isos)
})

test('without an address of its own it takes the first one of the interface', () => {
  const source = changed('address = "10.77.0.1/24"\n', '')
  const environment = { interfaceAddress: (name: string) => (name === 'eth1' ? '10.77.0.2/24' : undefined) }
  const outcome = parseSite(source, 's.toml', environment)
  expect('site' in outcome && outcome.site.network.address).toBe('10.77.0.2')
})

test('nobody can change a site', () => {
  const site = siteOf(WITH_PROFILE)
  expect(() => site.dhcp.subnets.push()).toThrow(TypeError)
  expect(() => Object.assign(site.profiles.get('pve') ?? {}, { iso: 'x.iso' })).toThrow(TypeError)
})

test('a site with doubts only is served, and the doubts are told', () => {
  const outcome = parseSite(`${RIGHT}[boot]\nunknown = "install"\n`, 's.toml', NO_INTERFACES)
  expect('site' in outcome && outcome.warnings.map(({ code, place }) => [code, place?.line])).toEqual([
    ['doubtful', 11],
  ])
})

test('a file of version 1 says so or not', () => {
  expect(siteOf(`version = 1\n${RIGHT}`).domain).toBe('rack.test')
})

test.each<[string, string, string[]]>([
  [
    'one that is written for a newer Rackrise: its other mistakes are none that we could know of',
    `version = 2\n${RIGHT}[container]\nname = "x"\n`,
    [
      's.toml:1:1: error: this file is written for a newer Rackrise: version 2 of the site file, and this one reads version 1; install that Rackrise, or restore the site file of before',
    ],
  ],
  [
    'none that there was',
    `version = 0\n${RIGHT}`,
    ['s.toml:1:1: error: "version" in the file is too small; write at least 1'],
  ],
  [
    'a release',
    `version = "1.0"\n${RIGHT}`,
    ['s.toml:1:1: error: "version" in the file must be a whole number, not a string; write it without quotes'],
  ],
])('version: %s', (_, source, problems) => {
  expect(problemsOf(source)).toEqual(problems)
})

test.each<[string, string, string[]]>([
  [
    'a thousand brackets',
    `x = ${'['.repeat(1000)}`,
    ['s.toml:1:21: error: tables and arrays are nested more than 16 deep; write it flatter'],
  ],
  [
    'half a million brackets',
    `x = ${'['.repeat(500_000)}`,
    ['s.toml:1:21: error: tables and arrays are nested more than 16 deep; write it flatter'],
  ],
  [
    'inline tables in inline tables',
    `x = ${'{a='.repeat(1000)}`,
    ['s.toml:1:53: error: tables and arrays are nested more than 16 deep; write it flatter'],
  ],
  [
    'a key of a hundred thousand dots',
    `${RIGHT}[log]\nx${'.x'.repeat(100_000)} = 1\n`,
    ['s.toml:11:1: error: unknown table [log.x]; known keys are level, format'],
  ],
])('hostile text is refused in bounds: %s', (_, source, problems) => {
  expect(problemsOf(source)).toEqual(problems)
})

test('a key of a megabyte makes a short message', () => {
  const [problem = ''] = problemsOf(`${RIGHT}[log]\n${'k'.repeat(1_000_000)} = 1\n`)
  expect(problem).toBe(`s.toml:11:1: error: unknown key "${'k'.repeat(60)}…" in [log]; known keys are level, format`)
})

test('parsing never throws for random text, and says either a site or why not', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        tomlLike,
        tomlLike.map(more => RIGHT + more),
        tomlLike.map(more => more + RIGHT),
      ),
      source => {
        const outcome = parseSite(source, 's.toml', NO_INTERFACES)
        if ('site' in outcome) expect(outcome.site.domain).toMatch(/^[a-z0-9.-]+$/)
        else expect(outcome.problems.some(({ severity }) => severity === 'error')).toBe(true)
      },
    ),
    { numRuns: 1000 },
  )
})

test('values of any type in any key never throw', () => {
  const value = fc.constantFrom(
    '1',
    '-1.5',
    '"x"',
    '""',
    'true',
    '[]',
    '[1]',
    '[[]]',
    '{}',
    '{ a = 1 }',
    '[{}]',
    '2024-05-06',
    '"10.77.0.9"',
  )
  const keys = RIGHT.split('\n')
    .flatMap(line => line.split(' = ')[0] ?? [])
    .filter(key => /^[a-z]/.test(key))
  fc.assert(
    fc.property(
      fc.constantFrom(...keys),
      value,
      fc.constantFrom('', ...['machine', 'rule', 'webhook', 'profile'].map(t => `[[${t}]]\n`)),
      (key, written, table) => {
        const source = `${RIGHT.replace(new RegExp(`^${key} = .*$`, 'm'), `${key} = ${written}`)}${table}${key} = ${written}\n`
        expect(problemsOf(source).every(line => line.startsWith('s.toml:'))).toBe(true)
      },
    ),
    { numRuns: 500 },
  )
})
