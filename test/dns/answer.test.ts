import { expect, test } from 'vitest'
import { newBudget, spend } from '../../services/kit/budget.ts'
import { DEFAULT_BUDGET, type Resolved, resolve } from '../../services/dns/resolver.ts'
import { buildZones } from '../../services/dns/zone.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import {
  type Ask,
  ask,
  context,
  FINGERPRINT,
  fleet,
  MACHINE,
  OTHER_MACHINE,
  prefix,
  read,
  RECORDS,
  STRANGER,
  type Told,
  TYPES,
  URL,
} from './rig.ts'

const SOA = 'rack7.example.org. 30 SOA ns.rack7.example.org. hostmaster.rack7.example.org. 7 3600 1200 604800 30'
const REVERSE_SOA =
  '0.77.10.in-addr.arpa. 30 SOA ns.rack7.example.org. hostmaster.rack7.example.org. 7 3600 1200 604800 30'

function resolved(question: Ask | Uint8Array, client: Ipv4 = MACHINE, where = context()): Resolved {
  const message = question instanceof Uint8Array ? question : ask(question)
  return resolve({ context: where, budget: newBudget(DEFAULT_BUDGET) }, message, client, false, 0) as Resolved
}

function told(question: Ask | Uint8Array, client: Ipv4 = MACHINE, where = context()): Told {
  return read(resolved(question, client, where).bytes!)
}

const AT = 'rack7.example.org'

test.each<[string, string, number, string[]]>([
  ['a host of the site file', `mirror.${AT}`, TYPES.A, [`mirror.${AT}. 300 A 10.77.0.5`]],
  ['a machine by its name', `node1.${AT}`, TYPES.A, [`node1.${AT}. 300 A 10.77.0.11`]],
  ['the appliance', `ns.${AT}`, TYPES.A, [`ns.${AT}. 300 A 10.77.0.1`]],
  [
    'an alias and what it stands for',
    `packages.${AT}`,
    TYPES.A,
    [`packages.${AT}. 300 CNAME mirror.${AT}.`, `mirror.${AT}. 300 A 10.77.0.5`],
  ],
  ['the alias itself', `packages.${AT}`, TYPES.CNAME, [`packages.${AT}. 300 CNAME mirror.${AT}.`]],
  ['an alias that leaves the zone', `away.${AT}`, TYPES.A, [`away.${AT}. 300 CNAME www.example.com.`]],
  ['the name servers', AT, TYPES.NS, [`${AT}. 300 NS ns.${AT}.`]],
  ['the SOA', AT, TYPES.SOA, [`${AT}. 300 SOA ns.${AT}. hostmaster.${AT}. 7 3600 1200 604800 30`]],
  ['mail', AT, TYPES.MX, [`${AT}. 300 MX 10 mirror.${AT}.`]],
  ['a service', `_ldap._tcp.${AT}`, TYPES.SRV, [`_ldap._tcp.${AT}. 300 SRV 0 5 389 mirror.${AT}.`]],
  ['a text', `deep.empty.${AT}`, TYPES.TXT, [`deep.empty.${AT}. 300 TXT "hello"`]],
  ['the name of a machine', '11.0.77.10.in-addr.arpa', TYPES.PTR, [`11.0.77.10.in-addr.arpa. 300 PTR node1.${AT}.`]],
  [
    'the name of a host of the site file',
    '5.0.77.10.in-addr.arpa',
    TYPES.PTR,
    [`5.0.77.10.in-addr.arpa. 300 PTR mirror.${AT}.`],
  ],
  ['localhost', 'localhost', TYPES.A, ['localhost. 300 A 127.0.0.1']],
])('%s', (_, name, type, answers) => {
  expect(told({ name, type })).toMatchObject({ rcode: 0, answers, authorities: [], flags: ['qr', 'aa', 'rd'] })
})

test.each<[string, string, number, number, string]>([
  ['J13 nothing for a name that does not exist', `nobody.${AT}`, TYPES.A, 3, SOA],
  ['J13 nothing for a name below a machine', `x.node1.${AT}`, TYPES.A, 3, SOA],
  ['J12 nothing for a type that the name lacks', `mirror.${AT}`, TYPES.AAAA, 0, SOA],
  ['J17 nothing for a type that nobody knows', `mirror.${AT}`, 65_280, 0, SOA],
  ['J14 nothing for a name between two names', `empty.${AT}`, TYPES.A, 0, SOA],
  ['J26 nothing for an address nobody has', '99.0.77.10.in-addr.arpa', TYPES.PTR, 3, REVERSE_SOA],
  ['J26 nothing for an address written with a leading zero', '011.0.77.10.in-addr.arpa', TYPES.PTR, 3, REVERSE_SOA],
  [
    'J26 nothing for a private address outside',
    '1.2.168.192.in-addr.arpa',
    TYPES.PTR,
    3,
    '168.192.in-addr.arpa. 30 SOA 168.192.in-addr.arpa. nobody.invalid. 1 3600 1200 604800 30',
  ],
  [
    'J14 nothing for the net around ours',
    '77.10.in-addr.arpa',
    TYPES.PTR,
    0,
    '10.in-addr.arpa. 30 SOA 10.in-addr.arpa. nobody.invalid. 1 3600 1200 604800 30',
  ],
  [
    'J27 invalid is kept here',
    'something.invalid',
    TYPES.A,
    3,
    'invalid. 30 SOA invalid. nobody.invalid. 1 3600 1200 604800 30',
  ],
  ['J27 test is kept here', 'something.test', TYPES.A, 3, 'test. 30 SOA test. nobody.invalid. 1 3600 1200 604800 30'],
])('%s', (_, name, type, rcode, soa) => {
  expect(told({ name, type })).toMatchObject({ rcode, answers: [], authorities: [soa], flags: ['qr', 'aa', 'rd'] })
})

test('J16 an alias to a missing name is shown with NXDOMAIN', () => {
  expect(told({ name: `broken.${AT}` })).toMatchObject({
    rcode: 3,
    answers: [`broken.${AT}. 300 CNAME nowhere.${AT}.`],
    authorities: [SOA],
  })
})

test('J16 aliases in a circle end', () => {
  const records = ['a', 'b'].map((name, index) => ({
    name: `${name}.${AT}`,
    type: 'CNAME' as const,
    value: ['b', 'a'][index]!,
  }))
  expect(told({ name: `a.${AT}` }, MACHINE, context({ records })).answers).toHaveLength(8)
})

test('the names of the installer: one record, one string, TTL 0, for this client', () => {
  expect(told({ name: `proxmox-auto-installer.${AT}`, type: TYPES.TXT })).toMatchObject({
    rcode: 0,
    answers: [`proxmox-auto-installer.${AT}. 0 TXT "${URL}"`],
  })
  expect(told({ name: `proxmox-auto-installer-cert-fingerprint.${AT}`, type: TYPES.TXT })).toMatchObject({
    rcode: 0,
    answers: [`proxmox-auto-installer-cert-fingerprint.${AT}. 0 TXT "${FINGERPRINT}"`],
  })
})

test.each([
  ['another machine', OTHER_MACHINE, TYPES.TXT],
  ['an address record', MACHINE, TYPES.A],
])('the names of the installer exist and are empty for %s', (_, client, type) => {
  expect(told({ name: `proxmox-auto-installer.${AT}`, type }, client)).toMatchObject({
    rcode: 0,
    answers: [],
    authorities: [SOA],
  })
})

test.each([
  ['of 256 characters', `https://10.77.0.1/${'a'.repeat(256 - 18)}`],
  ['with a space', 'https://10.77.0.1/a b'],
  ['with a quote', 'https://10.77.0.1/a"b'],
  ['with a semicolon, which dig escapes', 'https://10.77.0.1/a;b'],
  ['that is empty', ''],
])('a URL %s is not told, since the installer would ask a wrong one', (_, url) => {
  const where = context({ view: fleet({ answerFor: () => ({ url, fingerprint: FINGERPRINT }) }) })
  expect(resolved({ name: `proxmox-auto-installer.${AT}`, type: TYPES.TXT }, MACHINE, where).reason).toBe(
    'unusable-answer',
  )
})

test('a URL of 255 characters is one string', () => {
  const url = `https://10.77.0.1/${'a'.repeat(255 - 18)}`
  const where = context({ view: fleet({ answerFor: () => ({ url, fingerprint: FINGERPRINT }) }) })
  expect(told({ name: `proxmox-auto-installer.${AT}`, type: TYPES.TXT }, MACHINE, where).answers).toEqual([
    `proxmox-auto-installer.${AT}. 0 TXT "${url}"`,
  ])
})

test.each<[string, 'CNAME' | 'TXT' | 'A', string]>([
  ['an alias', 'CNAME', 'mirror'],
  ['a second text', 'TXT', 'https://elsewhere.example.org/'],
  ['an address', 'A', '10.77.0.5'],
])('%s of the site file does not stand beside the answer', (_, type, value) => {
  const where = context({ records: [{ name: `proxmox-auto-installer.${AT}`, type, value }] })
  expect(where.zones.ignored).toHaveLength(1)
  expect(told({ name: `proxmox-auto-installer.${AT}`, type: TYPES.TXT }, MACHINE, where).answers).toEqual([
    `proxmox-auto-installer.${AT}. 0 TXT "${URL}"`,
  ])
})

test('J08 the answer owns the case of the question', () => {
  const reply = told({ name: `MiRRor.Rack7.EXAMPLE.org` })
  expect(reply.question).toBe('MiRRor.Rack7.EXAMPLE.org. A')
  expect(reply.answers).toEqual(['MiRRor.Rack7.EXAMPLE.org. 300 A 10.77.0.5'])
})

test.each([
  ['a dot inside the label', ['mirror.rack7', 'example', 'org'], 5],
  ['a dot before our domain', ['a.mirror', 'rack7', 'example', 'org'], 3],
  ['a NUL behind the name', ['mirror\0', 'rack7', 'example', 'org'], 3],
  ['a dot behind the name', ['mirror.', 'rack7', 'example', 'org'], 3],
])('J07 %s is another name, and is echoed octet by octet', (_, name, rcode) => {
  const message = ask({ name })
  const reply = resolved(message).bytes!
  expect(read(reply).rcode).toBe(rcode)
  expect(reply.subarray(12, message.length)).toEqual(Buffer.from(message.subarray(12)))
})

test('J08 folding stops at Z: an octet above 127 equals itself only', () => {
  const records = [{ name: `xé.${AT}`, type: 'A' as const, value: '10.77.0.6' }]
  expect(told({ name: ['xÉ', 'rack7', 'example', 'org'] }, MACHINE, context({ records })).rcode).toBe(3)
  expect(told({ name: ['Xé', 'rack7', 'example', 'org'] }, MACHINE, context({ records })).rcode).toBe(0)
})

test("J09 ID, opcode and RD are the asker's; Z and AD are zero", () => {
  const reply = told({ name: `mirror.${AT}`, id: 0xbeef, flags: 0x0070 })
  expect(reply).toMatchObject({ id: 0xbeef, opcode: 0, flags: ['qr', 'aa'] })
})

test.each([
  ['CHAOS', 3],
  ['ANY', 255],
  ['NONE', 254],
])('J10 class %s is refused', (_, klass) => {
  expect(told({ name: `mirror.${AT}`, class: klass })).toMatchObject({ rcode: 5, answers: [], authorities: [] })
})

test('J11 a name of somebody else is refused, without AA', () => {
  expect(told({ name: 'www.example.com' })).toMatchObject({
    rcode: 5,
    answers: [],
    authorities: [],
    flags: ['qr', 'rd'],
  })
})

test('J31 a client outside the served prefixes is refused everything, with no more octets than it sent', () => {
  const message = ask({ name: `mirror.${AT}`, edns: {} })
  const reply = resolved(message, STRANGER)
  expect(reply.reason).toBe('foreign-client')
  expect(read(reply.bytes!)).toMatchObject({ rcode: 5, answers: [] })
  expect(reply.bytes!.length).toBeLessThanOrEqual(message.length)
})

test.each([
  ['no EDNS', undefined, undefined],
  ['EDNS', {}, { payload: 1232, version: 0 }],
])('J19 the reply to a query with %s', (_, edns, opt) => {
  expect(told({ name: `mirror.${AT}`, ...(edns ? { edns } : {}) }).opt).toEqual(opt)
})

test.each([
  [
    'EDNS with an unknown option and all its flags',
    { options: [0xfd, 0xe9, 0, 2, 1, 2], dnssec: true },
    { payload: 1232, version: 0 },
  ],
  [
    'EDNS with a cookie, as dig sends it',
    { options: [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8] },
    { payload: 1232, version: 0 },
  ],
])('J22 a query with %s', (_, edns, opt) => {
  const reply = told({ name: `mirror.${AT}`, edns })
  expect(reply.rcode).toBe(0)
  expect(reply.opt).toEqual(opt)
})

test('J20 EDNS version 1 gets BADVERS and version 0', () => {
  expect(told({ name: `mirror.${AT}`, edns: { version: 1 } })).toMatchObject({
    rcode: 16,
    answers: [],
    opt: { version: 0 },
  })
})

test('options that run past the OPT get FORMERR', () => {
  expect(told({ name: `mirror.${AT}`, edns: { options: [0, 10, 0, 8, 1] } })).toMatchObject({ rcode: 1, question: '' })
})

test('J18 ANY gets one record set', () => {
  expect(told({ name: AT, type: TYPES.ANY }).answers).toHaveLength(1)
})

const many = context({
  records: Array.from({ length: 60 }, (_, index) => ({
    name: `many.${AT}`,
    type: 'A' as const,
    value: `10.77.0.${index + 1}`,
  })),
})
test.each<[string, Ask['edns'], boolean, number]>([
  ['without EDNS: 512 octets are too few', undefined, true, 0],
  ['with 400 announced, which counts as 512', { payload: 400 }, true, 0],
  ['with 1100 announced', { payload: 1100 }, false, 60],
  ['with 65535 announced', { payload: 65_535 }, false, 60],
])('J24 60 addresses %s', (_, edns, truncated, count) => {
  const bytes = resolved({ name: `many.${AT}`, ...(edns ? { edns } : {}) }, MACHINE, many).bytes!
  const reply = read(bytes)
  expect(reply.flags.includes('tc')).toBe(truncated)
  expect(reply.answers).toHaveLength(count)
})

test('J23 1232 octets are never passed, whatever a client announces', () => {
  const records = Array.from({ length: 120 }, (_, index) => ({
    name: `many.${AT}`,
    type: 'A' as const,
    value: `10.77.0.${index + 1}`,
  }))
  const bytes = resolved({ name: `many.${AT}`, edns: { payload: 4096 } }, MACHINE, context({ records })).bytes!
  expect(bytes.length).toBeLessThanOrEqual(1232)
  expect(read(bytes)).toMatchObject({ answers: [], opt: { payload: 1232 } })
  expect(read(bytes).flags).toContain('tc')
})

test('J15 all records of a set have one TTL', () => {
  const ttls = told({ name: `many.${AT}`, edns: { payload: 4096 } }, MACHINE, many).answers.map(
    line => line.split(' ')[1],
  )
  expect(new Set(ttls)).toEqual(new Set(['300']))
})

test('J32 a machine cannot take a name of the site file, nor be named what no host is named', () => {
  const greedy = fleet({ addressOf: () => OTHER_MACHINE, nameOf: () => 'not a name' })
  expect(told({ name: `mirror.${AT}` }, MACHINE, context({ view: greedy })).answers).toEqual([
    `mirror.${AT}. 300 A 10.77.0.5`,
  ])
  expect(told({ name: `-bad.${AT}` }, MACHINE, context({ view: greedy })).rcode).toBe(3)
  expect(told({ name: `${'a'.repeat(63)}.${AT}` }, MACHINE, context({ view: greedy })).rcode).toBe(0)
  expect(told({ name: '9.0.77.10.in-addr.arpa', type: TYPES.PTR }, MACHINE, context({ view: greedy })).rcode).toBe(3)
})

test('J33 a name is gone as soon as the machine has no address', () => {
  let address: Ipv4 | undefined = MACHINE
  const where = context({ hostTtl: 20, view: fleet({ addressOf: () => address }) })
  expect(told({ name: `node1.${AT}` }, MACHINE, where).answers).toEqual([`node1.${AT}. 20 A 10.77.0.11`])
  address = undefined
  expect(told({ name: `node1.${AT}` }, MACHINE, where).rcode).toBe(3)
})

test.each([
  ['10.77.0.0/22', ['0.77.10', '1.77.10', '2.77.10', '3.77.10']],
  ['10.0.0.0/8', ['10']],
  ['172.16.0.0/15', ['16.172', '17.172']],
  ['10.77.0.128/25', ['0.77.10']],
])('J26 the reverse zones of %s end at octets', (text, octets) => {
  const config = { domain: AT, records: [], serverName: 'ns', serverAddress: '10.77.0.1' as Ipv4, serial: 7 }
  const zones = [...buildZones({ ...config, prefixes: [prefix(text)] }).byApex.values()]
  expect(zones.filter(zone => zone.kind === 'reverse').map(zone => zone.apex)).toEqual(
    octets.map(part => `${part}.in-addr.arpa`),
  )
})

test('J16 records that fit nowhere are handed back', () => {
  const records = [
    { name: 'elsewhere.example.com', type: 'A' as const, value: '10.77.0.5' },
    { name: `bad.${AT}`, type: 'A' as const, value: '10.77.0.256' },
    { name: `bad.${AT}`, type: 'AAAA' as const, value: 'fe80::1%eth0' },
    { name: `bad.${AT}`, type: 'AAAA' as const, value: '::ffff:10.77.0.5' },
    { name: `mirror.${AT}`, type: 'CNAME' as const, value: 'ns' },
    { name: `packages.${AT}`, type: 'A' as const, value: '10.77.0.9' },
    { name: `long.${AT}`, type: 'TXT' as const, value: 'x'.repeat(256) },
    { name: `mx.${AT}`, type: 'MX' as const, value: 'mirror' },
    { name: `srv.${AT}`, type: 'SRV' as const, value: '0 0 65536 mirror' },
  ]
  expect(context({ records: [...RECORDS, ...records] }).zones.ignored).toEqual(records)
})

test('J31 a client that asks too often hears nothing until its account fills again', () => {
  const budget = newBudget({ perSecond: 10, burst: 2, clients: 2 })
  const spent = [0, 0, 0, 100, 100].map(now => spend(budget, MACHINE, now) !== undefined)
  expect(spent).toEqual([true, true, false, true, false])
  spend(budget, OTHER_MACHINE, 100)
  spend(budget, STRANGER, 100)
  expect([...budget.accounts.keys()]).toEqual([OTHER_MACHINE, STRANGER])
})
