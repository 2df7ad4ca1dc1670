import { describe, expect, test } from 'vitest'
import type { Device } from '../../services/answer/device-match.ts'
import { describeDisk, rehearse } from '../../services/answer/rehearse.ts'
import type { Answer, DiskSetup, Network } from '../../services/answer/schema.ts'

const disk = (name: string, serial?: string): Device => ({
  name,
  properties: { DEVNAME: `/dev/${name}`, ID_MODEL: 'INTEL_SSD', ...(serial ? { ID_SERIAL_SHORT: serial } : {}) },
})
const SDA = disk('sda', 'A1')
const SDB = disk('sdb', 'B2')
const VDA = disk('vda')
const ENO1: Device = { name: 'eno1', properties: { ID_NET_NAME_MAC: 'enxb07b25aa0110' } }

const DHCP: Network = { source: 'from-dhcp' }
const GLOBAL: Answer['global'] = {
  country: 'at',
  fqdn: 'node1.rack.test',
  keyboard: 'de',
  mailto: 'a@rack.test',
  timezone: 'Europe/Vienna',
}

function rehearsal(setup: DiskSetup, before: Device[], { disks = [SDA, SDB, VDA], network = DHCP } = {}) {
  const answer: Answer = { global: GLOBAL, network, 'disk-setup': setup }
  const { erases, leaves, nic, doubts } = rehearse(answer, { disks, nics: [ENO1] }, before)
  const names = (devices: Device[]): string => devices.map(({ name }) => name).join(' ')
  return { erases: names(erases), leaves: names(leaves), nic: nic?.name, doubts: doubts.map(({ code }) => code) }
}

describe('what another installation would erase', () => {
  test.each<[string, DiskSetup, Device[], string, string, string[]]>([
    ['the same disk: nothing to say', { filesystem: 'ext4', 'disk-list': ['sda'] }, [SDA], 'sda', 'sdb vda', []],
    [
      'another disk than before',
      { filesystem: 'ext4', 'disk-list': ['sdb'] },
      [SDA],
      'sdb',
      'sda vda',
      ['other-disks'],
    ],
    [
      'ext4 takes the first of two that fit',
      { filesystem: 'ext4', filter: { ID_SERIAL_SHORT: '*' } },
      [SDA],
      'sda',
      'sdb vda',
      ['one-of-several-disks'],
    ],
    [
      'a mirror that takes a disk without a serial, too',
      { filesystem: 'zfs', zfs: { raid: 'raid1' }, 'filter-match': 'all', filter: { ID_SERIAL_SHORT: '[AB]*' } },
      [SDA, SDB],
      'sda sdb vda',
      '',
      ['disk-by-absence', 'other-disks'],
    ],
    [
      'the same mirror',
      { filesystem: 'zfs', zfs: { raid: 'raid1' }, filter: { ID_SERIAL_SHORT: '[AB]*' } },
      [SDB, SDA],
      'sda sdb',
      'vda',
      [],
    ],
    [
      'a mirror of which one disk is gone from the list of names',
      { filesystem: 'zfs', zfs: { raid: 'raid1' }, 'disk-list': ['sda', 'sdx'] },
      [SDA, SDB],
      'sda',
      'sdb vda',
      ['disk-missing', 'disk-count', 'other-disks'],
    ],
    [
      'a filter that fits no disk',
      { filesystem: 'xfs', filter: { ID_SERIAL_SHORT: 'Z*' } },
      [SDA],
      '',
      'sda sdb vda',
      ['no-disk', 'other-disks'],
    ],
    [
      'the report did not say which disks were used',
      { filesystem: 'ext4', 'disk-list': ['sdb'] },
      [],
      'sdb',
      'sda vda',
      [],
    ],
  ])('%s', (_, setup, before, erases, leaves, doubts) => {
    expect(rehearsal(setup, before)).toEqual({ erases, leaves, nic: undefined, doubts })
  })

  test('the NIC that a filter chooses, or none', () => {
    const network = (glob: string): Network => ({
      source: 'from-answer',
      cidr: '10.0.0.1/24',
      dns: '10.0.0.2',
      gateway: '10.0.0.2',
      filter: { ID_NET_NAME_MAC: glob },
    })
    const setup: DiskSetup = { filesystem: 'ext4', 'disk-list': ['sda'] }
    expect(rehearsal(setup, [SDA], { network: network('*0110') })).toMatchObject({ nic: 'eno1', doubts: [] })
    expect(rehearsal(setup, [SDA], { network: network('*0111') })).toMatchObject({ nic: undefined, doubts: ['no-nic'] })
  })

  test('words name model and serial, and what the installation before used', () => {
    const setup: DiskSetup = { filesystem: 'ext4', 'disk-list': ['sdb'] }
    const { doubts } = rehearse(
      { global: GLOBAL, network: DHCP, 'disk-setup': setup },
      { disks: [SDA, SDB], nics: [] },
      [SDA],
    )
    expect(doubts[0]?.message).toBe('the last installation used other disks: sda (INTEL SSD, serial A1)')
    expect(describeDisk({ name: 'vda', properties: {} })).toBe('vda')
  })
})
