import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clientOf } from '../../services/dhcp/identify.ts'
import {
  architecturesOf,
  encodeClasslessRoutes,
  encodeDomainSearch,
  maxMessageSizeOf,
  messageTypeOf,
  requestedAddressOf,
  serverIdOf,
  userClassesOf,
  uuidOf,
} from '../../services/dhcp/options.ts'
import { parsePrefix } from '../../services/kit/ipv4.ts'
import { BIOS, dhcp, INSTALLER, ip, IPXE, type Said, UEFI, UEFI_HTTP } from './messages.ts'

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))

test.each<[string, number, 'tftp' | 'http', string]>([
  ['H04 32-bit UEFI', 6, 'tftp', 'x86-uefi'],
  ['H04 UEFI of the other number', 9, 'tftp', 'x64-uefi'],
  ['H04 ARM32', 10, 'tftp', 'arm32-uefi'],
  ['H04 32-bit UEFI HTTP Boot', 15, 'http', 'x86-uefi'],
  ['H04 ARM32 HTTP Boot', 18, 'http', 'arm32-uefi'],
  ['H04 ARM64 HTTP Boot', 19, 'http', 'arm64-uefi'],
  ['H04 a BIOS that loads by HTTP', 20, 'http', 'x86-bios'],
])('%s', (_, code, via, architecture) => {
  const said = { ...(via === 'http' ? UEFI_HTTP : UEFI), architecture: code }
  expect(clientOf(dhcp('discover', said))?.boot).toEqual({ stage: 'firmware', via, architecture })
})

test.each<[string, Said, object]>([
  ['H04 a BIOS ROM', BIOS, { stage: 'firmware', via: 'tftp', architecture: 'x86-bios' }],
  ['H04 UEFI', UEFI, { stage: 'firmware', via: 'tftp', architecture: 'x64-uefi' }],
  ['H04 UEFI HTTP Boot', UEFI_HTTP, { stage: 'firmware', via: 'http', architecture: 'x64-uefi' }],
  ['H04 ARM64', { ...UEFI, architecture: 11 }, { stage: 'firmware', via: 'tftp', architecture: 'arm64-uefi' }],
  ['H05 an architecture of the future', { ...UEFI, architecture: 99 }, { stage: 'firmware', via: 'tftp' }],
  [
    'H05 several architectures, the first known one counts',
    { ...UEFI, options: [[93, bytes('006300070000')]] },
    { stage: 'firmware', via: 'tftp', architecture: 'x64-uefi' },
  ],
  ['H17 iPXE says its class as a bare string', IPXE, { stage: 'ipxe', architecture: 'x86-bios' }],
  [
    'H17 iPXE says its class as a list',
    { ...BIOS, options: [[77, bytes('0469505845')]] },
    { stage: 'ipxe', architecture: 'x86-bios' },
  ],
  [
    'A24 UEFI that says its class as a vendor’s (124) and not in 60',
    {
      architecture: 7,
      options: [[124, bytes('0000015715' + '14' + Buffer.from('PXEClient:Arch:00007').toString('hex'))]],
    },
    { stage: 'firmware', via: 'tftp', architecture: 'x64-uefi' },
  ],
  [
    'A24 HTTP boot, behind the class of another vendor',
    {
      architecture: 16,
      options: [[124, bytes('00000009020161' + '000001570b0a' + Buffer.from('HTTPClient').toString('hex'))]],
    },
    { stage: 'firmware', via: 'http', architecture: 'x64-uefi' },
  ],
  [
    'A24 a class that is cut off is no class',
    {
      architecture: 7,
      options: [[124, bytes('0000015716' + '14' + Buffer.from('PXEClient:Arch:00007').toString('hex'))]],
    },
    { stage: 'system' },
  ],
  [
    'A24 option 60 comes first',
    { ...UEFI_HTTP, options: [[124, bytes('000001570a09' + Buffer.from('PXEClient').toString('hex'))]] },
    { stage: 'firmware', via: 'http', architecture: 'x64-uefi' },
  ],
  ['the installer asks for its answer', { asks: [...INSTALLER.asks] }, { stage: 'installer' }],
  ['an installed system', { asks: [1, 3, 6] }, { stage: 'system' }],
  [
    'A13 empty vendor class, user class and architecture',
    {
      options: [
        [60, bytes('')],
        [77, bytes('')],
        [93, bytes('')],
      ],
    },
    { stage: 'system' },
  ],
  [
    'A14 an architecture of three octets is not read',
    { ...BIOS, options: [[93, bytes('000000')]] },
    { stage: 'firmware', via: 'tftp' },
  ],
])('%s', (_, said, boot) => {
  expect(clientOf(dhcp('discover', said))).toEqual({ mac: 'bc:24:11:ab:12:21', boot })
})

test('a client identifier and, behind a relay agent, a circuit are taken as they are', () => {
  const said = { clientId: bytes('ff00'), options: [[82, bytes('0103676530')]] as [number, Uint8Array][] }
  const system = { mac: 'bc:24:11:ab:12:21', clientId: 'ff00', boot: { stage: 'system' } }
  expect(clientOf(dhcp('discover', said))).toEqual(system)
  expect(clientOf(dhcp('discover', { ...said, giaddr: '10.77.0.2' }))).toEqual({
    ...system,
    circuit: { id: '676530', relay: '10.77.0.2' },
  })
})

test.each<[string, string, string | undefined]>([
  ['H06 the SMBIOS form is swapped', '000000007700000040800000ff00000001', '77000000-0000-4000-8000-00ff00000001'],
  ['H06 sixteen octets are ignored', '0000007700000040800000ff00000001', undefined],
  ['H06 another type is ignored', '010000007700000040800000ff00000001', undefined],
  ['A13 an empty machine identifier', '', undefined],
])('%s', (_, value, uuid) => {
  expect(uuidOf(dhcp('discover', { options: [[97, bytes(value)]] }))).toBe(uuid)
})

test.each<[string, Uint8Array, number]>([
  ['an InfiniBand address', bytes('00112233445566778899aabbccddeeff'), 32],
  ['all zeros', bytes('000000000000'), 1],
  ['a group address', bytes('01005e000001'), 1],
  ['no address', bytes(''), 1],
  ['five octets', bytes('bc2411ab12'), 1],
])('nobody is identified by %s', (_, chaddr, htype) => {
  expect(clientOf({ ...dhcp('discover'), chaddr, htype })).toBeUndefined()
})

test('A13 a host name or client identifier without octets matches nothing', () => {
  const client = clientOf(
    dhcp('discover', {
      options: [
        [12, bytes('')],
        [61, bytes('')],
        [81, bytes('')],
      ],
    }),
  )
  expect(client).toEqual({ mac: 'bc:24:11:ab:12:21', boot: { stage: 'system' } })
})

test('A14 fixed-length options of another length are absent', () => {
  const message = dhcp('request', {
    options: [
      [50, bytes('0a4d00')],
      [53, bytes('0301')],
      [54, bytes('0a4d000101')],
      [57, bytes('05')],
    ],
  })
  expect([requestedAddressOf(message), messageTypeOf(message), serverIdOf(message), maxMessageSizeOf(message)]).toEqual(
    [undefined, undefined, undefined, undefined],
  )
})

test('H17 a class list of two, and a string that only looks like one', () => {
  expect(userClassesOf(dhcp('discover', { options: [[77, bytes('0161026263')]] }))).toEqual(['a', 'bc'])
  expect(userClassesOf(dhcp('discover', { options: [[77, bytes('016102')]] }))).toEqual(['\x01a\x02'])
})

test('A22 search domains share endings by pointers into the value', () => {
  expect(Buffer.from(encodeDomainSearch(['a.example.org', 'b.example.org', 'example.org'])).toString('latin1')).toBe(
    '\x01a\x07example\x03org\x00\x01b\xc0\x02\xc0\x02',
  )
})

test.each([
  ['A23 a default route has no octets of the network', '0.0.0.0/0', '000a4d0001'],
  ['A23 only significant octets', '10.80.0.0/12', '0c0a500a4d0001'],
  ['A23 a host route', '10.1.2.3/32', '200a0102030a4d0001'],
])('%s', (_, to, hex) => {
  expect(Buffer.from(encodeClasslessRoutes([{ to: parsePrefix(to)!, via: ip('10.77.0.1') }])).toString('hex')).toBe(hex)
})

test('A23 host bits are cleared', () => {
  const to = { network: ip('10.95.255.255'), length: 12 }
  expect(Buffer.from(encodeClasslessRoutes([{ to, via: ip('10.77.0.1') }])).toString('hex')).toBe('0c0a500a4d0001')
})

test('C12 identifying never throws, whatever the options hold', () => {
  const anyOptions = fc.array(fc.tuple(fc.integer({ min: 1, max: 254 }), fc.uint8Array({ maxLength: 40 })))
  fc.assert(
    fc.property(anyOptions, options => {
      const message = dhcp('discover', { options })
      expect(clientOf(message)?.mac).toBe('bc:24:11:ab:12:21')
      expect(architecturesOf(message).every(code => code >= 0 && code <= 0xffff)).toBe(true)
    }),
  )
})
