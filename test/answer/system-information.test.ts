import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseSystemInformation } from '../../services/answer/system-information.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import { bytesOf } from './samples.ts'

const RACK_SERVER = {
  $schema: { version: '1.0' },
  product: { fullname: 'Proxmox VE', product: 'pve', enable_btrfs: true },
  iso: { release: '9.2', isorelease: '1' },
  dmi: {
    baseboard: { name: '0GYF3H', serial: '.7K2QX93.CNFCP00.', asset_tag: '' },
    chassis: { serial: '7K2QX93', sku: '', asset_tag: 'INV-77' },
    system: {
      name: 'PowerEdge R6525',
      serial: '7K2QX93',
      sku: 'SKU=0AE9',
      uuid: '4C4C4544-004B-3210-8051-b7c04f583933',
    },
  },
  network_interfaces: [
    { link: 'eno1', mac: 'B0:7B:25:AA:01:10' },
    { link: 'eno2', mac: 'B0:7B:25:AA:01:11' },
  ],
}

test('installer 9.2 on a rack server: MACs in upper case, schema named', () => {
  expect(parseSystemInformation(bytesOf(RACK_SERVER))).toEqual({
    schemaVersion: '1.0',
    product: 'pve',
    release: '9.2',
    isorelease: '1',
    macs: ['b0:7b:25:aa:01:10', 'b0:7b:25:aa:01:11'],
    links: ['eno1', 'eno2'],
    serial: '7K2QX93',
    uuid: '4c4c4544-004b-3210-8051-b7c04f583933',
    dmi: {
      'dmi.baseboard.name': '0GYF3H',
      'dmi.baseboard.serial': '.7K2QX93.CNFCP00.',
      'dmi.chassis.serial': '7K2QX93',
      'dmi.chassis.asset_tag': 'INV-77',
      'dmi.system.name': 'PowerEdge R6525',
      'dmi.system.serial': '7K2QX93',
      'dmi.system.sku': 'SKU=0AE9',
      'dmi.system.uuid': '4C4C4544-004B-3210-8051-b7c04f583933',
    },
  })
})

test('installer 8.2 on a mini PC: no schema, and an identity that thousands share', () => {
  const body = {
    product: { fullname: 'Proxmox Backup Server', product: 'pbs', enable_btrfs: false },
    iso: { release: '3.2', isorelease: '1' },
    dmi: {
      system: { serial: 'Default string', uuid: '03000200-0400-0500-0006-000700080009', name: 'NUCBOX' },
      baseboard: {},
      chassis: {},
    },
    network_interfaces: [{ link: 'enp1s0', mac: '84:47:09:12:34:56' }],
  }
  expect(parseSystemInformation(bytesOf(body))).toEqual({
    product: 'pbs',
    release: '3.2',
    isorelease: '1',
    macs: ['84:47:09:12:34:56'],
    links: ['enp1s0'],
    dmi: {
      'dmi.system.serial': 'Default string',
      'dmi.system.uuid': '03000200-0400-0500-0006-000700080009',
      'dmi.system.name': 'NUCBOX',
    },
  })
})

test('arm64 board without SMBIOS, keys of a later version, and values of the wrong type', () => {
  const body = {
    ...RACK_SERVER,
    iso: { release: 10, isorelease: null },
    dmi: { system: [], future: { depth: 1 } },
    network_interfaces: 'none',
    cpu: { count: 2 },
  }
  expect(parseSystemInformation(bytesOf(body))).toEqual({
    schemaVersion: '1.0',
    product: 'pve',
    release: '',
    isorelease: '',
    macs: [],
    links: [],
    dmi: {},
  })
})

test.each([
  ['InfiniBand port with 20 octets', '80:00:02:08:FE:80:00:00:00:00:00:00:E4:1D:2D:03:00:A0:B1:C2', []],
  ['interface without address', '00:00:00:00:00:00', []],
  ['group address', '01:00:5e:00:00:01', []],
  ['broadcast', 'ff:ff:ff:ff:ff:ff', []],
  ['number instead of text', 42, []],
  ['virtual machine', 'BC-24-11-00-00-01', ['bc:24:11:00:00:01']],
])('NIC: %s', (_, mac, macs) => {
  expect(
    parseSystemInformation(
      bytesOf({
        network_interfaces: [
          { link: 'x', mac },
          { link: 'y', mac },
        ],
      }),
    ),
  ).toMatchObject({ macs })
})

test('a serial number cannot bring line breaks, and an overlong value is dropped', () => {
  const dmi = { system: { serial: 'AB12\r\nC3', name: 'x'.repeat(257) } }
  expect(parseSystemInformation(bytesOf({ dmi }))).toMatchObject({
    serial: 'AB12 C3',
    dmi: { 'dmi.system.serial': 'AB12 C3' },
  })
})

test.each([
  ['larger than 64 KiB', ' '.repeat(64 * 1024 + 1), 'body-too-large'],
  ['nested 30 000 deep', '['.repeat(30_000), 'body-too-deep'],
  ['a list', '[]', 'body-not-json'],
  ['nothing, as a redirected request sends', '', 'body-not-json'],
  ['cut off', '{"iso":', 'body-not-json'],
  ['a form', 'release=9.2', 'body-not-json'],
])('a body that is %s is a problem', (_, body, code) => {
  expect(parseSystemInformation(bytesOf(body))).toMatchObject({ code, severity: 'error' })
})

test('brackets inside text do not count as depth, and a byte order mark is dropped', () => {
  const body = `\ufeff${JSON.stringify({ product: { product: 'PVE' }, note: `"\\"${'['.repeat(100)}` })}`
  expect(parseSystemInformation(bytesOf(body))).toMatchObject({ product: 'pve' })
})

test('a body that looks like a problem is not taken for one', () => {
  const read = parseSystemInformation(bytesOf({ code: 'x', message: 'y', hint: 'z', severity: 'error' }))
  expect(isProblem(read)).toBe(false)
})

test('keys that name the prototype change nothing', () => {
  const read = parseSystemInformation(
    bytesOf('{"__proto__":{"iso":{"release":"1"}},"dmi":{"__proto__":{"serial":"S1"}}}'),
  )
  expect(read).toMatchObject({ release: '', dmi: { 'dmi.__proto__.serial': 'S1' } })
  expect(({} as Record<string, unknown>).serial).toBeUndefined()
})

test('never throws for random bytes', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => void parseSystemInformation(bytes)))
})

test('never throws for random JSON in the known places', () => {
  const body = fc.record({
    $schema: fc.jsonValue(),
    product: fc.jsonValue(),
    iso: fc.jsonValue(),
    dmi: fc.oneof(fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue())),
    network_interfaces: fc.oneof(fc.jsonValue(), fc.array(fc.record({ mac: fc.jsonValue() }))),
  })
  fc.assert(fc.property(body, value => void parseSystemInformation(bytesOf(value))))
})
