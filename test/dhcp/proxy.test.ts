/** Proxy mode: what is said beside the server that gives the addresses, and what never is. */
import { describe, expect, test } from 'vitest'
import { decode, encodeWithin, limitsFor } from '../../services/dhcp/codec.ts'
import type { BootView, Decision, Reply } from '../../services/dhcp/decision.ts'
import type { DhcpMessage } from '../../services/dhcp/message.ts'
import { bytesOf } from '../../services/dhcp/options.ts'
import { respondAsProxy } from '../../services/dhcp/proxy.ts'
import { readVendorOptions } from '../../services/dhcp/vendor-options.ts'
import { BIOS, codes, dhcp, hex, INSTALLER, ip, IPXE, NODE1, type Said, text, UEFI, UEFI_HTTP } from './messages.ts'
import { RACK, SCRIPT_URL, server, subnet, TestFleet } from './rig.ts'

const MACHINE_ID: [number, Uint8Array] = [97, Uint8Array.of(0, ...new Uint8Array(16).fill(7))]
const ARM64 = { vendorClass: 'PXEClient:Arch:00011:UNDI:003000', architecture: 11 } as const

function bench(more: Partial<BootView['server']> = {}): BootView & { fleet: TestFleet } {
  return { server: server({ subnets: [], ...more }), fleet: new TestFleet() }
}

function outcome(decision: Decision): string {
  return `${decision.do === 'reply' ? decision.type : 'silence'} ${decision.reason}`
}

function replyTo(message: DhcpMessage, view: BootView = bench()): Reply {
  const decision = respondAsProxy(message, view)
  if (decision.do !== 'reply') throw new Error(`silent: ${decision.reason}`)
  return decision
}

const offer = (said: Said): DhcpMessage => replyTo(dhcp('discover', said)).message

describe('OFFER', () => {
  test('H08 has no address, no lease time and nothing of the network, 54 is us and 60 says PXEClient', () => {
    for (const said of [BIOS, UEFI, ARM64, IPXE]) {
      const message = offer({
        ...said,
        asks: [1, 3, 6, 12, 15, 51, 58, 59, 60, 66, 67, 119, 250, 251],
        clientId: Uint8Array.of(1, 2),
      })
      expect(message.yiaddr).toBe('0.0.0.0')
      expect([hex(message, 54), text(message, 60)]).toEqual(['0a4d0001', 'PXEClient'])
      expect(codes(message).filter(code => ![53, 54, 60, 66, 67, 43, 61, 97].includes(code))).toEqual([])
    }
  })

  test('a BIOS ROM is told server and file, H12 with bit 3 of 43.6: load it at once', () => {
    const message = offer({ ...BIOS, options: [MACHINE_ID] })
    expect([message.siaddr, message.file, text(message, 66), text(message, 67)]).toEqual([
      '10.77.0.1',
      'undionly.kpxe',
      '10.77.0.1',
      'undionly.kpxe',
    ])
    expect([hex(message, 43), hex(message, 97)]).toEqual([
      '060108ff',
      hex(dhcp('discover', { options: [MACHINE_ID] }), 97),
    ])
  })

  test.each([
    ['x64', UEFI],
    ['ARM64', ARM64],
  ])('H15 UEFI is sent to port 4011, without file and without menu: %s', (_, said) => {
    const { message, reason } = replyTo(dhcp('discover', said))
    expect([message.siaddr, message.file, codes(message), reason]).toEqual([
      '10.77.0.1',
      '',
      [53, 54, 60],
      'boot-server-offered',
    ])
  })

  test('H03 UEFI HTTP Boot is told the URL, as HTTPClient', () => {
    const message = offer(UEFI_HTTP)
    expect([text(message, 60), text(message, 67), message.yiaddr]).toEqual([
      'HTTPClient',
      'http://10.77.0.1/loaders/snponly.efi',
      '0.0.0.0',
    ])
  })

  test('H18 iPXE is told its boot script and never a loader, and not that there is no proxy', () => {
    const message = offer(IPXE)
    expect([message.file, text(message, 67), hex(message, 175)]).toEqual([SCRIPT_URL, SCRIPT_URL, undefined])
  })
})

describe('who hears nothing', () => {
  test.each<[string, DhcpMessage, string]>([
    ['H08 a laptop', dhcp('discover'), 'silence not-booting'],
    [
      'the installer: its URL is in its mode file',
      dhcp('discover', { asks: [...INSTALLER.asks] }),
      'silence not-booting',
    ],
    ['H05 firmware of the future', dhcp('discover', { ...UEFI, architecture: 99 }), 'silence unsupported-architecture'],
    [
      'H09 a REQUEST to the other server',
      dhcp('request', { ...BIOS, server: '10.77.0.2', wants: '10.77.0.9' }),
      'silence addresses-elsewhere',
    ],
    [
      'H09 a REQUEST that names us',
      dhcp('request', { ...BIOS, server: '10.77.0.1', wants: '10.77.0.9' }),
      'silence addresses-elsewhere',
    ],
    [
      'H09 a renewal of a foreign address',
      dhcp('request', { ...BIOS, ciaddr: '192.168.1.9' }),
      'silence addresses-elsewhere',
    ],
    ['H09 a machine that remembers an address', dhcp('request', { wants: '10.77.0.9' }), 'silence addresses-elsewhere'],
    ['a RELEASE', dhcp('release', { ciaddr: '10.77.0.9' }), 'silence addresses-elsewhere'],
    ['a DECLINE', dhcp('decline', { wants: '10.77.0.9', server: '10.77.0.1' }), 'silence addresses-elsewhere'],
    ['an INFORM of nowhere', dhcp('inform', BIOS), 'silence inform-without-address'],
    [
      'an INFORM of no network of the site',
      dhcp('inform', { ...BIOS, ciaddr: '192.0.2.9' }),
      'silence foreign-network',
    ],
    ['a DISCOVER that says so', dhcp('discover', { ...BIOS, ciaddr: '192.0.2.9' }), 'silence foreign-network'],
    ['an INFORM of a system', dhcp('inform', { ciaddr: '10.77.0.9' }), 'silence not-booting'],
    ['a reply of the other server', { ...dhcp('offer', BIOS), op: 'reply' }, 'silence not-a-request'],
    ['a message that went in a circle', dhcp('discover', { ...BIOS, hops: 17 }), 'silence too-many-hops'],
    [
      'a group address',
      { ...dhcp('discover', BIOS), chaddr: Uint8Array.of(1, 0, 0, 0, 0, 1) },
      'silence no-hardware-address',
    ],
  ])('%s', (_, message, said) => {
    expect(outcome(respondAsProxy(message, bench()))).toBe(said)
  })

  test('H05 the loader is not in the folder', () => {
    const view = bench()
    view.fleet.loaders.delete('snponly-arm64.efi')
    expect(outcome(respondAsProxy(dhcp('discover', ARM64), view))).toBe('silence loader-missing')
  })

  test.each(['blocked', 'ignored'] as const)('a machine that is %s', reason => {
    const view = bench()
    view.fleet.plans.set(NODE1, { do: 'silence', reason })
    expect(outcome(respondAsProxy(dhcp('discover', BIOS), view))).toBe(`silence ${reason}`)
  })
})

test('an INFORM of firmware that has its address is acknowledged with the file and without a lease', () => {
  const { message, reason, address } = replyTo(dhcp('inform', { ...BIOS, ciaddr: '10.77.0.9' }))
  expect([message.ciaddr, message.yiaddr, text(message, 67), hex(message, 51), reason, address]).toEqual([
    '10.77.0.9',
    '0.0.0.0',
    'undionly.kpxe',
    undefined,
    'informed',
    '10.77.0.9',
  ])
})

describe('relay agents', () => {
  const said = { ...BIOS, giaddr: '10.78.0.1' }
  test.each<[string, Partial<BootView['server']>, string]>([
    ['G07 one that no subnet lists', {}, 'silence unknown-relay'],
    ['one of the site', { subnets: [subnet('10.78.0.0/24', [], { relays: [ip('10.78.0.1')] })] }, 'offer boot-offered'],
  ])('%s', (_, more, expected) => {
    expect(outcome(respondAsProxy(dhcp('discover', said), bench(more)))).toBe(expected)
  })

  test('pools, router and extra options of a subnet are never sent', () => {
    const full = { ...RACK, relays: [ip('10.77.0.2')], options: [{ code: 26, type: 'uint16', value: 9000 } as const] }
    const message = replyTo(
      dhcp('discover', { ...BIOS, giaddr: '10.77.0.2', asks: [1, 3, 26] }),
      bench({ subnets: [full] }),
    ).message
    expect(codes(message)).toEqual([53, 54, 60, 66, 67, 43])
  })
})

test('H13 every option 43 of ours reads back whole', () => {
  const blocks = [BIOS, UEFI, IPXE].map(said => {
    const request = dhcp('discover', said)
    const { bytes } = encodeWithin(replyTo(request).message, limitsFor(request, 1500))
    const block = (decode(bytes) as DhcpMessage).options.get(43)
    return block && [block.at(-1), [...readVendorOptions(block)]]
  })
  const whole = [255, [[6, Uint8Array.of(8)]]]
  expect(blocks).toEqual([whole, undefined, undefined])
})

test('property: an option 43 that is cut off anywhere is read as far as it goes', () => {
  const block = Uint8Array.of(0, 6, 1, 3, 71, 4, 0, 1, 0, 0, 255, 9, 9)
  const sizes = Array.from(
    { length: block.length + 1 },
    (_, length) => readVendorOptions(block.subarray(0, length)).size,
  )
  expect(sizes).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2])
  expect(readVendorOptions(bytesOf(''))).toEqual(new Map())
})
