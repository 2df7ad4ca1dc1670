import { expect, test } from 'vitest'
import type { AnswerTable } from '../../services/answer/keys.ts'
import { answerWith, E, PVE, say } from './samples.ts'

const STATIC = {
  source: 'from-answer',
  cidr: '10.77.0.17/24',
  gateway: '10.77.0.254',
  dns: '10.77.0.1',
  filter: { ID_NET_NAME_MAC: '*0110' },
}
const MAPPING = 'network.interface-name-pinning.mapping'

test.each<[string, AnswerTable, string[]]>([
  ['no source', { source: 'x' }, ['error wrong-value: network.source: "x" is not a choice']],
  [
    'address beside DHCP',
    { cidr: '10.0.0.1/24' },
    ['error conflict: network.cidr is not allowed with addresses from DHCP'],
  ],
  [
    'static without the rest',
    { source: 'from-answer', cidr: '10.0.0.1/24' },
    ['dns', 'gateway', 'filter'].map(key => `error missing-key: network.${key} is missing`),
  ],
  ['no prefix length', { ...STATIC, cidr: '10.77.0.17' }, [`${E}network.cidr is not an address with a prefix length`]],
  ['prefix of 33', { ...STATIC, cidr: '10.77.0.17/33' }, [`${E}network.cidr is not an address with a prefix length`]],
  ['two resolvers', { ...STATIC, dns: '10.77.0.1 10.77.0.2' }, [`${E}network.dns is not one IP address`]],
  ['empty filter', { ...STATIC, filter: {} }, [`${E}network.filter is empty`]],
  [
    'bad glob',
    { ...STATIC, filter: { ID_PATH: 'pci-[0' } },
    ['error bad-glob: network.filter.ID_PATH is not a glob: a [ has no matching ] (character 5)'],
  ],
  [
    'gateway elsewhere',
    { ...STATIC, gateway: '10.78.0.1' },
    ['warning doubtful-value: network.gateway is outside the subnet of network.cidr'],
  ],
  ['two families', { ...STATIC, dns: 'fd00::53' }, ['warning doubtful-value: network.dns is IPv6, network.cidr IPv4']],
  ['IPv6 alone', { ...STATIC, cidr: 'fd00::17/64', gateway: 'fe80::1', dns: 'fd00::53' }, []],
  [
    'name too long',
    { 'interface-name-pinning': { enabled: true, mapping: { 'b0:7b:25:aa:01:10': 'a234567890123456' } } },
    [`${E}${MAPPING}: the name for "b0:7b:25:aa:01:10" is malformed`],
  ],
  [
    'name twice',
    {
      'interface-name-pinning': {
        enabled: true,
        mapping: { 'b0:7b:25:aa:01:10': 'lan0', 'b0:7b:25:aa:01:11': 'LAN0' },
      },
    },
    [`error duplicate-value: ${MAPPING} gives the name "LAN0" twice`],
  ],
  [
    'no MAC',
    { 'interface-name-pinning': { enabled: true, mapping: { eno1: 'lan0' } } },
    [`${E}${MAPPING}: "eno1" is not a MAC with colons`],
  ],
  ['pinning switched off', { 'interface-name-pinning': { enabled: false } }, []],
])('[network] %s', (_, network, said) => {
  expect(say(answerWith({ network }))).toEqual(said)
})

test('a missing source: refused from 9.2 on, assumed before', () => {
  const answer = { ...answerWith(), network: {} }
  expect(say(answer)).toEqual(['error missing-key: network.source is missing'])
  expect(say(answer, { ...PVE, installer: [9, 1] })).toEqual(['warning missing-key: network.source is missing'])
})

test.each<[string, AnswerTable, string[]]>([
  [
    'neither list nor filter',
    { filesystem: 'ext4' },
    ['error missing-key: disk-setup has neither of disk-list and filter'],
  ],
  [
    'empty list',
    { filesystem: 'ext4', 'disk-list': [] },
    ['error missing-key: disk-setup has neither of disk-list and filter'],
  ],
  [
    'list and filter',
    { filesystem: 'ext4', 'disk-list': ['sda'], filter: { ID_BUS: 'ata' } },
    ['error conflict: disk-setup has both of disk-list and filter'],
  ],
  [
    'two disks for ext4',
    { filesystem: 'ext4', 'disk-list': ['sda', 'sdb'] },
    ['error conflict: ext4 takes one disk, disk-setup.disk-list has 2'],
  ],
  [
    'zfs options for xfs',
    { filesystem: 'xfs', 'disk-list': ['sda'], zfs: { raid: 'raid0' } },
    ['error conflict: [disk-setup.zfs] does not go with xfs'],
  ],
  [
    'zfs without level',
    { filesystem: 'zfs', 'disk-list': ['sda'] },
    ['error missing-key: disk-setup.zfs.raid is missing'],
  ],
  [
    'mirror of one',
    { filesystem: 'zfs', 'disk-list': ['sda'], zfs: { raid: 'raid1' } },
    ['error conflict: raid1 needs 2 disks, disk-setup.disk-list has 1'],
  ],
  [
    'raid10 of three',
    { filesystem: 'zfs', 'disk-list': ['sda', 'sdb', 'sdc'], zfs: { raid: 'raid10' } },
    ['error conflict: raid10 needs 4 disks, disk-setup.disk-list has 3'],
  ],
  [
    'raid10 of five',
    { filesystem: 'zfs', 'disk-list': ['sda', 'sdb', 'sdc', 'sdd', 'sde'], zfs: { raid: 'RAID10' } },
    ['error conflict: raid10 needs an even number of disks, disk-setup.disk-list has 5'],
  ],
  [
    'raidz-3 of four',
    { filesystem: 'zfs', 'disk-list': ['sda', 'sdb', 'sdc', 'sdd'], zfs: { raid: 'raidz-3' } },
    ['error conflict: raidz-3 needs 5 disks, disk-setup.disk-list has 4'],
  ],
  [
    'one disk in two spellings',
    { filesystem: 'zfs', 'disk-list': ['sda', '/dev/sda'], zfs: { raid: 'raid1' } },
    ['error duplicate-value: disk-setup.disk-list has "sda" twice'],
  ],
  [
    'by-id path',
    { filesystem: 'ext4', 'disk-list': ['/dev/disk/by-id/ata-X'] },
    [`${E}disk-setup.disk-list: "/dev/disk/by-id/ata-X" never matches`],
  ],
  [
    'entry that ends every path',
    { filesystem: 'ext4', 'disk-list': ['/dev/'] },
    [`${E}disk-setup.disk-list has an empty entry`],
  ],
  [
    'swap over half',
    { filesystem: 'ext4', 'disk-list': ['sda'], lvm: { hdsize: 20, swapsize: 10.5 } },
    ['error conflict: disk-setup.lvm.swapsize is more than half of hdsize'],
  ],
  [
    'ashift that ZFS refuses',
    { filesystem: 'zfs', 'disk-list': ['sda'], zfs: { raid: 'raid0', ashift: 20 } },
    [`${E}disk-setup.zfs.ashift is not between 9 and 16`],
  ],
  [
    'all with one disk',
    { filesystem: 'ext4', filter: { ID_BUS: 'ata' }, 'filter-match': 'all' },
    ['warning ineffective-key: disk-setup.filter-match = "all" is ignored for ext4'],
  ],
  [
    'bad glob',
    { filesystem: 'zfs', filter: { ID_MODEL: 'a**' }, zfs: { raid: 'raid1' } },
    [
      'error bad-glob: disk-setup.filter.ID_MODEL is not a glob: two stars beside something else than a slash (character 2)',
    ],
  ],
  [
    'mixed case level',
    { filesystem: 'btrfs', 'disk-list': ['sda'], btrfs: { raid: 'Raid0' } },
    [`${E}disk-setup.btrfs.raid: "Raid0" is not a choice`],
  ],
])('[disk-setup] %s', (_, disks, said) => {
  expect(say(answerWith({ disks }))).toEqual(said)
})

test('btrfs and two sizes of LVM are for Proxmox VE only', () => {
  const btrfs = answerWith({ disks: { filesystem: 'btrfs', 'disk-list': ['sda'], btrfs: { raid: 'raid0' } } })
  expect(say(btrfs)).toEqual([])
  expect(say(btrfs, { ...PVE, product: 'pbs' })).toEqual([`${E}btrfs is not offered for pbs`])
  const lvm = answerWith({ disks: { filesystem: 'ext4', 'disk-list': ['sda'], lvm: { maxroot: 20 } } })
  expect(say(lvm, { ...PVE, product: 'pmg' })).toEqual([
    'warning ineffective-key: disk-setup.lvm.maxroot has an effect on pve only',
  ])
})
