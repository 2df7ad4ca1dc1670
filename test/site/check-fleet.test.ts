/** Machines, rules, profiles and records: nothing twice (M03), every name known, nothing that the installer refuses. */
import { expect, test } from 'vitest'
import { changed, machine, problemsOf, record, RIGHT, WITH_PROFILE, withKernelArgument } from './sites.ts'

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
    'a reservation where the only subnet is unreadable is not blamed',
    changed('10.77.0.0/24', '10.77.0.0/33') +
      '[[profile]]\nname = "pve"\niso = "pve:latest"\n' +
      machine('node1', 'bc:24:11:00:00:01', 'address = "10.77.0.11"\n'),
    [
      's.toml:7:1: error: "prefix" in [[dhcp.subnet]]: "10.77.0.0/33" is not a network; write its first address and the mask length, as "10.77.0.0/24"',
    ],
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
