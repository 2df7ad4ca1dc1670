/** Port 4011: which file a machine is told that has its address already. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isBinl, respondAsBootServer } from '../../services/dhcp/boot-server.ts'
import type { BootView, Decision, Reply } from '../../services/dhcp/decision.ts'
import { bootServerDestination } from '../../services/dhcp/destination.ts'
import type { DhcpMessage } from '../../services/dhcp/message.ts'
import { bytesOf } from '../../services/dhcp/options.ts'
import { readVendorOptions } from '../../services/dhcp/vendor-options.ts'
import { BIOS, codes, dhcp, hex, ip, IPXE, NODE1, type Said, text, UEFI } from './messages.ts'
import { SCRIPT_URL, server, subnet, TestFleet } from './rig.ts'

const HERE = '10.77.0.150'
const FROM = { address: ip(HERE), port: 68 }

function view(more: Partial<BootView['server']> = {}): BootView & { fleet: TestFleet } {
  return { server: server({ subnets: [], ...more }), fleet: new TestFleet() }
}

function outcome(decision: Decision): string {
  return `${decision.do === 'reply' ? decision.type : 'silence'} ${decision.reason}`
}

function ack(said: Said = UEFI, from = FROM): Reply {
  const decision = respondAsBootServer(dhcp('request', { ciaddr: HERE, ...said }), from, view())
  if (decision.do !== 'reply') throw new Error(`silent: ${decision.reason}`)
  return decision
}

test('H10 a REQUEST is acknowledged with the file, and without address, lease and network', () => {
  const { message, type, reason } = ack({ ...UEFI, asks: [1, 3, 6, 51, 60, 66, 67] })
  expect([type, reason]).toEqual(['ack', 'boot-server-asked'])
  expect([message.ciaddr, message.yiaddr, message.siaddr, message.file]).toEqual([
    HERE,
    '0.0.0.0',
    '10.77.0.1',
    'snponly.efi',
  ])
  expect([codes(message), text(message, 60), text(message, 67)]).toEqual([
    [53, 54, 60, 66, 67],
    'PXEClient',
    'snponly.efi',
  ])
})

test.each<[string, Partial<Said>, { address: string; port: number }, string]>([
  ['H10 to the address that it has', { ciaddr: HERE }, FROM, '10.77.0.150:68'],
  ['EDK2 hears it at the port that it asks from', { ciaddr: HERE }, { address: HERE, port: 4011 }, '10.77.0.150:4011'],
  ['a ROM that leaves ciaddr empty hears it where it asked from', {}, FROM, '10.77.0.150:68'],
  ['and one that has no address yet, everywhere', {}, { address: '0.0.0.0', port: 68 }, '255.255.255.255:68'],
])('%s', (_, said, from, to) => {
  const endpoint = bootServerDestination(dhcp('request', said), { address: ip(from.address), port: from.port })
  expect(`${endpoint.address}:${endpoint.port}`).toBe(to)
})

describe('H11 boot server discovery', () => {
  const asking = (block: Uint8Array) => ack({ ...BIOS, options: [[43, block]] }).message
  test('type and layer of the boot item come back, H13 in a block that is well formed', () => {
    const message = asking(Uint8Array.of(71, 4, 0, 1, 0, 2, 255))
    expect([hex(message, 43), text(message, 67)]).toEqual(['47040001' + '0002ff', 'undionly.kpxe'])
    expect([...readVendorOptions(message.options.get(43)!)]).toEqual([[71, Uint8Array.of(0, 1, 0, 2)]])
  })

  test.each([
    ['no boot item', Uint8Array.of(6, 1, 8, 255)],
    ['a boot item of the wrong length', Uint8Array.of(71, 2, 0, 1, 255)],
    ['a block that is cut off', Uint8Array.of(71, 4, 0)],
  ])('%s: none comes back', (_, block) => {
    expect(hex(asking(block), 43)).toBeUndefined()
  })
})

test('H18 iPXE that asks here is told its boot script', () => {
  expect([text(ack(IPXE).message, 67), text(ack(IPXE).message, 60)]).toEqual([SCRIPT_URL, 'PXEClient'])
})

test('an INFORM asks as well', () => {
  expect(outcome(respondAsBootServer(dhcp('inform', { ...BIOS, ciaddr: HERE }), FROM, view()))).toBe(
    'ack boot-server-asked',
  )
})

describe('who hears nothing', () => {
  const wds: [number, Uint8Array][] = [[250, bytesOf('\u000c\u0001\u0001\u0002')]]
  test.each<[string, DhcpMessage, string]>([
    ['a DISCOVER', dhcp('discover', UEFI), 'silence no-boot-request'],
    ['who is not booting', dhcp('request', { ciaddr: HERE }), 'silence not-booting'],
    [
      'H16 wdsnbp.com, which sends its state in option 250',
      dhcp('request', { ...BIOS, ciaddr: HERE, options: wds }),
      'silence windows-deployment',
    ],
    [
      'another network: anybody could have answers sent there',
      dhcp('request', { ...UEFI, ciaddr: '192.0.2.9' }),
      'silence foreign-network',
    ],
    ['a reply', { ...dhcp('ack', UEFI), op: 'reply' }, 'silence not-a-request'],
    ['firmware of the future', dhcp('request', { ...UEFI, architecture: 99 }), 'silence unsupported-architecture'],
  ])('%s', (_, message, said) => {
    expect(outcome(respondAsBootServer(message, FROM, view()))).toBe(said)
  })

  test('a machine that is blocked', () => {
    const blocked = view()
    blocked.fleet.plans.set(NODE1, { do: 'silence', reason: 'blocked' })
    expect(outcome(respondAsBootServer(dhcp('request', UEFI), FROM, blocked))).toBe('silence blocked')
  })
})

test('a machine behind a router is answered if the site lists its subnet', () => {
  const from = { address: ip('10.78.0.9'), port: 4011 }
  const routed = view({ subnets: [subnet('10.78.0.0/24', [])] })
  expect(outcome(respondAsBootServer(dhcp('request', UEFI), from, routed))).toBe('ack boot-server-asked')
})

test('H16 what BINL is and what not', () => {
  expect([isBinl(bytesOf('\u0081NEG\0\0')), isBinl(bytesOf('\u0081RQU')), isBinl(bytesOf('\u0082RSU'))]).toEqual([
    true,
    true,
    false,
  ])
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 8 }), bytes => {
      if (bytes[0] !== 0x81) expect(isBinl(bytes)).toBe(false)
    }),
  )
})
