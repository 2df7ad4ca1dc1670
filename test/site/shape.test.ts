/** The shape of a site file: keys, types, words; each mistake is one line with its place (M01). */
import { expect, test } from 'vitest'
import { problemsOf, RIGHT, WITH_PROFILE } from './sites.ts'

test('a right file has no problems', () => {
  expect(problemsOf(RIGHT)).toEqual([])
})

test.each<[string, string, string[]]>([
  [
    'an empty file lacks what a site cannot do without',
    '',
    [
      's.toml:1:1: error: "domain" in [site] is missing; add it, as domain = "rack7.example.org"',
      's.toml:1:1: error: "interface" in [network] is missing; add it, as interface = "eth1"',
    ],
  ],
  [
    'a misspelt key is named together with the right one, and is not missing as well',
    RIGHT.replace('domain =', 'domian ='),
    ['s.toml:2:1: error: unknown key "domian" in [site]; did you mean "domain"?'],
  ],
  [
    'a misspelt table does not make its keys missing',
    RIGHT.replace('[network]', '[netwrok]'),
    ['s.toml:3:1: error: unknown table [netwrok]; did you mean "network"?'],
  ],
  [
    'a key under the wrong header is told where it belongs',
    `${RIGHT}[http]\nlease-time = "1h"\n`,
    ['s.toml:11:1: error: unknown key "lease-time" in [http]; it belongs in [dhcp]'],
  ],
  [
    'a key in snake case is recognised',
    `${RIGHT}[boot]\nstall_after = "20m"\n`,
    ['s.toml:11:1: error: unknown key "stall_after" in [boot]; did you mean "stall-after"?'],
  ],
  [
    'a key that resembles nothing gets the list of known ones',
    `${RIGHT}[log]\ncolour = true\n`,
    ['s.toml:11:1: error: unknown key "colour" in [log]; known keys are level, format'],
  ],
  [
    'a table of another plural',
    `${RIGHT}[[machines]]\nname = "node1"\n`,
    ['s.toml:10:1: error: unknown table [[machines]]; did you mean "machine"?'],
  ],
  [
    'a table that nothing resembles',
    `${RIGHT}[ipv6-router-advertisements]\nenabled = true\n`,
    [
      's.toml:10:1: error: unknown table [ipv6-router-advertisements]; known keys are site, network, dhcp, dns, http, boot, paths, console, store, log, profile, machine, rule, webhook, version',
    ],
  ],
  [
    'two unknown keys in one table',
    `${RIGHT}[log]\ncolour = true\nlevle = "info"\n`,
    [
      's.toml:11:1: error: unknown key "colour" in [log]; known keys are level, format',
      's.toml:12:1: error: unknown key "levle" in [log]; did you mean "level"?',
    ],
  ],
])('unknown: %s', (_, source, problems) => {
  expect(problemsOf(source)).toEqual(problems)
})

test.each<[string, string, string[]]>([
  [
    'a number where a duration belongs',
    `${RIGHT}[boot]\nstall-after = 20\n`,
    ['s.toml:11:1: error: "stall-after" in [boot] must be a string, not a number; write it in quotes'],
  ],
  [
    'a port in quotes',
    `${RIGHT}[http]\nport = "80"\n`,
    ['s.toml:11:1: error: "port" in [http] must be a whole number, not a string; write it without quotes'],
  ],
  [
    'a port with a fraction',
    `${RIGHT}[http]\nport = 80.5\n`,
    ['s.toml:11:1: error: "port" in [http] must be a whole number, not a fraction; leave the fraction out'],
  ],
  [
    'yes instead of true',
    `${RIGHT}[dhcp]\nprobe = "yes"\n`,
    ['s.toml:11:1: error: "probe" in [dhcp] must be true or false, not a string; write true or false without quotes'],
  ],
  [
    'one MAC without brackets',
    `${WITH_PROFILE}[[machine]]\nname = "node1"\nmac = "bc:24:11:ab:12:21"\nprofile = "pve"\n`,
    ['s.toml:15:1: error: "mac" in [[machine]] must be an array, not a string; write it in square brackets'],
  ],
  [
    'one machine as a table instead of a list of tables',
    `${RIGHT}[machine]\nname = "node1"\n`,
    ['s.toml:10:1: error: "machine" in the file must be an array, not a table; begin it with [[machine]]'],
  ],
  [
    'a serial number that TOML takes for a date',
    `${WITH_PROFILE}[[machine]]\nname = "node1"\nmac = ["bc:24:11:ab:12:21"]\nprofile = "pve"\nserial = 2024-05-06\n`,
    ['s.toml:17:1: error: "serial" in [[machine]] must be a string, not a date; write it in quotes'],
  ],
  [
    'dotted facts without quotes',
    `${WITH_PROFILE}[[rule]]\nwhen = { dmi.system.name = "R65*" }\nprofile = "pve"\n`,
    [
      's.toml:14:10: error: "dmi" in [rule.when] must be a string, not a table; put the whole dotted name in quotes, as "dmi.system.name"',
    ],
  ],
  [
    'a section that is a word',
    `${RIGHT}`.replace('[site]', 'log = "info"\n[site]'),
    ['s.toml:1:1: error: "log" in the file must be a table, not a string; write it as a table of its own'],
  ],
])('wrong type: %s', (_, source, problems) => {
  expect(problemsOf(source)).toEqual(problems)
})

test.each<[string, string, string[]]>([
  [
    'a port out of bounds, low and high',
    `${RIGHT}[http]\nport = 0\ntls-port = 65536\n`,
    [
      's.toml:11:1: error: "port" in [http] is too small; write at least 1',
      's.toml:12:1: error: "tls-port" in [http] is too big; write at most 65535',
    ],
  ],
  [
    'a duration without unit',
    `${RIGHT}[boot]\nstall-after = "20"\n`,
    [
      's.toml:11:1: error: "stall-after" in [boot]: "20" is not a duration from 1m to 365d; write a number with its unit, as "20m" or "1h"',
    ],
  ],
  [
    'a delay that firmware does not wait for',
    `${RIGHT}[dhcp]\nproxy-delay = "4s"\n`,
    [
      's.toml:11:1: error: "proxy-delay" in [dhcp]: "4s" is not a delay from 0s to 3s; write a number with its unit, as "500ms" or "1s"',
    ],
  ],
  [
    'a lease that never ends',
    `${RIGHT}[dhcp]\nlease-time = "infinite"\n`,
    [
      's.toml:11:1: error: "lease-time" in [dhcp]: "infinite" is not a duration from 1m to 365d; write a number with its unit, as "20m" or "1h"',
    ],
  ],
  [
    'a lease of a second',
    `${RIGHT}[dhcp]\nlease-time = "1s"\n`,
    [
      's.toml:11:1: error: "lease-time" in [dhcp]: "1s" is not a duration from 1m to 365d; write a number with its unit, as "20m" or "1h"',
    ],
  ],
  [
    'a word near a choice',
    `${RIGHT}[dhcp]\nmode = "sever"\n`,
    ['s.toml:11:1: error: "mode" in [dhcp]: "sever" is not a choice; did you mean "server"?'],
  ],
  [
    'a word far from every choice',
    `${RIGHT}[log]\nlevel = "warning"\n`,
    ['s.toml:11:1: error: "level" in [log]: "warning" is not a choice; write one of "debug", "info", "warn", "error"'],
  ],
  [
    'an address with too large a number',
    RIGHT.replace('10.77.0.1/24', '10.77.0.300/24'),
    [
      's.toml:5:1: error: "address" in [network]: "10.77.0.300/24" is not an address with its mask length; write the address of this appliance, as "10.77.0.1/24"',
    ],
  ],
  [
    'an address without its mask',
    RIGHT.replace('10.77.0.1/24', '10.77.0.1'),
    [
      's.toml:5:1: error: "address" in [network]: "10.77.0.1" is not an address with its mask length; write the address of this appliance, as "10.77.0.1/24"',
    ],
  ],
  [
    'a network with host bits',
    RIGHT.replace('10.77.0.0/24', '10.77.0.9/24'),
    [
      's.toml:7:1: error: "prefix" in [[dhcp.subnet]]: "10.77.0.9/24" is not a network; write its first address and the mask length, as "10.77.0.0/24"',
    ],
  ],
  [
    'a pool that runs backwards',
    RIGHT.replace('10.77.0.100-', '10.77.0.250-'),
    [
      's.toml:8:10: error: "pools" in [[dhcp.subnet]]: "10.77.0.250-10.77.0.199" is not a range of addresses; write the first and the last address, as "10.77.0.100-10.77.0.199"',
    ],
  ],
  [
    'a domain with a dot at its end',
    RIGHT.replace('rack.test', 'rack.test.'),
    [
      's.toml:2:1: error: "domain" in [site]: "rack.test." is not a domain name; write letters, digits, hyphens and dots, as "rack7.example.org"',
    ],
  ],
  [
    'an interface name with a blank',
    RIGHT.replace('"eth1"', '"eth 1"'),
    [
      's.toml:4:1: error: "interface" in [network]: "eth 1" is not the name of an interface; write one that `ip link` shows, as "eth1"',
    ],
  ],
  [
    'a console without its address',
    `${RIGHT}[console]\nlisten = "8300"\n`,
    ['s.toml:11:1: error: "listen" in [console]: "8300" is not an address and a port; write it as "127.0.0.1:8300"'],
  ],
  [
    'an ISO and a layer that lead out of their folders',
    `${RIGHT}[[profile]]\nname = "pve"\niso = "../x.iso"\nanswers = ["base", "../../etc/passwd"]\n`,
    [
      's.toml:12:1: error: "iso" in [[profile]]: "../x.iso" is not an ISO; write a file name in isos/ that ends in .iso, or "pve:latest", "pbs:4.1"',
      's.toml:13:20: error: "answers" in [[profile]]: "../../etc/passwd" is not a name; write letters, digits, dots, hyphens and underscores, at most 64, no slash',
    ],
  ],
  [
    'a webhook without any event',
    `${RIGHT}[[webhook]]\nurl = "https://a.example.org/"\nevents = []\n`,
    ['s.toml:12:1: error: "events" in [[webhook]] has too few entries; write at least 1'],
  ],
  [
    'a webhook by another protocol, its password not shown',
    `${RIGHT}[[webhook]]\nurl = "ftp://me:pw@a.example.org/"\n`,
    [
      's.toml:11:1: error: "url" in [[webhook]]: "ftp://…@a.example.org/" is not a URL; write it as "https://automation.example.org/hooks/rackrise"',
    ],
  ],
  [
    'a rule without a condition',
    `${WITH_PROFILE}[[rule]]\nwhen = {}\nprofile = "pve"\n`,
    ['s.toml:14:1: error: "when" in [[rule]]: there is no condition; name one; { mac = "*" } takes every machine'],
  ],
  [
    'a machine without anything',
    `${RIGHT}[[machine]]\n`,
    [
      's.toml:10:1: error: "name" in [[machine]] is missing; add it, as name = "node1"',
      's.toml:10:1: error: "mac" in [[machine]] is missing; add it, as mac = ["bc:24:11:ab:12:21"]',
      's.toml:10:1: error: "profile" in [[machine]] is missing; add it, as profile = "pve"',
    ],
  ],
  [
    'control characters do not reach the terminal',
    `${RIGHT}[log]\n"\\u001b[31m\\u202e" = 1\n`,
    ['s.toml:11:1: error: unknown key "\\u001b[31m\\u202e" in [log]; known keys are level, format'],
  ],
])('bad value: %s', (_, source, problems) => {
  expect(problemsOf(source)).toEqual(problems)
})

test.each<[string, string, string[]]>([
  [
    'a key twice, told with the mistakes after it',
    `${RIGHT}[log]\nlevel = "info"\nlevel = "debug"\nformat = "nice"\n`,
    [
      's.toml:12:1: error: "level" is set a second time; keep one of the two',
      's.toml:13:1: error: "format" in [log]: "nice" is not a choice; write one of "auto", "json"',
    ],
  ],
  [
    'a table twice',
    `${RIGHT}[site]\nname = "x"\n`,
    ['s.toml:10:2: error: "site" is set a second time; keep one of the two'],
  ],
  [
    'a key twice, the second over several lines',
    `${RIGHT}ntp = []\nntp = [\n  "10.77.0.1",\n]\n`,
    ['s.toml:11:1: error: "ntp" is set a second time; keep one of the two'],
  ],
  [
    'a string without end',
    `${RIGHT}[log]\nlevel = "info\n`,
    ['s.toml:11:14: error: this text has no closing quote; close it on the same line'],
  ],
  [
    'a bracket too few',
    `${RIGHT}ntp = ["10.77.0.1"\n`,
    [
      's.toml:11:1: error: expected comma or end of structure; mend the TOML here; the rest of the file is read after that',
    ],
  ],
  [
    'a key that means harm to JavaScript',
    `${RIGHT}[log]\n__proto__ = 1\n`,
    [
      's.toml:11:1: error: document contains an unsafe property; mend the TOML here; the rest of the file is read after that',
    ],
  ],
])('syntax: %s', (_, source, problems) => {
  expect(problemsOf(source)).toEqual(problems)
})

test.each<[string, string, string[]]>([
  [
    'a password of the console',
    `${RIGHT}[console]\npassword = "x"\n`,
    [
      's.toml:11:1: error: "password" in [console]: secrets are never written into this file; put it into a file of mode 0600 and name that in "users-file"',
    ],
  ],
  [
    'a secret of a webhook',
    `${RIGHT}[[webhook]]\nurl = "https://a.example.org"\nsecret = "x"\n`,
    [
      's.toml:12:1: error: "secret" in [[webhook]]: secrets are never written into this file; put it into a file of mode 0600 and name that in "secret-file"',
    ],
  ],
  [
    'a token where no file can be named',
    `${RIGHT}[boot]\napi-token = "x"\n`,
    ['s.toml:11:1: error: "api-token" in [boot]: secrets are never written into this file; take it out of the file'],
  ],
  [
    'a password in a webhook URL',
    `${RIGHT}[[webhook]]\nurl = "https://me:pw@a.example.org/"\n`,
    ['s.toml:11:1: error: the webhook URL has a name or password in it; take it out; "secret-file" signs what is sent'],
  ],
  [
    'two webhooks with one URL, whose path may be a secret',
    `${RIGHT}[[webhook]]\nurl = "https://a.example.org/k3y"\n[[webhook]]\nurl = "https://a.example.org/k3y"\n`,
    ['s.toml:13:1: error: another webhook has this URL (line 11); name its events in one'],
  ],
  [
    'a password in the store URL',
    `${RIGHT}[store]\nurl = "postgres://me:pw@db/rackrise"\n`,
    [
      's.toml:11:1: error: the store URL has a password in it; take it out and put it into the file that PGPASSFILE names',
    ],
  ],
  [
    'a password in the query of the store URL',
    `${RIGHT}[store]\nurl = "postgres://me@db/rackrise?password=pw"\n`,
    [
      's.toml:11:1: error: the store URL has a password in it; take it out and put it into the file that PGPASSFILE names',
    ],
  ],
  [
    'another database, its password not shown',
    `${RIGHT}[store]\nurl = "mysql://me:pw@db/rackrise"\n`,
    ['s.toml:11:1: error: "url" in [store] names no store; write "sqlite", or "postgres://user@host/database"'],
  ],
])('inline secret: %s', (_, source, problems) => {
  expect(problemsOf(source)).toEqual(problems)
})

test('ten mistakes at once are told in file order', () => {
  const source = `[site]
domian = "rack7.example.org"
[network]
interface = "eth1"
address = "10.77.0.1/24"
[dhcp]
mode = "sever"
lease-time = 3600
[[dhcp.subnet]]
prefix = "10.77.0.0/24"
pools = ["10.77.0.100-10.77.1.199"]
router = "10.78.0.254"
options = [{ code = 3, type = "ipv4", value = ["10.77.0.1"] }]
[http]
port = 80
port = 8080
[[profile]]
name = "pve"
iso = "pve:latest"
kernel-args = ["BOOTIF=01-bc-24-11-ab-12-21"]
[[machine]]
name = "node1"
mac = ["bc:24:11:ab:12:21"]
profile = "pve"
[[machine]]
name = "node2"
mac = ["BC-24-11-AB-12-21"]
profile = "pev"
`
  expect(problemsOf(source)).toEqual([
    's.toml:2:1: error: unknown key "domian" in [site]; did you mean "domain"?',
    's.toml:7:1: error: "mode" in [dhcp]: "sever" is not a choice; did you mean "server"?',
    's.toml:8:1: error: "lease-time" in [dhcp] must be a string, not a number; write it in quotes',
    's.toml:11:10: error: pool 10.77.0.100-10.77.1.199 reaches out of 10.77.0.0/24; give addresses of the subnet only',
    's.toml:12:1: error: router 10.78.0.254 is not the address of a host in 10.77.0.0/24; machines can reach a router in their own subnet only',
    's.toml:13:14: error: option 3 cannot be set here; use "router"',
    's.toml:16:1: error: "port" is set a second time; keep one of the two',
    `s.toml:20:16: error: "BOOTIF=01-bc-24-11-ab-12-21" would stay in the installed system's command line; remove it: the installer copies every word that it does not know`,
    's.toml:27:8: error: MAC address "bc:24:11:ab:12:21" is there twice (line 23); give each its own',
    's.toml:28:1: error: there is no profile "pev"; did you mean "pve"?',
  ])
})
