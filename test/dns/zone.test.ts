/** Wildcards, reverse zones that end inside an octet, and names that only have names below them. */
import { expect, test } from 'vitest'
import { newBudget } from '../../services/kit/budget.ts'
import { DEFAULT_BUDGET, type Resolved, resolve } from '../../services/dns/resolver.ts'
import { buildZones, type Zones } from '../../services/dns/zone.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { StaticRecord } from '../../services/site/types.ts'
import { type Ask, ask, context, fleet, MACHINE, prefix, read, type Told, TYPES } from './rig.ts'

const AT = 'rack7.example.org'

function told(question: Ask, where = context()): Told {
  const resolved = resolve(
    { context: where, budget: newBudget(DEFAULT_BUDGET) },
    ask(question),
    MACHINE,
    false,
    0,
  ) as Resolved
  return read(resolved.bytes!)
}

/** RFC 4592 §2.2.1, with our names. */
const WILD: StaticRecord[] = [
  { name: `*.${AT}`, type: 'TXT', value: 'this is a wildcard' },
  { name: `*.${AT}`, type: 'MX', value: '10 host1' },
  { name: `sub.*.${AT}`, type: 'TXT', value: 'this is not a wildcard' },
  { name: `host1.${AT}`, type: 'A', value: '10.77.0.5' },
  { name: `_ssh._tcp.host1.${AT}`, type: 'SRV', value: '0 0 22 host1' },
  { name: `*.alias.${AT}`, type: 'CNAME', value: 'host1' },
]

test.each<[string, string, number, number, string[]]>([
  ['a name that is not there', `host3.${AT}`, TYPES.MX, 0, [`host3.${AT}. 300 MX 10 host1.${AT}.`]],
  ['a type that the wildcard lacks', `host3.${AT}`, TYPES.A, 0, []],
  ['a name of several labels', `foo.bar.${AT}`, TYPES.TXT, 0, [`foo.bar.${AT}. 300 TXT "this is a wildcard"`]],
  ['a name that is there, without that type', `host1.${AT}`, TYPES.MX, 0, []],
  ['the asterisk itself', `*.${AT}`, TYPES.TXT, 0, [`*.${AT}. 300 TXT "this is a wildcard"`]],
  ['a name below the asterisk', `sub.*.${AT}`, TYPES.TXT, 0, [`sub.*.${AT}. 300 TXT "this is not a wildcard"`]],
  ['another name below the asterisk', `ghost.*.${AT}`, TYPES.MX, 3, []],
  ['a name below one that is there', `x.host1.${AT}`, TYPES.TXT, 3, []],
  ['a name below one that only has names below it', `_telnet._tcp.host1.${AT}`, TYPES.SRV, 3, []],
  ['a name below a machine', `x.node1.${AT}`, TYPES.TXT, 3, []],
  ['a machine', `node1.${AT}`, TYPES.TXT, 0, []],
  [
    'an alias',
    `any.alias.${AT}`,
    TYPES.A,
    0,
    [`any.alias.${AT}. 300 CNAME host1.${AT}.`, `host1.${AT}. 300 A 10.77.0.5`],
  ],
  ["the installer's name", `proxmox-auto-installer.${AT}`, TYPES.MX, 0, []],
  ["a name below the installer's", `x.proxmox-auto-installer.${AT}`, TYPES.TXT, 3, []],
])('a wildcard answers for what is not there, and for nothing else: %s', (_, name, type, rcode, answers) => {
  const reply = told({ name, type }, context({ records: WILD }))
  expect(reply).toMatchObject({ rcode, answers })
  expect(reply.authorities).toHaveLength(answers.length === 0 ? 1 : 0)
})

test('J08 a wildcard answers in the spelling of the question', () => {
  expect(told({ name: `HoSt3.${AT}`, type: TYPES.MX }, context({ records: WILD })).answers).toEqual([
    `HoSt3.${AT}. 300 MX 10 host1.${AT}.`,
  ])
})

test('the address of a wildcard has no name', () => {
  const records: StaticRecord[] = [{ name: `*.${AT}`, type: 'A', value: '10.77.0.9' }]
  const reply = told({ name: '9.0.77.10.in-addr.arpa', type: TYPES.PTR }, context({ records }))
  expect(reply).toMatchObject({ rcode: 3, answers: [] })
})

function zonesOf(prefixes: string[], records: StaticRecord[] = []): Zones {
  const config = { domain: AT, serverName: 'ns', serverAddress: '10.77.0.1' as Ipv4, serial: 7 }
  return buildZones({ ...config, records, prefixes: prefixes.map(prefix) })
}

test.each<[string, string, string, number, string]>([
  ['the half that is ours', '203.0.113.128/25', '200.113.0.203.in-addr.arpa', 3, '113.0.203.in-addr.arpa.'],
  ['both nets of a /23', '10.78.4.0/23', '9.5.78.10.in-addr.arpa', 3, '5.78.10.in-addr.arpa.'],
  ['the private half of somebody else', '10.78.4.128/25', '9.4.78.10.in-addr.arpa', 3, '10.in-addr.arpa.'],
  ['a name between two octets', '10.78.4.128/25', '4.78.10.in-addr.arpa', 0, '4.78.10.in-addr.arpa.'],
  ['the apex', '10.78.4.0/23', '5.78.10.in-addr.arpa', 0, '5.78.10.in-addr.arpa.'],
])('J26 reverse zones of prefixes that end inside an octet: %s', (_, text, name, rcode, apex) => {
  const reply = told({ name, type: TYPES.PTR }, context({ zones: zonesOf([text]) }))
  expect(reply).toMatchObject({ rcode, answers: [] })
  expect(reply.authorities[0]?.split(' ')[0]).toBe(apex)
})

test('J26 the public half of somebody else is asked upstream, or refused', () => {
  const zones = zonesOf(['198.18.5.128/25'])
  expect(told({ name: '9.5.18.198.in-addr.arpa', type: TYPES.PTR }, context({ zones }))).toMatchObject({
    rcode: 5,
    flags: ['qr', 'rd'],
  })
})

test('the apex of every zone has one SOA and one name server, which has an address', () => {
  const where = context({ zones: zonesOf(['10.78.4.0/23']) })
  for (const apex of [AT, '4.78.10.in-addr.arpa', '5.78.10.in-addr.arpa']) {
    expect(told({ name: apex, type: TYPES.NS }, where).answers).toEqual([`${apex}. 300 NS ns.${AT}.`])
    expect(told({ name: apex, type: TYPES.SOA }, where).answers).toHaveLength(1)
  }
  expect(told({ name: `ns.${AT}` }, where).answers).toEqual([`ns.${AT}. 300 A 10.77.0.1`])
})

test('a private address outside our prefixes may have a name in the site file, a public one may not', () => {
  const records = ['5.2.168.192.in-addr.arpa', '5.5.18.198.in-addr.arpa'].map(name => ({
    name,
    type: 'PTR' as const,
    value: 'nas.example.com',
  }))
  const zones = zonesOf(['10.77.0.0/24'], records)
  expect(zones.ignored).toEqual(records.slice(1))
  expect(told({ name: records[0]!.name, type: TYPES.PTR }, context({ zones })).answers).toEqual([
    '5.2.168.192.in-addr.arpa. 300 PTR nas.example.com.',
  ])
})

test('J14 what is above the name of a machine exists', () => {
  const view = fleet({
    addressOf: name => (name === `a.b.${AT}` ? MACHINE : undefined),
    isAbove: name => name === `b.${AT}`,
  })
  const where = context({ view })
  expect(told({ name: `b.${AT}` }, where)).toMatchObject({ rcode: 0, answers: [] })
  expect(told({ name: `a.b.${AT}` }, where).answers).toEqual([`a.b.${AT}. 300 A 10.77.0.11`])
  expect(told({ name: `c.b.${AT}` }, where)).toMatchObject({ rcode: 3, answers: [] })
})

test('the negative answer to an alias into another zone has the SOA of the zone where it ends', () => {
  const records = [{ name: `away.${AT}`, type: 'CNAME' as const, value: '99.0.77.10.in-addr.arpa' }]
  expect(told({ name: `away.${AT}`, type: TYPES.PTR }, context({ records })).authorities[0]).toMatch(
    /^0\.77\.10\.in-addr\.arpa\. 30 SOA /,
  )
})

test('the apex may have records of its own, and no machine can take it', () => {
  const records = [{ name: AT, type: 'A' as const, value: '10.77.0.8' }]
  const view = fleet({ addressOf: () => MACHINE })
  expect(told({ name: AT }, context({ records, view })).answers).toEqual([`${AT}. 300 A 10.77.0.8`])
  expect(told({ name: AT }, context({ records: [], view }))).toMatchObject({ rcode: 0, answers: [] })
})
