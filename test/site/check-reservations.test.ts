/** Reservations: found by one thing each, nothing twice (M03), addresses that can be given (C14), circuits of relay agents of the site (G02). */
import { expect, test } from 'vitest'
import { changed, machine, problemsOf, RIGHT, WITH_PROFILE } from './sites.ts'

const UUID = '4c4c4544-004b-3210-8051-b7c04f583933'
/** Three lines from line 10 of the right site on: header, address, and what it is found by. */
const reserve = (key: string, address = '10.77.0.20') => `[[dhcp.reservation]]\naddress = "${address}"\n${key}\n`
const RELAYED = changed('router = ', 'relays = ["10.77.0.2"]\nrouter = ')

test.each<[string, string, string[]]>([
  [
    'all four kinds',
    RELAYED +
      reserve('mac = "bc:24:11:00:00:01"\nname = "switch1"') +
      reserve('client-id = "0x01:bc:24:11:00:00:02"', '10.77.0.21') +
      reserve(`uuid = "${UUID}"`, '10.77.0.22') +
      reserve('circuit-id = "ge-0/0/7"\nrelay = "10.77.0.2"', '10.77.0.23') +
      reserve('circuit-id = "ge-0/0/7"', '10.77.0.150'),
    [],
  ],
  [
    'M03 the same address, MAC, name and UUID as a machine',
    WITH_PROFILE +
      machine('node1', 'bc:24:11:00:00:01', `address = "10.77.0.20"\nuuid = "${UUID}"\n`) +
      reserve('mac = "BC-24-11-00-00-01"\nname = "NODE1"') +
      reserve(`uuid = "${UUID.toUpperCase()}"`, '10.77.0.21'),
    [
      's.toml:20:1: error: address "10.77.0.20" is there twice (line 17); give each its own',
      's.toml:21:1: error: MAC address "bc:24:11:00:00:01" is there twice (line 15); give each its own',
      's.toml:22:1: error: machine name "node1" is there twice (line 14); give each its own',
      `s.toml:25:1: error: UUID "${UUID}" is there twice (line 18); give each its own`,
    ],
  ],
  [
    'M03 one client identifier in two spellings, one circuit twice',
    RELAYED +
      reserve('client-id = "lathe"') +
      reserve('client-id = "0x6C617468:65"', '10.77.0.21') +
      reserve('circuit-id = "7"', '10.77.0.22') +
      reserve('circuit-id = "0x37"', '10.77.0.23'),
    [
      's.toml:16:1: error: client identifier "6c61746865" is there twice (line 13); give each its own',
      's.toml:22:1: error: circuit "37" is there twice (line 19); give each its own',
    ],
  ],
  [
    'nothing to be found by',
    RIGHT + reserve('name = "switch1"'),
    ['s.toml:10:1: error: nothing says whose address this is; add one of "mac", "client-id", "uuid" and "circuit-id"'],
  ],
  [
    'a key that cannot be read is not missing as well',
    RIGHT + reserve('mac = "bc:24"'),
    [
      's.toml:12:1: error: "mac" in [[dhcp.reservation]]: "bc:24" is not the MAC address of a NIC; write six octets, as "bc:24:11:ab:12:21"',
    ],
  ],
  [
    'two things to be found by',
    RIGHT + reserve('mac = "bc:24:11:00:00:01"\nclient-id = "lathe"'),
    [
      's.toml:13:1: error: this reservation has "mac" and "client-id"; keep one; a second reservation cannot have the same address',
    ],
  ],
  [
    'no address',
    `${RIGHT}[[dhcp.reservation]]\nmac = "bc:24:11:00:00:01"\n`,
    ['s.toml:10:1: error: "address" in [[dhcp.reservation]] is missing; add it, as address = "10.77.0.20"'],
  ],
  [
    'C14 addresses that are no host’s',
    RIGHT +
      reserve('mac = "bc:24:11:00:00:01"', '10.77.0.1') +
      reserve('mac = "bc:24:11:00:00:02"', '10.77.0.254') +
      reserve('mac = "bc:24:11:00:00:03"', '10.77.0.255') +
      reserve('mac = "bc:24:11:00:00:04"', '10.99.0.1'),
    [
      "s.toml:11:1: error: 10.77.0.1 is the appliance's own address; reserve another one",
      's.toml:14:1: error: 10.77.0.254 is the router of its subnet; reserve another one',
      's.toml:17:1: error: 10.77.0.255 is the broadcast address of its subnet; reserve another one',
      's.toml:20:1: error: 10.99.0.1 is in no [[dhcp.subnet]]; reserve an address of a subnet, or add its subnet',
    ],
  ],
  [
    'a UUID that many boards have',
    WITH_PROFILE +
      machine('node1', 'bc:24:11:00:00:01', 'uuid = "03000200-0400-0500-0006-000700080009"\n') +
      reserve('uuid = "ffffffff-ffff-ffff-ffff-ffffffffffff"'),
    [
      's.toml:17:1: error: many boards say the UUID "03000200-0400-0500-0006-000700080009": it names no machine; leave it out, and name the machine by its MAC',
      's.toml:20:1: error: many boards say the UUID "ffffffff-ffff-ffff-ffff-ffffffffffff": it names no machine; leave it out, and name the machine by its MAC',
    ],
  ],
  [
    'G02 a relay agent that the subnet does not list',
    RELAYED + reserve('circuit-id = "7"\nrelay = "10.77.0.3"'),
    [
      's.toml:14:1: error: 10.77.0.3 is no relay agent of the subnet around 10.77.0.20; add it to "relays" of the subnet, or correct it',
    ],
  ],
  [
    'a circuit where nobody relays',
    RIGHT + reserve('circuit-id = "7"'),
    [
      's.toml:12:1: warning: no relay agent asks for the subnet around 10.77.0.20: this circuit is never seen; name the relay agents in "relays" of the subnet',
    ],
  ],
  [
    'a relay agent without a circuit',
    RELAYED + reserve('mac = "bc:24:11:00:00:01"\nrelay = "10.77.0.2"'),
    ['s.toml:14:1: error: "relay" says nothing without a "circuit-id"; remove it'],
  ],
  [
    'octets that are none, an empty identifier, and the name of the installer',
    RIGHT +
      reserve('client-id = "0x123"') +
      reserve('client-id = ""', '10.77.0.21') +
      reserve('mac = "bc:24:11:00:00:01"\nname = "proxmox-auto-installer"', '10.77.0.22'),
    [
      's.toml:12:1: error: "client-id" in [[dhcp.reservation]]: "0x123" is not an identifier; write 1 to 255 printable ASCII characters, or octets as "0x01bc2411ab1221"',
      's.toml:15:1: error: "client-id" in [[dhcp.reservation]]: "" is not an identifier; write 1 to 255 printable ASCII characters, or octets as "0x01bc2411ab1221"',
      's.toml:19:1: error: "proxmox-auto-installer" belongs to the installer; choose another name',
    ],
  ],
  [
    'an option that is not for a site',
    RIGHT + reserve('mac = "bc:24:11:00:00:01"\noptions = [{ code = 51, type = "uint32", value = 60 }]'),
    ['s.toml:13:14: error: option 51 cannot be set here; use "lease-time" in [dhcp]'],
  ],
  [
    'a subnet without a pool that has a reservation',
    changed('pools = ["10.77.0.100-10.77.0.199"]\n', '') + reserve('client-id = "lathe"'),
    [],
  ],
  [
    'where another server gives the addresses',
    changed('[[dhcp.subnet]]', '[dhcp]\nmode = "off"\n[[dhcp.subnet]]') +
      reserve('mac = "bc:24:11:00:00:01"\nname = "switch1"') +
      reserve('mac = "bc:24:11:00:00:02"', '10.77.0.21'),
    [
      's.toml:10:1: warning: no address of these pools is given: another DHCP server gives the addresses; take "pools" out, or set mode = "server" in [dhcp]',
      's.toml:16:1: warning: nobody gets this address from here: another DHCP server gives the addresses; reserve it there, or set mode = "server" in [dhcp]',
    ],
  ],
])('reservations: %s', (_, source, problems) => {
  expect(problemsOf(source)).toEqual(problems)
})
