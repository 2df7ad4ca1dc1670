/** Rules of the site file: what can be wrong with them before any machine is switched on. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { aboutFact, FACTS } from '../../services/site/facts.ts'
import { problemsOf, WITH_PROFILE } from './sites.ts'

const rule = (when: string, more = ''): string => `[[rule]]\nwhen = { ${when} }\nprofile = "pve"\n${more}`

test.each<[string, string, string[]]>([
  [
    'lists, negations, networks and the names of the system information are fine',
    rule('mac = ["b0:7b:25:*", "!b0:7b:25:aa:*"], "lease.address" = "10.77.0.0/25", "dmi.system.uuid" = "4c4c*"'),
    [],
  ],
  ['the narrower rule first', rule('mac = "b0:7b:25:*"') + rule('mac = "b0:*"'), []],
  [
    'the wider rule first',
    rule('mac = "b0:*"') + rule('mac = "a0:*"') + rule('mac = "b0:7b:25:*", serial = "7*"'),
    [
      's.toml:20:1: warning: this rule is never reached: an earlier one takes every machine that it takes (line 14); put the narrower rule first, or remove one',
    ],
  ],
  [
    'a pattern that does not compile',
    rule('serial = ["7*", "![7"]'),
    [
      's.toml:14:10: error: "![7" is not a pattern: a [ has no matching ]; a literal star is written [*], a bracket [[]',
    ],
  ],
  [
    'a network that begins elsewhere',
    rule('"lease.address" = "10.77.0.1/24"'),
    [
      's.toml:14:10: error: "10.77.0.1/24" is not a network; write its first address and the mask length, as "10.77.0.0/24"',
    ],
  ],
  [
    'a number among the patterns',
    rule('serial = ["7*", 7]'),
    ['s.toml:14:26: error: "serial" in [rule.when] must be a string, not a number; write it in quotes'],
  ],
  [
    'no pattern at all',
    rule('serial = []'),
    ['s.toml:14:10: error: "serial" in [rule.when]: there is no pattern; write one, as "b0:7b:25:*"'],
  ],
  [
    'an approval that would come too late',
    rule('"dmi.baseboard.name" = "X570D4U"', 'approve = true\n'),
    [
      's.toml:16:1: warning: "dmi.baseboard.name" is told with the answer only, when somebody has approved the machine already; the rule approves what was installed once; ask for what is told at boot instead (see config/site.toml)',
    ],
  ],
])('%s', (_, rules, problems) => {
  expect(problemsOf(WITH_PROFILE + rules)).toEqual(problems)
})

const MODE = (mode: string): string =>
  WITH_PROFILE.replace('[[dhcp.subnet]]', `[dhcp]\nmode = "${mode}"\n[[dhcp.subnet]]`)
const POOLS = 's.toml:10:1: warning: '

test.each<[string, string, string, string[]]>([
  ['our own leases tell the address', 'server', '"lease.address" = "10.77.0.0/25", firmware = "x64-uefi"', []],
  [
    'another server gives the addresses',
    'proxy',
    'firmware = "x64-uefi", "lease.address" = "10.77.0.0/25"',
    [
      's.toml:16:33: warning: the rule takes no machine at its first boot: "lease.address" is not known then with mode = "proxy" in [dhcp], since our own leases alone tell it (line 7); ask for mac, uuid, serial, firmware, dmi.system.name instead',
    ],
  ],
  [
    'no DHCP of ours at all, and a negation fits nothing either',
    'off',
    '"lease.address" = "!10.77.0.0/25", firmware = "x64-uefi", mac = "b0:7b:25:*"',
    [
      's.toml:16:10: warning: the rule takes no machine at its first boot: "lease.address" is not known then with mode = "off" in [dhcp], since our own leases alone tell it (line 7); ask for mac, uuid, serial, dmi.system.name instead',
      's.toml:16:45: warning: the rule takes no machine at its first boot: "firmware" is not known then with mode = "off" in [dhcp], since DHCP alone tells it (line 7); ask for mac, uuid, serial, dmi.system.name instead',
    ],
  ],
])('a rule over what only we can tell: %s', (_, mode, when, problems) => {
  expect(problemsOf(MODE(mode) + rule(when)).filter(line => !line.startsWith(POOLS))).toEqual(problems)
})

test('the README lists the facts that rules can ask about, and when each is told', () => {
  const readme = readFileSync(join(import.meta.dirname, '../../services/site/README.md'), 'utf8')
  const listed = [...readme.matchAll(/^\| `([\w.]+)` \| (at boot|with the answer) \| (.+) \|$/gm)].map(
    ([, fact, told, about]) => ({ fact, told: told === 'at boot' ? 'boot' : 'answer', about }),
  )
  expect(listed).toEqual(
    Object.keys(FACTS).map(fact => ({ fact, told: aboutFact(fact)!.told, about: aboutFact(fact)!.about })),
  )
})
