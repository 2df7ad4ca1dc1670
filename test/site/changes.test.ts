/** What another site file says otherwise, in words. */
import { expect, test } from 'vitest'
import { type SiteChange, siteChanges } from '../../services/site/changes.ts'
import { parseSite } from '../../services/site/parse.ts'
import { SITE_WORDS, siteFile } from '../../services/site/schema.ts'
import { fixedSettings, SETTINGS } from '../../services/site/settings.ts'
import type { Site } from '../../services/site/types.ts'
import { NO_INTERFACES, RIGHT, WITH_PROFILE } from './sites.ts'

function siteOf(source: string): Site {
  const outcome = parseSite(source, '/srv/site.toml', NO_INTERFACES)
  if ('problems' in outcome) throw new Error(outcome.problems.map(({ message }) => message).join('; '))
  return outcome.site
}

/** `changed profile pve: iso pve:latest > pbs:4.1` */
function words({ what, name, change, keys }: SiteChange): string {
  const values = keys.map(({ key, before = '-', after = '-' }) => `${key} ${before} > ${after}`)
  return [`${change} ${what} ${name}`, ...(values.length > 0 ? [values.join('; ')] : [])].join(': ')
}

const RULES = `[[rule]]
when = { mac = "b0:*" }
profile = "pve"
[[rule]]
when = { "dmi.system.name" = "R65*" }
profile = "pve"
name = "node{{index}}"
`

test.each<[string, string, string, string[]]>([
  ['nothing', WITH_PROFILE, `# a comment\n${WITH_PROFILE}`, []],
  [
    'settings, with the values that are not written',
    RIGHT,
    `${RIGHT}[boot]\nstall-after = "90s"\nrate-limit = "20MiB/s"\n[store]\nkeep = "30d"\n[log]\nlevel = "debug"\n`,
    [
      'changed setting boot.stall-after: boot.stall-after 20m > 90s',
      'changed setting boot.rate-limit: boot.rate-limit - > 20MiB/s',
      'changed setting store.keep: store.keep 90d > 30d',
      'changed setting log.level: log.level info > debug',
    ],
  ],
  [
    'a pool that moves, and a router that goes',
    RIGHT,
    RIGHT.replace('.199"', '.149"').replace('router = "10.77.0.254"\n', ''),
    [
      'changed subnet 10.77.0.0/24: router 10.77.0.254 > -',
      'removed pool 10.77.0.100-10.77.0.199 of 10.77.0.0/24',
      'added pool 10.77.0.100-10.77.0.149 of 10.77.0.0/24',
    ],
  ],
  [
    'another subnet, who may ask with it, and an option of it',
    RIGHT,
    `${RIGHT}[[dhcp.subnet]]\nprefix = "10.78.0.0/24"\nrelays = ["10.78.0.1"]\n`,
    ['changed setting dns.allow: dns.allow 10.77.0.0/24 > 10.77.0.0/24, 10.78.0.0/24', 'added subnet 10.78.0.0/24'],
  ],
  [
    'an option for all subnets is one of each',
    RIGHT,
    RIGHT.replace(
      '[[dhcp.subnet]]',
      '[dhcp]\noptions = [{ code = 26, type = "uint16", value = 9000 }]\n[[dhcp.subnet]]',
    ),
    ['changed subnet 10.77.0.0/24: options - > 26 9000'],
  ],
  [
    'reservations and records',
    `${RIGHT}[[dhcp.reservation]]\naddress = "10.77.0.20"\nmac = "bc:24:11:00:00:01"\n[[dns.record]]\nname = "mirror"\ntype = "A"\nvalue = "10.77.0.5"\n`,
    `${RIGHT}[[dhcp.reservation]]\naddress = "10.77.0.21"\nmac = "bc:24:11:00:00:01"\n[[dhcp.reservation]]\naddress = "10.77.0.22"\nclient-id = "ups"\n[[dns.record]]\nname = "mirror"\ntype = "A"\nvalue = "10.77.0.6"\n`,
    [
      'changed reservation mac bc:24:11:00:00:01: address 10.77.0.20 > 10.77.0.21',
      'added reservation client-id 757073',
      'removed record mirror.rack.test A 10.77.0.5',
      'added record mirror.rack.test A 10.77.0.6',
    ],
  ],
  [
    'profiles',
    WITH_PROFILE,
    `${RIGHT}[[profile]]\nname = "pve"\niso = "pve:9.2"\nanswers = ["base", "zfs"]\n[[profile]]\nname = "pbs"\niso = "pbs:latest"\n`,
    ['changed profile pve: iso pve:latest > pve:9.2; answers - > base, zfs', 'added profile pbs'],
  ],
  [
    'rules that change places, and one that approves',
    `${WITH_PROFILE}${RULES}`,
    `${WITH_PROFILE}${RULES.split(/(?=\[\[rule\]\])/)
      .reverse()
      .join('')}approve = true\n`,
    [
      'changed rule 1 (dmi.system.name = "R65*"): place 2 > 1',
      'changed rule 2 (mac = "b0:*"): approve false > true; place 1 > 2',
    ],
  ],
  [
    'a rule before all others moves none of them among themselves',
    `${WITH_PROFILE}${RULES}`,
    `${WITH_PROFILE}[[rule]]\nwhen = { uuid = "1*" }\nprofile = "pve"\n${RULES}`,
    ['added rule 1 (uuid = "1*")'],
  ],
  [
    'webhooks, whose paths nobody is shown',
    `${RIGHT}[[webhook]]\nurl = "https://a.example.org/k3y"\n`,
    `${RIGHT}[[webhook]]\nurl = "https://a.example.org/0ther"\n`,
    ['removed webhook 1 (https://a.example.org/…)', 'added webhook 1 (https://a.example.org/…)'],
  ],
])('what is otherwise: %s', (_, before, after, expected) => {
  expect(siteChanges(siteOf(before), siteOf(after)).map(words)).toEqual(expected)
})

test('what needs a restart is told with both values', () => {
  const after = RIGHT.replace('rack.test', 'rack8.test').replace('10.77.0.1/24', '10.77.0.2/24')
  const more = `[http]\nport = 8080\n[console]\nlisten = "[::1]:8301"\n[paths]\nstate = "state"\n`
  expect(fixedSettings(siteOf(RIGHT), siteOf(`${after}${more}`)).map(({ message }) => message)).toEqual([
    "site.domain can't change while the appliance runs: it is rack.test, and would be rack8.test",
    "network.address can't change while the appliance runs: it is 10.77.0.1/24, and would be 10.77.0.2/24",
    "http.port can't change while the appliance runs: it is 80, and would be 8080",
    "paths.state can't change while the appliance runs: it is /var/lib/rackrise, and would be /srv/state",
    "console.listen can't change while the appliance runs: it is 127.0.0.1:8300, and would be [::1]:8301",
  ])
})

test('every key of the site file is a setting, or of something that is compared as a whole', () => {
  const sections = Object.keys(siteFile.shape).filter(name => SITE_WORDS.keysOf([name]).length > 0)
  const keys = sections.flatMap(section => SITE_WORDS.keysOf([section]).map(key => `${section}.${key}`))
  const compared = ['dhcp.options', 'dhcp.subnet', 'dhcp.reservation', 'dns.record']
  expect(SETTINGS.map(({ key }) => key)).toEqual(keys.filter(key => !compared.includes(key)))
})
