import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { readDeviceQuestion } from '../../services/cli/machine-devices.ts'
import { openStore } from '../../services/store/store.ts'
import { NODE1, NODE2 } from '../machine/rig.ts'
import { goodSite, type Ran, rackrise } from './rig.ts'

// Child processes, on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const AT = Date.UTC(2026, 10, 26, 8)
const SSD = { DEVNAME: '/dev/nvme0n1', ID_MODEL: 'INTEL_SSDPE2KX010T8', ID_SERIAL_SHORT: 'S64HNE0R', ID_BUS: 'nvme' }
const VIRTIO = { DEVNAME: '/dev/vda', ID_PATH: 'pci-0000:00:05.0' }
const NIC = { INTERFACE: 'eno1', ID_NET_NAME_MAC: 'enxbc2411ab1221', ID_NET_DRIVER: 'igb' }
const REPORT = {
  disks: [
    { size: 1, 'is-bootdisk': true, 'udev-properties': SSD },
    { size: 1, 'udev-properties': VIRTIO },
  ],
  'network-interfaces': [{ name: 'mgmt0', mac: NODE1, 'udev-properties': NIC }],
}
const INFORMATION = { product: { product: 'pve' }, network_interfaces: [{ link: 'eno1', mac: NODE1 }] }

let folder: string
let file: string
beforeAll(async () => {
  ;({ folder, file } = await goodSite())
  // Listed machines become known when the state is opened.
  await rackrise(folder, 'machine', 'list', '--config', file)
  const store = await openStore(join(folder, 'state'))
  await store.documents.put({ machine: NODE1, kind: 'report', at: AT, body: JSON.stringify(REPORT) })
  await store.documents.put({ machine: NODE1, kind: 'system-information', at: AT, body: JSON.stringify(INFORMATION) })
  await store.close()
})
afterAll(() => rm(folder, { recursive: true }))

const machine = (...args: string[]): Promise<Ran> => rackrise(folder, 'machine', ...args, '--config', file)

describe('machine devices', () => {
  test('disks and NICs by the properties that filters ask about', async () => {
    expect(await machine('devices', 'node1')).toEqual({
      status: 0,
      err: '',
      out: `${[
        'DISK     ID_MODEL             ID_SERIAL_SHORT  ID_BUS  ID_PATH',
        'nvme0n1  INTEL_SSDPE2KX010T8  S64HNE0R         nvme                      installed on',
        'vda                                                    pci-0000:00:05.0',
        '',
        'NIC   ID_NET_NAME_MAC  ID_NET_DRIVER  ID_PATH',
        'eno1  enxbc2411ab1221  igb',
      ].join('\n')}\n`,
    })
  })

  test('--json has every property, as the assistant prints them', async () => {
    expect(JSON.parse((await machine('devices', 'node1', '--json')).out)).toEqual({
      at: '2026-11-26T08:00:00.000Z',
      disks: { nvme0n1: SSD, vda: VIRTIO },
      nics: { eno1: NIC },
      used: ['nvme0n1'],
    })
    const disks = JSON.parse((await machine('devices', 'node1', '--type', 'disk', '--json')).out) as object
    expect(Object.keys(disks)).toEqual(['at', 'disks', 'used'])
  })

  test('what a filter takes, and what it takes by accident', async () => {
    const ask = (...args: string[]): Promise<Ran> => machine('devices', 'node1', '--type', 'disk', ...args)
    expect(await ask('--match', 'ID_MODEL=INTEL*')).toEqual({ status: 0, out: 'nvme0n1\n', err: '' })
    expect((await ask('--match', 'ID_MODEL=INTEL*', '--match', 'ID_BUS=nvme', '--filter-match', 'all')).out).toBe(
      'nvme0n1\nvda  taken only because it has none of these properties\n',
    )
    expect(await ask('--match', 'ID_MODEL=intel*')).toEqual({ status: 1, out: 'the filter takes no disk\n', err: '' })
    const nic = await machine('devices', 'node1', '--type', 'network', '--match', 'INTERFACE=en*', '--json')
    expect(JSON.parse(nic.out)).toEqual([{ name: 'eno1', byAbsence: false }])
  })

  test('a machine that never reported: what to wait for', async () => {
    expect(await machine('devices', NODE2)).toEqual({
      status: 1,
      out: '',
      err: 'error: node2 has not reported an installation yet; disks and NICs are known from the report of its first installation on\n',
    })
  })

  test.each([
    [['--match', 'ID_MODEL=x'], '--match needs --type disk or --type network'],
    [['--type', 'disc'], 'there is no type "disc"; say disk, network or all'],
    [['--type', 'disk', '--match', 'ID_MODEL'], `"ID_MODEL" is not KEY=GLOB, such as 'ID_MODEL=INTEL*'`],
    [['--type', 'disk', '--match', 'ID_MODEL=['], 'ID_MODEL is not a glob: a [ has no matching ]'],
  ])('%j is a question that cannot be answered', async (args, message) => {
    expect(await machine('devices', 'node1', ...args)).toEqual({
      status: 2,
      out: '',
      err: `rackrise machine: ${message}; see \`rackrise machine --help\`\n`,
    })
  })
})

test.each([
  ['disk', ['A=1', 'A=2'], undefined, 'A stands there twice; a filter has one glob for each key'],
  ['network', ['A=1'], 'all', '--filter-match is for --type disk; NICs are always matched by any'],
  ['disk', ['A=1'], 'some', '--filter-match is any or all, not "some"'],
  ['disk', ['A=b=c*'], 'all', { type: 'disk', filter: { A: 'b=c*' }, how: 'all' }],
  [undefined, [], undefined, { type: 'all', filter: {}, how: 'any' }],
] as const)('--type %s, --match %j, --filter-match %s', (type, matches, how, question) => {
  expect(readDeviceQuestion(type, matches, how)).toEqual(question)
})

test('show --system-info prints what the machine posted, whole', async () => {
  const { status, out } = await machine('show', 'node1', '--system-info')
  expect([status, JSON.parse(out)]).toEqual([0, INFORMATION])
  expect(await machine('show', 'node2', '--system-info')).toMatchObject({
    status: 1,
    err: 'error: node2 has not asked for an answer yet; its installer says who it is when it asks\n',
  })
})
