import { expect, test } from 'vitest'
import { keptText, lastReport, lastSystemInformation } from '../../services/answer/documents.ts'
import type { MachineId } from '../../services/machine/event.ts'
import type { DocumentStore, MachineDocument } from '../../services/store/types.ts'
import { NODE1 } from '../machine/rig.ts'
import { bytesOf } from './samples.ts'

const ID = NODE1 as MachineId

const LONG_NUMBERS = new TextEncoder().encode(`{"x":[${'1e20,'.repeat(10_000)}1]}`)

const holding = (...documents: MachineDocument[]): Pick<DocumentStore, 'get'> => ({
  get: async (machine, kind) => documents.find(document => document.machine === machine && document.kind === kind),
})

test('what is called a secret is not kept, however deep it stands', () => {
  const body = {
    a: [{ api_token: 'x', n: 1 }],
    'root-password': 'x',
    oem: { PrivateKey: 'x', Passphrase: ['x'], b: 2 },
  }
  expect(keptText(bytesOf(body), 'system-information')).toBe('{"a":[{"n":1}],"oem":{"b":2}}')
})

test('a report is kept whole, on one line, without its token', () => {
  const body = { token: 'node1:s3cret', fqdn: 'a.b', new: { in: ['a', 'later', 'version'] } }
  expect(keptText(bytesOf(body), 'report')).toBe('{"fqdn":"a.b","new":{"in":["a","later","version"]}}')
})

test.each([
  ['no JSON', new TextEncoder().encode('hello'), 'report'],
  ['a list', bytesOf([1]), 'report'],
  ['system information of more than 64 KiB', bytesOf({ x: 'x'.repeat(64 * 1024) }), 'system-information'],
  ['a report of more than 256 KiB', bytesOf({ x: 'x'.repeat(256 * 1024) }), 'report'],
  ['numbers that are longer once they are written out', LONG_NUMBERS, 'system-information'],
] as const)('%s is not kept', (_, bytes, kind) => {
  expect(keptText(bytes, kind)).toBeUndefined()
})

test('what is kept is read again, with what was sent beside it', async () => {
  const report = { fqdn: 'node1.rack.test', disks: [{ 'udev-properties': { DEVNAME: '/dev/sda', ID_MODEL: 'X' } }] }
  const information = { iso: { release: '9.2' }, network_interfaces: [{ link: 'eno1', mac: NODE1.toUpperCase() }] }
  const documents = holding(
    { machine: ID, kind: 'report', attempt: 'a1a1a1a1', at: 5, body: keptText(bytesOf(report), 'report')! },
    { machine: ID, kind: 'system-information', at: 4, body: keptText(bytesOf(information), 'system-information')! },
  )
  expect(await lastReport(documents, ID)).toMatchObject({
    at: 5,
    attempt: 'a1a1a1a1',
    body: report,
    report: { fqdn: 'node1.rack.test', disks: [{ path: '/dev/sda', udev: { ID_MODEL: 'X' } }] },
  })
  expect(await lastSystemInformation(documents, ID)).toMatchObject({
    at: 4,
    body: information,
    information: { release: '9.2', macs: [NODE1] },
  })
})

test('of a machine that said nothing there is nothing', async () => {
  expect([await lastReport(holding(), ID), await lastSystemInformation(holding(), ID)]).toEqual([undefined, undefined])
})
