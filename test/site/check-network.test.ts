/** The appliance and its subnets: overlaps, strangers (M03), addresses that nobody may lease (C14), options. */
import { expect, test } from 'vitest'
import { parseSite } from '../../services/site/parse.ts'
import { changed, machine, NO_INTERFACES, problemsOf, RIGHT, WITH_PROFILE, withOptions } from './sites.ts'

test.each<[string, string, string[]]>([
  [
    'an interface without an address',
    changed('address = "10.77.0.1/24"\n', ''),
    [
      's.toml:4:1: error: interface "eth1" has no IPv4 address here; set "address" in [network], or give the interface an address',
    ],
  ],
  [
    'an own address that is the network itself',
    changed('10.77.0.1/24', '10.77.0.0/24'),
    [
      's.toml:5:1: error: 10.77.0.0 is the first or last address of 10.77.0.0/24, not one of a host; write the address of this appliance, as "10.77.0.1/24"',
    ],
  ],
  [
    'an own address outside every subnet, and so a subnet that nobody can reach',
    changed('10.77.0.1/24', '10.78.0.1/24'),
    [
      `s.toml:5:1: error: the appliance's own address 10.78.0.1 is in no [[dhcp.subnet]]; add one with prefix = "10.78.0.0/24", or set mode = "proxy" or "off" in [dhcp]`,
      's.toml:7:1: warning: nobody is served in 10.77.0.0/24: it is not the own network and has no relay agents; name its relay agents in "relays"',
    ],
  ],
  [
    'an own address outside every subnet is fine where another server gives addresses, and its pools are nobody’s',
    changed('10.77.0.1/24', '10.78.0.1/24') + '[dhcp]\nmode = "proxy"\n',
    [
      's.toml:8:1: warning: no address of these pools is given: another DHCP server gives the addresses; take "pools" out, or set mode = "server" in [dhcp]',
    ],
  ],
  [
    'another mask than the subnet has',
    changed('10.77.0.1/24', '10.77.0.1/16'),
    [
      's.toml:7:1: warning: machines get the mask /24, the appliance itself has /16; give both the same mask, or some of them do not see each other',
    ],
  ],
  [
    'a domain of multicast DNS',
    changed('rack.test', 'rack.local'),
    ['s.toml:2:1: warning: "rack.local" belongs to multicast DNS; choose a domain that does not end in .local'],
  ],
  [
    'a domain too long for the names before it',
    changed('rack.test', `${'a'.repeat(60)}.`.repeat(4).slice(0, -1)),
    [
      's.toml:2:1: error: the domain is too long for the names that installers ask for below it; write at most 213 characters',
    ],
  ],
  [
    'one port for everything',
    `${RIGHT}[http]\nport = 443\n[console]\nlisten = "0.0.0.0:443"\n`,
    [
      's.toml:10:1: error: port 443 is also the plain port; choose another port for TLS',
      's.toml:13:1: error: port 443 of 0.0.0.0 also serves boot files and answers; choose another port for the console',
      's.toml:13:1: warning: the console listens on 0.0.0.0 and has no users; set "users-file", or listen on 127.0.0.1',
    ],
  ],
  [
    'the console where DNS answers over TCP',
    `${RIGHT}[console]\nlisten = "0.0.0.0:53"\n`,
    [
      's.toml:11:1: error: port 53 of 0.0.0.0 also serves DNS; choose another port for the console',
      's.toml:11:1: warning: the console listens on 0.0.0.0 and has no users; set "users-file", or listen on 127.0.0.1',
    ],
  ],
  [
    'a certificate without its key',
    `${RIGHT}[http]\ncertificate-file = "/a.pem"\n`,
    ['s.toml:11:1: error: "certificate-file" in [http] has no "key-file" beside it; set both, or neither'],
  ],
  [
    'a key without its certificate',
    `${RIGHT}[http]\nkey-file = "/a.pem"\n`,
    ['s.toml:11:1: error: "key-file" in [http] has no "certificate-file" beside it; set both, or neither'],
  ],
  [
    'a lab that erases whatever comes',
    `${RIGHT}[boot]\nunknown = "install"\n`,
    [
      's.toml:11:1: warning: every machine that boots from this network is erased; use "install" in a lab only; elsewhere "hold"',
    ],
  ],
  [
    'a resolver that asks itself, for the whole world',
    `${RIGHT}[dns]\nforward = ["10.77.0.1"]\nallow = ["0.0.0.0/0"]\n`,
    [
      's.toml:11:12: error: 10.77.0.1 is this appliance: it would ask itself; name another resolver, or none',
      's.toml:12:10: warning: anybody may ask, and is answered from upstream: an open resolver; name the networks of your machines',
    ],
  ],
  [
    'another server that is the appliance',
    changed('[[dhcp.subnet]]', '[dhcp]\nother-servers = ["10.77.0.2", "10.77.0.1"]\n[[dhcp.subnet]]'),
    ['s.toml:7:31: error: 10.77.0.1 is this appliance; name the other servers only'],
  ],
])('appliance: %s', (_, source, problems) => {
  expect(problemsOf(source)).toEqual(problems)
})

test.each<[string, string, string[]]>([
  [
    'a whole network as pool',
    changed('10.77.0.100-10.77.0.199', '10.77.0.0-10.77.0.255'),
    [
      's.toml:8:10: error: pool 10.77.0.0-10.77.0.255 contains the network address 10.77.0.0; begin or end the pool beside it, or write two pools around it',
      's.toml:8:10: error: pool 10.77.0.0-10.77.0.255 contains the broadcast address 10.77.0.255; begin or end the pool beside it, or write two pools around it',
      's.toml:8:10: error: pool 10.77.0.0-10.77.0.255 contains the router 10.77.0.254; begin or end the pool beside it, or write two pools around it',
      `s.toml:8:10: error: pool 10.77.0.0-10.77.0.255 contains the appliance's own address 10.77.0.1; begin or end the pool beside it, or write two pools around it`,
    ],
  ],
  [
    'a reservation of the broadcast address',
    WITH_PROFILE + machine('node1', 'bc:24:11:00:00:01', 'address = "10.77.0.255"\n'),
    ['s.toml:17:1: error: 10.77.0.255 is the broadcast address of its subnet; reserve another one'],
  ],
  [
    'a reservation of the network address',
    WITH_PROFILE + machine('node1', 'bc:24:11:00:00:01', 'address = "10.77.0.0"\n'),
    ['s.toml:17:1: error: 10.77.0.0 is the network address of its subnet; reserve another one'],
  ],
  [
    'a reservation of the router',
    WITH_PROFILE + machine('node1', 'bc:24:11:00:00:01', 'address = "10.77.0.254"\n'),
    ['s.toml:17:1: error: 10.77.0.254 is the router of its subnet; reserve another one'],
  ],
  [
    'a reservation of the appliance',
    WITH_PROFILE + machine('node1', 'bc:24:11:00:00:01', 'address = "10.77.0.1"\n'),
    [`s.toml:17:1: error: 10.77.0.1 is the appliance's own address; reserve another one`],
  ],
])('never leased: %s', (_, source, problems) => {
  expect(problemsOf(source)).toEqual(problems)
})

test.each<[string, string, string[]]>([
  [
    'a pool that reaches into the next network',
    changed('-10.77.0.199', '-10.77.1.9'),
    ['s.toml:8:10: error: pool 10.77.0.100-10.77.1.9 reaches out of 10.77.0.0/24; give addresses of the subnet only'],
  ],
  [
    'two pools that share one address',
    changed('"10.77.0.100-10.77.0.199"', '"10.77.0.100-10.77.0.199", "10.77.0.199-10.77.0.210"'),
    ['s.toml:8:37: error: this pool overlaps another pool (line 8); give each address to one of them'],
  ],
  [
    'one pool inside another, written first',
    changed('"10.77.0.100-10.77.0.199"', '"10.77.0.150-10.77.0.160", "10.77.0.100-10.77.0.199"'),
    ['s.toml:8:37: error: this pool overlaps another pool (line 8); give each address to one of them'],
  ],
  [
    'a subnet inside another',
    `${RIGHT}[[dhcp.subnet]]\nprefix = "10.77.0.128/25"\npools = ["10.77.0.220-10.77.0.230"]\nrelays = ["10.77.0.253"]\n`,
    ['s.toml:11:1: error: this subnet overlaps another subnet (line 7); give each address to one of them'],
  ],
  [
    'a pool of another subnet',
    `${RIGHT}[[dhcp.subnet]]\nprefix = "10.78.0.0/24"\npools = ["10.77.0.150-10.77.0.160"]\nrelays = ["10.78.0.254"]\n`,
    [
      's.toml:12:10: error: this pool overlaps another pool (line 8); give each address to one of them',
      's.toml:12:10: error: pool 10.77.0.150-10.77.0.160 reaches out of 10.78.0.0/24; give addresses of the subnet only',
    ],
  ],
  [
    'a router in another network',
    changed('10.77.0.254', '10.78.0.254'),
    [
      's.toml:9:1: error: router 10.78.0.254 is not the address of a host in 10.77.0.0/24; machines can reach a router in their own subnet only',
    ],
  ],
  [
    'a router at the broadcast address',
    changed('10.77.0.254', '10.77.0.255'),
    [
      's.toml:9:1: error: router 10.77.0.255 is not the address of a host in 10.77.0.0/24; machines can reach a router in their own subnet only',
    ],
  ],
  [
    'a subnet of two addresses',
    `${RIGHT}[[dhcp.subnet]]\nprefix = "10.78.0.0/31"\nrelays = ["10.78.0.1"]\n`,
    ['s.toml:11:1: error: 10.78.0.0/31 has no address to give away; write a mask length of at most 30'],
  ],
  [
    'a distant subnet without relay agents',
    `${RIGHT}[[dhcp.subnet]]\nprefix = "10.78.0.0/24"\npools = ["10.78.0.5-10.78.0.9"]\n`,
    [
      's.toml:11:1: warning: nobody is served in 10.78.0.0/24: it is not the own network and has no relay agents; name its relay agents in "relays"',
    ],
  ],
  [
    'a relay agent that is the appliance',
    `${RIGHT}relays = ["10.77.0.1"]\n`,
    ['s.toml:10:11: error: relay 10.77.0.1 is this appliance; name the relay agents, and none for the own network'],
  ],
  [
    'a subnet that gives no address to anybody',
    changed('pools = ["10.77.0.100-10.77.0.199"]\n', ''),
    ['s.toml:7:1: warning: no machine gets an address in 10.77.0.0/24; add "pools", or machines with an address in it'],
  ],
  [
    'the own network, which has to be listed, where all machines are behind a router',
    `${changed('pools = ["10.77.0.100-10.77.0.199"]\n', '')}[[dhcp.subnet]]\nprefix = "10.78.0.0/24"\npools = ["10.78.0.5-10.78.0.9"]\nrelays = ["10.78.0.1"]\n`,
    [],
  ],
])('subnets: %s', (_, source, problems) => {
  expect(problemsOf(source)).toEqual(problems)
})

test.each<[string, string, string[]]>([
  [
    'a jumbo MTU and vendor octets are fine',
    withOptions('{ code = 26, type = "uint16", value = 9000 }, { code = 224, type = "hex", value = "0A:4d" }'),
    [],
  ],
  [
    'the answer URL',
    withOptions('{ code = 250, type = "string", value = "https://10.77.0.1/answer" }'),
    ['s.toml:10:14: error: option 250 cannot be set here; remove it: each attempt has its own answer URL'],
  ],
  [
    'the router by its number',
    withOptions('{ code = 3, type = "ipv4", value = ["10.77.0.254"] }'),
    ['s.toml:10:14: error: option 3 cannot be set here; use "router"'],
  ],
  [
    'the message type',
    withOptions('{ code = 53, type = "uint8", value = 5 }'),
    ['s.toml:10:14: error: option 53 cannot be set here; remove it: it is part of the protocol'],
  ],
  [
    'NTP servers beside "ntp"',
    `${RIGHT}ntp = ["10.77.0.1"]\noptions = [{ code = 42, type = "ipv4", value = ["10.77.0.1"] }]\n`,
    ['s.toml:11:14: error: option 42 cannot be set here; use "ntp"'],
  ],
  [
    'a number too large for its type',
    withOptions('{ code = 26, type = "uint16", value = 70000 }'),
    [
      's.toml:10:42: error: "value" in [[dhcp.subnet.options]]: the value does not fit the type "uint16"; write a whole number from 0 to 65535',
    ],
  ],
  [
    'a name where an address belongs',
    withOptions('{ code = 4, type = "ipv4", value = ["time.example.org"] }'),
    [
      's.toml:10:39: error: "value" in [[dhcp.subnet.options]]: the value does not fit the type "ipv4"; write 1 to 63 IPv4 addresses, as ["10.77.0.1"]',
    ],
  ],
  [
    'an odd number of digits',
    withOptions('{ code = 224, type = "hex", value = "abc" }'),
    [
      's.toml:10:40: error: "value" in [[dhcp.subnet.options]]: the value does not fit the type "hex"; write 1 to 255 octets, as "0a4d0001" or "0a:4d:00:01"',
    ],
  ],
  [
    'the end mark as an option',
    withOptions('{ code = 255, type = "uint8", value = 1 }'),
    ['s.toml:10:14: error: "code" in [[dhcp.subnet.options]] is too big; write at most 254'],
  ],
  [
    'one code twice',
    withOptions('{ code = 26, type = "uint16", value = 1500 }, { code = 26, type = "uint16", value = 9000 }'),
    ['s.toml:10:60: error: option 26 is set a second time (line 10); keep one of the two'],
  ],
  [
    'no value',
    withOptions('{ code = 26, type = "uint16" }'),
    ['s.toml:10:12: error: "value" in [[dhcp.subnet.options]] is missing; add it'],
  ],
  [
    'an unknown type',
    withOptions('{ code = 26, type = "int16", value = 1 }'),
    ['s.toml:10:25: error: "type" in [[dhcp.subnet.options]]: "int16" is not a choice; did you mean "uint16"?'],
  ],
  [
    'true as a value',
    withOptions('{ code = 19, type = "uint8", value = true }'),
    [
      's.toml:10:41: error: "value" in [[dhcp.subnet.options]]: the value does not fit the type "uint8"; write a whole number from 0 to 255',
    ],
  ],
  [
    'a word where true or false belongs',
    withOptions('{ code = 19, type = "bool", value = "yes" }'),
    [
      's.toml:10:40: error: "value" in [[dhcp.subnet.options]]: the value does not fit the type "bool"; write true or false without quotes',
    ],
  ],
  [
    'a domain that is none',
    withOptions('{ code = 88, type = "domains", value = ["a_b"] }'),
    [
      's.toml:10:43: error: "value" in [[dhcp.subnet.options]]: the value does not fit the type "domains"; write 1 to 16 domain names, as ["example.org"]',
    ],
  ],
  [
    'a route through a name',
    withOptions('{ code = 121, type = "routes", value = [{ to = "10.80.0.0/16", via = "gate" }] }'),
    [
      's.toml:10:43: error: "value" in [[dhcp.subnet.options]]: the value does not fit the type "routes"; write 1 to 16 routes, as [{ to = "10.80.0.0/16", via = "10.77.0.254" }]',
    ],
  ],
  [
    'B12 routes without the default one, for which the router does not stand in',
    withOptions('{ code = 121, type = "routes", value = [{ to = "10.80.0.0/16", via = "10.77.0.9" }] }'),
    [
      's.toml:9:1: warning: machines that ask for option 121 do not hear of the router 10.77.0.254; add { to = "0.0.0.0/0", via = "10.77.0.254" } to the routes',
    ],
  ],
  [
    'routes with the default one',
    withOptions(
      '{ code = 121, type = "routes", value = [{ to = "10.80.0.0/16", via = "10.77.0.9" }, { to = "0.0.0.0/0", via = "10.77.0.254" }] }',
    ),
    [],
  ],
  [
    'A24 a vendor block that says more octets than there are',
    withOptions('{ code = 125, type = "hex", value = "00000009050104746578" }'),
    [
      's.toml:10:40: error: "value" in [[dhcp.subnet.options]]: the octets are no blocks of enterprise number, length and data (RFC 3925); count the octets of each block',
    ],
  ],
  [
    'of one machine',
    WITH_PROFILE + machine('node1', 'bc:24:11:00:00:01', 'options = [{ code = 51, type = "uint32", value = 60 }]\n'),
    ['s.toml:17:14: error: option 51 cannot be set here; use "lease-time" in [dhcp]'],
  ],
])('extra options: %s', (_, source, problems) => {
  expect(problemsOf(source)).toEqual(problems)
})

test.each([
  1, 3, 6, 12, 15, 28, 43, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 66, 67, 77, 80, 81, 82, 93, 97, 118, 119,
  175, 250, 251,
])('extra options: code %i is for the appliance alone', code => {
  const [problem] = problemsOf(withOptions(`{ code = ${code}, type = "hex", value = "ee" }`))
  expect(problem).toMatch(`s.toml:10:14: error: option ${code} cannot be set here; `)
})

test('extra options: one for all subnets gives way to that of the subnet', () => {
  const common =
    '[dhcp]\noptions = [{ code = 19, type = "bool", value = true }, { code = 23, type = "uint8", value = 64 }]\n'
  const source = `${withOptions('{ code = 23, type = "uint8", value = 32 }')}`.replace('[[dhcp', `${common}[[dhcp`)
  const outcome = parseSite(source, 's.toml', NO_INTERFACES)
  expect('site' in outcome && outcome.site.dhcp.subnets[0]!.options).toEqual([
    { code: 19, type: 'bool', value: true },
    { code: 23, type: 'uint8', value: 32 },
  ])
})
