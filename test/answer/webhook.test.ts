import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseReport } from '../../services/answer/webhook.ts'
import { bytesOf } from './samples.ts'

const REPORT = {
  $schema: { version: '1.2' },
  token: 'node7:s3cret',
  'debian-version': '13.4',
  product: { fullname: 'Proxmox VE', short: 'pve', version: '9.2.1' },
  iso: { release: '9.2', isorelease: '1' },
  'kernel-version': { sysname: 'Linux', release: '7.0.2-5-pve', version: '#1 SMP', machine: 'x86_64' },
  'boot-info': { mode: 'efi', secureboot: true },
  dmi: { system: { serial: '7K2QX93', uuid: '4C4C4544-004B-3210-8051-B7C04F583933' } },
  filesystem: 'zfs (RAID1)',
  fqdn: 'node7.rack7.example.org',
  'machine-id': '8b1f0c7c2f7e4a0db2f1d3a4c5b6a798',
  disks: [
    {
      size: 1,
      'is-bootdisk': true,
      'udev-properties': { DEVNAME: '/dev/nvme0n1', ID_SERIAL_SHORT: 'S64H', ID_MODEL: 'X' },
    },
    { size: 1, 'udev-properties': { DEVNAME: '/dev/vda' } },
    { size: 1, 'udev-properties': {} },
  ],
  'network-interfaces': [
    { name: 'nic1', mac: 'b0:7b:25:aa:01:11' },
    {
      name: 'mgmt0',
      mac: 'b0:7b:25:aa:01:10',
      address: '10.77.0.17/24',
      'is-management': true,
      'udev-properties': { ID_NET_NAME_MAC: 'enxb07b25aa0110', odd: 7 },
    },
  ],
  'ssh-public-host-keys': {
    ecdsa: 'ecdsa-sha2-nistp256 AAAAE2Vj root@node7',
    ed25519: 'ssh-ed25519 AAAAC3Nz root@node7',
    rsa: '@cert-authority * ssh-rsa AAAAB3Nz',
  },
  'reboot-mode': 'reboot',
}

test('installer 9.2: everything that the inventory needs', () => {
  expect(parseReport(bytesOf(REPORT))).toEqual({
    schemaVersion: '1.2',
    fqdn: 'node7.rack7.example.org',
    machineId: '8b1f0c7c2f7e4a0db2f1d3a4c5b6a798',
    macs: ['b0:7b:25:aa:01:11', 'b0:7b:25:aa:01:10'],
    nics: [
      { name: 'nic1', mac: 'b0:7b:25:aa:01:11', isManagement: false, udev: {} },
      {
        name: 'mgmt0',
        mac: 'b0:7b:25:aa:01:10',
        address: '10.77.0.17/24',
        isManagement: true,
        udev: { ID_NET_NAME_MAC: 'enxb07b25aa0110' },
      },
    ],
    management: {
      name: 'mgmt0',
      mac: 'b0:7b:25:aa:01:10',
      address: '10.77.0.17/24',
      isManagement: true,
      udev: { ID_NET_NAME_MAC: 'enxb07b25aa0110' },
    },
    // The line that tries to become an authority in known_hosts is not a key line.
    sshHostKeys: ['ssh-ed25519 AAAAC3Nz root@node7', 'ecdsa-sha2-nistp256 AAAAE2Vj root@node7'],
    product: { name: 'pve', version: '9.2.1' },
    kernel: '7.0.2-5-pve',
    bootMode: 'efi',
    secureBoot: true,
    filesystem: 'zfs (RAID1)',
    serial: '7K2QX93',
    uuid: '4c4c4544-004b-3210-8051-b7c04f583933',
    disks: [
      {
        path: '/dev/nvme0n1',
        serial: 'S64H',
        model: 'X',
        isBootDisk: true,
        udev: { DEVNAME: '/dev/nvme0n1', ID_SERIAL_SHORT: 'S64H', ID_MODEL: 'X' },
      },
      { path: '/dev/vda', isBootDisk: false, udev: { DEVNAME: '/dev/vda' } },
    ],
    token: 'node7:s3cret',
  })
})

test('installer 9.2.5 that could not find out much still reports', () => {
  const body = { fqdn: 'unknown', disks: [], 'network-interfaces': {}, 'kernel-version': { release: 'unknown' } }
  expect(parseReport(bytesOf(body))).toEqual({ macs: [], nics: [], sshHostKeys: [], secureBoot: false, disks: [] })
})

test('a report of more than 1 MiB is refused', () => {
  expect(parseReport(new Uint8Array(1024 * 1024 + 1))).toMatchObject({ code: 'body-too-large' })
})

test('never throws for random bytes', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => void parseReport(bytes)))
})

test('never throws for random JSON in the known places', () => {
  const keys = Object.keys(REPORT) as (keyof typeof REPORT)[]
  fc.assert(
    fc.property(
      fc.constantFrom(...keys),
      fc.jsonValue(),
      (key, value) => void parseReport(bytesOf({ ...REPORT, [key]: value })),
    ),
  )
})
