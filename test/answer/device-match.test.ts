import { describe, expect, test } from 'vitest'
import { type Device, diskOfEntry, filterDisks, filterNic, matchDevices } from '../../services/answer/device-match.ts'
import type { DiskSetup } from '../../services/answer/schema.ts'

const disk = (name: string, properties: Record<string, string> = {}): Device => ({
  name,
  properties: { DEVNAME: `/dev/${name}`, ...properties },
})

const NVME0 = disk('nvme0n1', { ID_MODEL: 'INTEL SSDPE2KX010T8', ID_SERIAL_SHORT: 'S64HNE0R100123', ID_BUS: 'nvme' })
const NVME1 = disk('nvme1n1', { ID_MODEL: 'SAMSUNG MZQL2960', ID_SERIAL_SHORT: 'S64HNE0R100124', ID_BUS: 'nvme' })
const STICK = disk('sda', { ID_MODEL: 'Ultra_Fit', ID_SERIAL_SHORT: '4C53', ID_BUS: 'usb' })
const VIRTIO = disk('vda')
const DISKS = [NVME0, NVME1, STICK, VIRTIO]

const zfs = (part: Partial<DiskSetup>): DiskSetup => ({ filesystem: 'zfs', zfs: { raid: 'raid1' }, ...part })

describe('what a filter takes', () => {
  test.each<[string, Partial<DiskSetup>, [string, boolean][]]>([
    [
      'any: one property is enough',
      { filter: { ID_SERIAL_SHORT: 'S64*' } },
      [
        ['nvme0n1', false],
        ['nvme1n1', false],
      ],
    ],
    [
      'any: either of two',
      { filter: { ID_MODEL: 'INTEL*', ID_BUS: 'usb' } },
      [
        ['nvme0n1', false],
        ['sda', false],
      ],
    ],
    [
      'all: both of two, and the disk that has neither, because nothing misses',
      { 'filter-match': 'all', filter: { ID_MODEL: 'INTEL*', ID_BUS: 'nvme' } },
      [
        ['nvme0n1', false],
        ['vda', true],
      ],
    ],
    [
      'all: a disk without a serial is taken by a filter for serials',
      { 'filter-match': 'all', filter: { ID_SERIAL_SHORT: 'S64*' } },
      [
        ['nvme0n1', false],
        ['nvme1n1', false],
        ['vda', true],
      ],
    ],
    [
      'all, with a property that every disk has: nothing by absence',
      { 'filter-match': 'all', filter: { ID_MODEL: 'INTEL*', DEVNAME: '/dev/nvme*' } },
      [['nvme0n1', false]],
    ],
    [
      'not USB, and the disk that does not say what it is',
      { 'filter-match': 'all', filter: { ID_BUS: '[!u]*' } },
      [
        ['nvme0n1', false],
        ['nvme1n1', false],
        ['vda', true],
      ],
    ],
    ['no filter takes nothing', {}, []],
    ['a glob with a mistake takes nothing', { filter: { ID_MODEL: '[' } }, []],
    ['case counts', { filter: { ID_MODEL: 'intel*' } }, []],
  ])('%s', (_, setup, taken) => {
    expect(filterDisks(DISKS, zfs(setup)).map(({ device, byAbsence }) => [device.name, byAbsence])).toEqual(taken)
  })

  test('ext4 ignores filter-match = "all"', () => {
    const setup: DiskSetup = { filesystem: 'ext4', 'filter-match': 'all', filter: { ID_SERIAL_SHORT: 'S64*' } }
    expect(filterDisks(DISKS, setup).map(({ device }) => device.name)).toEqual(['nvme0n1', 'nvme1n1'])
  })

  test('with more than ten disks the eleventh comes before the third', () => {
    const many = Array.from({ length: 12 }, (_, i) => disk(`sd${'abcdefghijkl'[i]}`))
    const names = filterDisks(many, zfs({ filter: { DEVNAME: '/dev/sd*' } })).map(({ device }) => device.name)
    expect(names).toEqual(['sda', 'sdb', 'sdk', 'sdl', 'sdc', 'sdd', 'sde', 'sdf', 'sdg', 'sdh', 'sdi', 'sdj'])
  })

  test('a property named like something that every object has is not there', () => {
    expect(matchDevices([VIRTIO], { toString: '*' }, 'any')).toEqual([])
  })
})

test.each([
  ['sda', 'sda'],
  ['/dev/sda', 'sda'],
  ['nvme1n1', 'nvme1n1'],
  ['da', 'sda'],
  ['/dev/disk/by-id/ata-1', undefined],
  ['sdb', undefined],
])('the list entry %s takes %s', (entry, name) => {
  expect(diskOfEntry(DISKS, entry)?.name).toBe(name)
})

test('of several NICs the first name is taken, whatever the order of the report', () => {
  const nic = (name: string, mac: string): Device => ({ name, properties: { ID_NET_NAME_MAC: `enx${mac}` } })
  const nics = [nic('enp2s0', 'b07b25aa0111'), nic('eno1', 'b07b25aa0110'), nic('wlan0', '0242ac110002')]
  expect(filterNic(nics, { ID_NET_NAME_MAC: 'enxb07b25*' })?.name).toBe('eno1')
  expect(filterNic(nics, { ID_NET_NAME_MAC: 'enxb07b25*', INTERFACE: 'wlan0' })?.name).toBe('eno1')
  expect(filterNic(nics, { ID_NET_NAME_MAC: 'enx00*' })).toBeUndefined()
})
