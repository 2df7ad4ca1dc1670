import { expect, test } from 'vitest'
import { readHardware } from '../../services/answer/hardware.ts'

const DISK = { DEVNAME: '/dev/sda', ID_MODEL: ' two  blanks ' }

test('disks in the order of the report, with properties as they were sent', () => {
  const body = {
    disks: [{ 'udev-properties': { DEVNAME: '/dev/sdb' } }, { 'is-bootdisk': true, 'udev-properties': DISK }],
    'network-interfaces': [{ name: 'mgmt0', 'udev-properties': { INTERFACE: 'eno1' } }],
  }
  expect(readHardware(body)).toEqual({
    disks: [
      { name: 'sdb', properties: { DEVNAME: '/dev/sdb' } },
      { name: 'sda', properties: DISK },
    ],
    nics: [{ name: 'eno1', properties: { INTERFACE: 'eno1' } }],
    used: [{ name: 'sda', properties: DISK }],
  })
})

test.each([
  ['nothing', {}],
  ['lists that are none', { disks: 1, 'network-interfaces': {} }],
  ['entries that are none', { disks: [1, null, [], {}], 'network-interfaces': ['x', {}] }],
  ['a disk without a name', { disks: [{ 'udev-properties': { ID_MODEL: 'x' } }] }],
])('of %s there is no device', (_, body) => {
  expect(readHardware(body)).toEqual({ disks: [], nics: [], used: [] })
})

test('values that are no text are left out, and a NIC without udev is known by its name or MAC', () => {
  const body = {
    disks: [{ 'udev-properties': { DEVNAME: '/dev/sda', SIZE: 1, NESTED: {} } }],
    'network-interfaces': [{ name: 'nic0' }, { mac: 'bc:24:11:ab:12:21' }],
  }
  expect(readHardware(body)).toMatchObject({
    disks: [{ name: 'sda', properties: { DEVNAME: '/dev/sda' } }],
    nics: [{ name: 'nic0' }, { name: 'bc:24:11:ab:12:21' }],
  })
})
