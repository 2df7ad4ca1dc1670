/** What one key alone cannot show: overlaps, strangers, doubles (M03), addresses that nobody may lease (C14). */
import { expect, test } from 'vitest'
import { changed, machine, problemsOf, record, RIGHT, WITH_PROFILE, withKernelArgument, withOptions } from './sites.ts'

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
    'an own address outside every subnet is fine where another server gives addresses',
    changed('10.77.0.1/24', '10.78.0.1/24') + '[dhcp]\nmode = "proxy"\n',
    [],
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
      's.toml:10:41: error: "value" in [[dhcp.subnet.options]] must be a string, a number or an array, not true; write what "type" asks for',
    ],
  ],
])('extra options: %s', (_, source, problems) => {
  expect(problemsOf(source)).toEqual(problems)
})

test.each<[string, string, string[]]>([
  [
    'the same machine twice, spelled otherwise',
    WITH_PROFILE +
      machine('node1', 'bc:24:11:00:00:01', 'address = "10.77.0.11"\nuuid = "11111111-2222-3333-4444-55555555555A"\n') +
      machine('NODE1', 'BC-24-11-00-00-01', 'address = "10.77.0.11"\nuuid = "11111111-2222-3333-4444-55555555555a"\n'),
    [
      's.toml:20:1: error: machine name "node1" is there twice (line 14); give each its own',
      's.toml:21:8: error: MAC address "bc:24:11:00:00:01" is there twice (line 15); give each its own',
      's.toml:23:1: error: address "10.77.0.11" is there twice (line 17); give each its own',
      's.toml:24:1: error: UUID "11111111-2222-3333-4444-55555555555a" is there twice (line 18); give each its own',
    ],
  ],
  [
    'one NIC twice at one machine',
    WITH_PROFILE + machine('node1', 'bc:24:11:00:00:01", "bc:24:11:00:00:01'),
    ['s.toml:15:29: error: MAC address "bc:24:11:00:00:01" is there twice (line 15); give each its own'],
  ],
  [
    'two machines without UUID and address are two machines',
    WITH_PROFILE +
      machine('node1', 'bc:24:11:00:00:01', 'uuid = ""\n') +
      machine('node2', 'bc:24:11:00:00:02', 'uuid = ""\n'),
    [],
  ],
  [
    'a group address',
    WITH_PROFILE + machine('node1', '01:00:5e:00:00:01'),
    [
      's.toml:15:8: error: "mac" in [[machine]]: "01:00:5e:00:00:01" is not the MAC address of a NIC; write six octets, as "bc:24:11:ab:12:21"',
    ],
  ],
  [
    'a host name of digits, which the installer refuses',
    WITH_PROFILE + machine('1234', 'bc:24:11:00:00:01'),
    [
      's.toml:14:1: error: "name" in [[machine]]: "1234" is not a host name; write one label of letters, digits and hyphens, not of digits only, as "node1"',
    ],
  ],
  [
    'an FQDN as host name',
    WITH_PROFILE + machine('node1.rack.test', 'bc:24:11:00:00:01'),
    [
      's.toml:14:1: error: "name" in [[machine]]: "node1.rack.test" is not a host name; write one label of letters, digits and hyphens, not of digits only, as "node1"',
    ],
  ],
  [
    'the name that installers ask for',
    WITH_PROFILE + machine('proxmox-auto-installer', 'bc:24:11:00:00:01'),
    ['s.toml:14:1: error: "proxmox-auto-installer" belongs to the installer; call the machine otherwise'],
  ],
  [
    'a reservation in no subnet',
    WITH_PROFILE + machine('node1', 'bc:24:11:00:00:01', 'address = "10.99.0.1"\n'),
    ['s.toml:17:1: error: 10.99.0.1 is in no [[dhcp.subnet]]; reserve an address of a subnet, or add its subnet'],
  ],
  [
    'a profile that is not there',
    RIGHT + machine('node1', 'bc:24:11:00:00:01'),
    ['s.toml:13:1: error: there is no profile "pve"; add a [[profile]] of that name'],
  ],
  [
    'a misspelt profile',
    WITH_PROFILE + machine('node1', 'bc:24:11:00:00:01').replace('"pve"', '"pev"'),
    ['s.toml:16:1: error: there is no profile "pev"; did you mean "pve"?'],
  ],
  [
    'a profile that lost its name makes no machine wrong',
    RIGHT + '[[profile]]\nname = 5\niso = "pve:latest"\n' + machine('node1', 'bc:24:11:00:00:01'),
    ['s.toml:11:1: error: "name" in [[profile]] must be a string, not a number; write it in quotes'],
  ],
  [
    'one profile name twice',
    `${WITH_PROFILE}[[profile]]\nname = "pve"\niso = "x.iso"\n`,
    ['s.toml:14:1: error: profile name "pve" is there twice (line 11); give each its own'],
  ],
  [
    'a rule that never applies, and gives one name to all',
    `${WITH_PROFILE}[[rule]]\nwhen = { "dmi.sytem.name" = "R65*" }\nprofile = "pve"\nname = "node"\n`,
    [
      's.toml:14:10: warning: no machine tells "dmi.sytem.name": the rule never applies; did you mean "dmi.system.name"?',
      's.toml:16:1: warning: every machine of this rule gets the same name; put {{index}} into it, as "node{{index}}"',
    ],
  ],
  [
    'a rule that names machines by something else',
    `${WITH_PROFILE}[[rule]]\nwhen = { mac = "b0:7b:25:*" }\nprofile = "pve"\nname = "{{serial}}"\n`,
    [
      's.toml:16:1: error: "name" in [[rule]]: "{{serial}}" is not a template for host names; write letters, digits, hyphens and {{index}}, as "node{{index}}"',
    ],
  ],
])('fleet: %s', (_, source, problems) => {
  expect(problemsOf(source)).toEqual(problems)
})

test.each<[string, string, string[]]>([
  [
    'a serial console and a mode setting are fine',
    withKernelArgument('console=ttyS0,115200", "nomodeset", "video=1024x768@60'),
    [],
  ],
  [
    'the interface of PXELINUX',
    withKernelArgument('BOOTIF=01-bc-24-11-ab-12-21'),
    [
      `s.toml:13:16: error: "BOOTIF=01-bc-24-11-ab-12-21" would stay in the installed system's command line; remove it: the installer copies every word that it does not know`,
    ],
  ],
  [
    `an address of the kernel's own`,
    withKernelArgument('ip=dhcp'),
    [
      `s.toml:13:16: error: "ip=dhcp" would stay in the installed system's command line; remove it: the installer copies every word that it does not know`,
    ],
  ],
  [
    'two words in one',
    withKernelArgument('quiet splash'),
    [
      's.toml:13:16: error: "quiet splash" is not one word of printable ASCII; write each argument as an element of its own, as "console=ttyS0,115200"',
    ],
  ],
  [
    'a tab',
    withKernelArgument('a\\tb'),
    [
      's.toml:13:16: error: "a\\tb" is not one word of printable ASCII; write each argument as an element of its own, as "console=ttyS0,115200"',
    ],
  ],
  [
    'an iPXE variable',
    withKernelArgument('serial=${serial}'),
    ['s.toml:13:16: error: "serial=${serial}" holds $, which the boot script would act upon; leave it out'],
  ],
  [
    'a second iPXE command',
    withKernelArgument('quiet&&shell'),
    ['s.toml:13:16: error: "quiet&&shell" holds &, which the boot script would act upon; leave it out'],
  ],
  [
    'the word that starts an installation',
    withKernelArgument('proxmox-start-auto-installer'),
    [
      's.toml:13:16: error: "proxmox-start-auto-installer" steers the installer; remove it: the boot plan sets it where it is due',
    ],
  ],
])('kernel arguments: %s', (_, source, problems) => {
  expect(problemsOf(source)).toEqual(problems)
})

test.each<[string, string, string[]]>([
  [
    'records of every type are fine',
    RIGHT +
      record('mirror', 'A', '10.77.0.5') +
      record('mirror', 'AAAA', 'fd00::5') +
      record('www', 'CNAME', 'mirror.rack.test') +
      record('@', 'MX', '10 mail.rack.test') +
      record('_ntp._udp', 'SRV', '0 5 123 mirror.rack.test') +
      record('note', 'TXT', 'rack 7; second floor') +
      record('5.0.77.10.in-addr.arpa.', 'PTR', 'mirror.rack.test'),
    [],
  ],
  [
    'an address that is none',
    RIGHT + record('mirror', 'A', '10.77.0'),
    ['s.toml:13:1: error: "10.77.0" is not a value of type A; write an IPv4 address'],
  ],
  [
    'a blank in a name',
    RIGHT + record('mir ror', 'A', '10.77.0.5'),
    ['s.toml:11:1: error: "mir ror" is not a name; write it relative to the domain, as "mirror"'],
  ],
  [
    'a name of somebody else',
    RIGHT + record('www.example.org.', 'A', '10.77.0.5'),
    ['s.toml:11:1: error: www.example.org is outside the domain rack.test; write names of the own domain only'],
  ],
  [
    'the name that installers ask for',
    RIGHT + record('proxmox-auto-installer', 'TXT', 'https://10.77.0.1/answer'),
    [
      's.toml:11:1: error: "proxmox-auto-installer" belongs to the installer; remove it: the appliance answers it for each machine',
    ],
  ],
  [
    'a pointer at a forward name',
    RIGHT + record('mirror', 'PTR', 'mirror.rack.test'),
    [
      's.toml:11:1: error: "mirror" is not a reverse name; write the full reverse name with a dot at its end, as "5.0.77.10.in-addr.arpa."',
    ],
  ],
  [
    'an alias of a bare word',
    RIGHT + record('www', 'CNAME', 'mirror'),
    ['s.toml:13:1: error: "mirror" is not a value of type CNAME; write the full name, as "www.example.org"'],
  ],
  [
    'a mail server without preference',
    RIGHT + record('@', 'MX', 'mail.rack.test'),
    [
      's.toml:13:1: error: "mail.rack.test" is not a value of type MX; write preference and name, as "10 mail.example.org"',
    ],
  ],
  [
    'an alias beside an address',
    RIGHT + record('a', 'CNAME', 'b.rack.test') + record('a', 'A', '10.77.0.5'),
    ['s.toml:15:1: error: this name is an alias (CNAME) too (line 11); an alias has no other records'],
  ],
  [
    'one record twice',
    RIGHT + record('a', 'A', '10.77.0.5') + record('A', 'A', '10.77.0.5'),
    ['s.toml:15:1: error: this record is there twice (line 11); remove one'],
  ],
])('records: %s', (_, source, problems) => {
  expect(problemsOf(source)).toEqual(problems)
})
