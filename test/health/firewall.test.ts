/** Rules as the tools write them, and one packet of each kind that machines send. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { judgeFirewall, lookAtFirewall, parseIptables, parseNft } from '../../services/health/probe/firewall.ts'
import { siteOf } from '../machine/rig.ts'

const site = siteOf()

type Expression = Record<string, unknown>
const match = (left: Expression, right: unknown, op = '=='): Expression => ({ match: { op, left, right } })
const dport = (protocol: string, right: unknown): Expression => match({ payload: { protocol, field: 'dport' } }, right)
const from = (device: string, op?: string): Expression => match({ meta: { key: 'iifname' } }, device, op)
const ACCEPT: Expression = { accept: null }
const DROP: Expression = { drop: null }
const KNOWN = match({ ct: { key: 'state' } }, ['established', 'related'], 'in')

/** Rules of one chain of the table `inet f`, and of chains that it leads to. */
function nft(policy: string, rules: Expression[][], more: Record<string, Expression[][]> = {}): string {
  const place = { family: 'inet', table: 'f' }
  const rule = (chain: string) => (expr: Expression[]) => ({ rule: { ...place, chain, handle: 1, expr } })
  return JSON.stringify({
    nftables: [
      { metainfo: { version: '1.0.6', json_schema_version: 1 } },
      { table: { family: 'inet', name: 'f', handle: 1 } },
      { chain: { ...place, name: 'input', handle: 1, type: 'filter', hook: 'input', prio: 0, policy } },
      { chain: { ...place, name: 'out', handle: 1, type: 'filter', hook: 'output', prio: 0, policy: 'drop' } },
      ...Object.keys(more).map(name => ({ chain: { ...place, name, handle: 2 } })),
      ...rules.map(rule('input')),
      ...Object.entries(more).flatMap(([name, own]) => own.map(rule(name))),
    ],
  })
}

const ALL = 'udp 67 (DHCP), udp 4011 (PXE), udp 69 (TFTP), udp 53 (DNS), tcp 53 (DNS), tcp 80 (HTTP), tcp 443 (TLS)'

test.each<[string, string, string]>([
  ['no rules', nft('accept', []), ''],
  ['a policy', nft('drop', [[KNOWN, ACCEPT]]), ALL],
  ['a policy, and the interface is let in', nft('drop', [[from('eth1'), ACCEPT]]), ''],
  ['another interface is let in', nft('drop', [[from('eth0'), ACCEPT]]), ALL],
  ['all but another interface', nft('drop', [[from('eth0', '!='), ACCEPT]]), ''],
  ['interfaces by their beginning', nft('drop', [[from('eth*'), ACCEPT]]), ''],
  [
    'some ports',
    nft('drop', [
      [dport('udp', { set: [67, { range: [60, 69] }] }), ACCEPT],
      [dport('tcp', { range: [80, 443] }), ACCEPT],
    ]),
    'udp 4011 (PXE), udp 53 (DNS), tcp 53 (DNS)',
  ],
  [
    'a port of TCP is not that of UDP',
    nft('drop', [[dport('tcp', { range: [1, 65_535] }), ACCEPT]]),
    'udp 67 (DHCP), udp 4011 (PXE), udp 69 (TFTP), udp 53 (DNS)',
  ],
  ['a drop before', nft('accept', [[dport('udp', 69), DROP], [ACCEPT]]), 'udp 69 (TFTP)'],
  [
    'a drop behind what is let in',
    nft('accept', [
      [from('eth1'), ACCEPT],
      [dport('udp', 69), DROP],
    ]),
    '',
  ],
  ['a refusal is one, too', nft('accept', [[dport('tcp', 80), { reject: { type: 'tcp reset' } }]]), 'tcp 80 (HTTP)'],
  ['by way of another chain', nft('drop', [[{ jump: { target: 'rack' } }]], { rack: [[from('eth1'), ACCEPT]] }), ''],
  [
    'a chain that goes back',
    nft('drop', [[{ jump: { target: 'rack' } }]], { rack: [[{ return: null }], [ACCEPT]] }),
    ALL,
  ],
  ['chains in a circle', nft('accept', [[{ jump: { target: 'a' } }]], { a: [[{ jump: { target: 'a' } }]] }), ''],
  [
    'a named set may hold it',
    nft('drop', [[dport('udp', '@rack'), ACCEPT]]),
    'tcp 53 (DNS), tcp 80 (HTTP), tcp 443 (TLS)',
  ],
  ['a drop of what is not known is not told', nft('accept', [[{ xt: { type: 'match', name: 'x' } }, DROP]]), ''],
  ['counting changes nothing', nft('accept', [[{ counter: { packets: 1 } }, dport('udp', 69), DROP]]), 'udp 69 (TFTP)'],
])('nftables: %s', (_, text, dropped) => {
  const found = judgeFirewall([parseNft(text)!], site).map(({ message }) => message)
  expect(found).toEqual([
    dropped === ''
      ? 'no rule of this host drops what machines send'
      : `nftables inet f input drops ${dropped} that come by eth1`,
  ])
})

const IPTABLES = `*nat
:INPUT DROP [0:0]
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:rack - [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m multiport --dports 80,443 -j ACCEPT
-A INPUT -i eth+ -p udp -m udp --dport 60:69 -j rack
-A INPUT ! -i eth1 -j ACCEPT
-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 53 -j ACCEPT
-A INPUT -j LOG --log-prefix "gone: "
-A rack -p udp --dport 69 -j REJECT --reject-with icmp-port-unreachable
-A rack -j ACCEPT
COMMIT
`

test('iptables, as it is saved', () => {
  expect(judgeFirewall([parseIptables(IPTABLES)], site).map(({ message }) => message)).toEqual([
    'iptables INPUT drops udp 4011 (PXE), udp 69 (TFTP), udp 53 (DNS) that come by eth1',
  ])
})

test('what can not be read is said', async () => {
  const found = await lookAtFirewall(site, { rulesets: async () => ({ unknown: 'nft: Operation not permitted' }) })
  expect(found.map(({ code, message }) => `${code}: ${message}`)).toEqual([
    'firewall-unknown: rules of this host were not read: nft: Operation not permitted',
  ])
})

test('any text has an end', () => {
  expect(parseNft('not JSON')).toBeUndefined()
  fc.assert(
    fc.property(fc.json(), fc.string(), (json, text) => {
      parseNft(json)
      judgeFirewall([parseIptables(text), parseIptables(`*filter\n:INPUT ACCEPT\n-A INPUT ${text}`)], site)
    }),
  )
})
