import { describe, expect, test } from 'vitest'
import { reachesInstaller } from '../../services/site/urls.ts'
import { encode } from '../../services/dhcp/codec.ts'
import type { DhcpMessage } from '../../services/dhcp/message.ts'
import { bytesOf, uint32 } from '../../services/dhcp/options.ts'
import { parsePrefix } from '../../services/kit/ipv4.ts'
import type { ExtraOption } from '../../services/site/types.ts'
import {
  BIOS,
  codes,
  dhcp,
  hex,
  INSTALLER,
  ip,
  IPXE,
  mac,
  NODE1,
  NODE2,
  type Said,
  text,
  UEFI,
  UEFI_HTTP,
} from './messages.ts'
import { Bench, RACK, SCRIPT_URL, subnet } from './rig.ts'

const OPTION_82 = Uint8Array.of(1, 4, 0, 1, 2, 3)
const CLIENT_ID = Uint8Array.of(1, 0xbc, 0x24, 0x11, 0xab, 0x12, 0x21)

function offer(said: Said = {}, bench = new Bench()): DhcpMessage {
  return bench.reply(dhcp('discover', said)).message
}

function ack(said: Said = {}, bench = new Bench()): DhcpMessage {
  const { yiaddr } = offer(said, bench)
  return bench.reply(dhcp('request', { ...said, wants: yiaddr, server: '10.77.0.1' })).message
}

function nak(said: Said = {}): DhcpMessage {
  return new Bench().reply(dhcp('request', { ...said, wants: '192.168.1.9' })).message
}

describe('fields', () => {
  test('B01 what an OFFER copies from the request and what it sets', () => {
    const { options: _, ...fields } = offer({ xid: 0xdeadbeef, broadcast: true, hops: 3 })
    expect(fields).toEqual({
      op: 'reply',
      htype: 1,
      chaddr: Uint8Array.of(0xbc, 0x24, 0x11, 0xab, 0x12, 0x21),
      hops: 0,
      xid: 0xdeadbeef,
      secs: 0,
      broadcast: true,
      ciaddr: '0.0.0.0',
      yiaddr: '10.77.0.100',
      siaddr: '0.0.0.0',
      giaddr: '0.0.0.0',
      sname: '',
      file: '',
    })
  })

  test('B02 ciaddr is copied in an ACK only', () => {
    const bench = new Bench()
    bench.lease('10.77.0.100', NODE1)
    expect(bench.reply(dhcp('discover', { ciaddr: '10.77.0.100' })).message.ciaddr).toBe('0.0.0.0')
    expect(bench.reply(dhcp('request', { ciaddr: '10.77.0.100' })).message.ciaddr).toBe('10.77.0.100')
    expect(bench.reply(dhcp('request', { ciaddr: '10.77.0.101' })).message.ciaddr).toBe('0.0.0.0')
  })

  test('B03 yiaddr is zero in a NAK and in an ACK to INFORM', () => {
    expect(nak().yiaddr).toBe('0.0.0.0')
    expect(new Bench().reply(dhcp('inform', { ciaddr: '10.77.0.50' })).message.yiaddr).toBe('0.0.0.0')
  })

  test('B04 siaddr is the next server when booting, zero otherwise and in a NAK', () => {
    expect([offer(BIOS).siaddr, ack(BIOS).siaddr, offer().siaddr, nak(BIOS).siaddr]).toEqual([
      '10.77.0.1',
      '10.77.0.1',
      '0.0.0.0',
      '0.0.0.0',
    ])
  })

  test('B05 F10 every reply carries its type and our address', () => {
    const inform = new Bench().reply(dhcp('inform', { ciaddr: '10.77.0.50' })).message
    expect([offer(), ack(), nak(), inform].map(message => [hex(message, 53), hex(message, 54)])).toEqual([
      ['02', '0a4d0001'],
      ['05', '0a4d0001'],
      ['06', '0a4d0001'],
      ['05', '0a4d0001'],
    ])
  })

  test('B06 the lease time is in OFFER and ACK, B10 with T1 and T2, and not in NAK or ACK to INFORM', () => {
    const times = (message: DhcpMessage) => [51, 58, 59].map(code => hex(message, code))
    const inform = new Bench().reply(dhcp('inform', { ciaddr: '10.77.0.50' })).message
    expect(times(offer())).toEqual(['00000e10', '00000708', '00000c4e'])
    expect(times(ack())).toEqual(['00000e10', '00000708', '00000c4e'])
    expect(times(nak())).toEqual([undefined, undefined, undefined])
    expect(times(inform)).toEqual([undefined, undefined, undefined])
  })

  test('B07 a NAK carries nothing but 53, 54, 56, 61 and 82, B14 and explains itself', () => {
    const message = nak({ ...BIOS, clientId: CLIENT_ID, asks: [1, 3, 6, 66, 67], options: [[82, OPTION_82]] })
    expect(codes(message)).toEqual([53, 54, 56, 61, 82])
    expect(text(message, 56)).toBe('the address is not of this network')
    expect(codes(nak())).toEqual([53, 54, 56])
    expect(message.file).toBe('')
  })

  test('B08 the client identifier is echoed unchanged if received', () => {
    const id = Uint8Array.of(255, 0, 1, 2, 3)
    expect([hex(offer({ clientId: id }), 61), hex(ack({ clientId: id }), 61), hex(offer(), 61)]).toEqual([
      'ff00010203',
      'ff00010203',
      undefined,
    ])
  })

  test('B09 requested address, parameter list and message size never come back', () => {
    const message = ack({ asks: [50, 55, 57, 1], maxSize: 1472 })
    expect([50, 55, 57].map(code => hex(message, code))).toEqual([undefined, undefined, undefined])
  })

  test.each([
    ['an endless lease', 0xffffffff],
    ['a longer one', 86_400],
    ['a shorter one', 60],
    ['none at all', 0],
  ])('B13 a machine that asks for %s gets the site’s', (_, seconds) => {
    const said = { options: [[51, uint32(seconds)]] as [number, Uint8Array][] }
    expect([hex(offer(said), 51), hex(ack(said), 51)]).toEqual(['00000e10', '00000e10'])
  })

  test('F07 a relayed NAK has the broadcast flag', () => {
    const bench = new Bench({ subnets: [{ ...RACK, relays: [ip('10.77.0.2')] }] })
    const message = bench.reply(dhcp('request', { giaddr: '10.77.0.2', wants: '192.168.1.9' })).message
    expect([message.broadcast, message.giaddr]).toEqual([true, '10.77.0.2'])
  })
})

describe('network options', () => {
  test('B11 mask, router and DNS are sent to a machine that asked for nothing', () => {
    const message = offer()
    expect([1, 3, 6, 15].map(code => hex(message, code))).toEqual([
      'ffffff00',
      '0a4d00fe',
      '0a4d0001',
      Buffer.from('rack7.example.org').toString('hex'),
    ])
  })

  test('A20 requested options come in the requested order, A21 the mask before the router, G01 option 82 last', () => {
    const message = offer({ asks: [15, 3, 6, 1, 28], clientId: CLIENT_ID, options: [[82, OPTION_82]] })
    expect(codes(message)).toEqual([53, 54, 51, 15, 1, 3, 6, 28, 58, 59, 61, 82])
    const asked = encode(offer({ asks: [82, 1, 3], options: [[82, OPTION_82]] }), { maxBytes: 548 })
    expect(Buffer.from(asked).toString('hex')).toMatch(/5206010400010203ff(00)*$/)
  })

  test('119 is exactly the one domain, and only where requested', () => {
    expect(text(offer({ asks: [119] }), 119)).toBe('\x05rack7\x07example\x03org\x00')
    expect(hex(offer(), 119)).toBeUndefined()
  })

  test('NTP servers and the extra options of the subnet', () => {
    const extra = subnet('10.77.0.0/24', ['10.77.0.100-10.77.0.103'], {
      ntp: [ip('10.77.0.1'), ip('10.77.0.2')],
      options: [
        { code: 26, type: 'uint16', value: 1400 },
        { code: 2, type: 'uint32', value: 3600 },
        { code: 23, type: 'uint8', value: 64 },
        { code: 114, type: 'string', value: 'https://é' },
        { code: 43, type: 'hex', value: '01:02ff' },
        { code: 69, type: 'ipv4', value: [ip('10.77.0.9')] },
      ],
    })
    const message = offer({}, new Bench({ subnets: [extra] }))
    expect([42, 26, 2, 23, 114, 43, 69].map(code => hex(message, code))).toEqual([
      '0a4d00010a4d0002',
      '0578',
      '00000e10',
      '40',
      '68747470733a2f2fc3a9',
      '0102ff',
      '0a4d0009',
    ])
  })

  test('A18 A22 A23 options as lists, and a machine’s own instead of the subnet’s', () => {
    const options: ExtraOption[] = [
      { code: 19, type: 'bool', value: true },
      { code: 88, type: 'domains', value: ['a.example.org', 'b.example.org'] },
      { code: 121, type: 'routes', value: [{ to: parsePrefix('10.80.0.0/12')!, via: ip('10.77.0.9') }] },
      { code: 23, type: 'uint8', value: 64 },
    ]
    const bench = new Bench({ subnets: [{ ...RACK, options }] })
    bench.fleet.options.set(NODE1, [{ code: 23, type: 'uint8', value: 32 }])
    const message = offer({}, bench)
    expect([19, 88, 121, 23].map(code => hex(message, code))).toEqual([
      '01',
      '0161076578616d706c65036f72670001' + '62c002',
      '0c0a500a4d0009',
      '20',
    ])
    expect(hex(offer({ mac: NODE2 }, bench), 23)).toBe('40')
  })

  test('B12 a machine that asked for classless routes is sent neither router nor static routes', () => {
    const routes = { code: 121, type: 'hex', value: '000a4d0001' } as const
    const bench = () =>
      new Bench({ subnets: [{ ...RACK, options: [routes, { code: 33, type: 'hex', value: '0a4d00020a4d0001' }] }] })
    expect([3, 33, 121].map(code => hex(offer({ asks: [3, 33, 121] }, bench()), code))).toEqual([
      undefined,
      undefined,
      '000a4d0001',
    ])
    expect(hex(offer({ asks: [3] }, bench()), 3)).toBe('0a4d00fe')
  })

  test.each<[string, Said, string | undefined]>([
    ['an installed system hears its name', { asks: [12] }, 'node1'],
    ['the installer too', { asks: [...INSTALLER.asks] }, 'node1'],
    ['firmware does not', BIOS, undefined],
    ['iPXE does not', IPXE, undefined],
  ])('%s', (_, said, name) => {
    const bench = new Bench()
    bench.fleet.names.set(NODE1, 'node1')
    expect(text(offer(said, bench), 12)).toBe(name)
  })

  // The installer makes its FQDN of options 12 and 15, and quietly takes <product>.example.invalid if that is none.
  test.each(['node 1; reboot', 'node1.rack7.example.org', '-node1', 'node1-', '1234', '', 'x'.repeat(64)])(
    '%j is no short host name and is left out',
    name => {
      const bench = new Bench()
      bench.fleet.names.set(NODE1, name)
      expect(hex(offer({ asks: [12] }, bench), 12)).toBeUndefined()
    },
  )
})

describe('boot', () => {
  const MACHINE_ID = Uint8Array.from(Buffer.from('000000007700000040800000ff00000001', 'hex'))
  const boot = (message: DhcpMessage) => ({
    siaddr: message.siaddr,
    file: message.file,
    60: text(message, 60),
    66: text(message, 66),
    67: text(message, 67),
    43: hex(message, 43),
    97: hex(message, 97),
    175: hex(message, 175),
  })

  test('H02 H21 H22 a BIOS ROM hears server and loader in fields and options, H12 H13 and to ask no boot server', () => {
    expect(boot(offer({ ...BIOS, options: [[97, MACHINE_ID]] }))).toEqual({
      siaddr: '10.77.0.1',
      file: 'undionly.kpxe',
      60: 'PXEClient',
      66: '10.77.0.1',
      67: 'undionly.kpxe',
      43: '060108ff',
      97: '000000007700000040800000ff00000001',
      175: undefined,
    })
  })

  test('H07 the machine identifier is echoed in its one form only', () => {
    expect(hex(offer({ ...BIOS, options: [[97, Uint8Array.of(1, 2)]] }), 97)).toBeUndefined()
    expect(hex(offer(BIOS), 97)).toBeUndefined()
  })

  test('H03 H23 UEFI HTTP Boot hears HTTPClient, a whole URL and a DNS server', () => {
    const message = offer({ ...UEFI_HTTP, options: [[97, MACHINE_ID]] })
    expect(boot(message)).toEqual({
      siaddr: '10.77.0.1',
      file: 'http://10.77.0.1/loaders/snponly.efi',
      60: 'HTTPClient',
      66: undefined,
      67: 'http://10.77.0.1/loaders/snponly.efi',
      43: undefined,
      97: '000000007700000040800000ff00000001',
      175: undefined,
    })
    expect(hex(message, 6)).toBe('0a4d0001')
  })

  test('H03 a PXEClient hears a name and never a URL', () => {
    expect([offer(UEFI).file, text(offer(UEFI), 67)]).toEqual(['snponly.efi', 'snponly.efi'])
  })

  test('H23 a port that is not 80 is in the URL', () => {
    expect(text(offer(UEFI_HTTP, new Bench({ httpPort: 8080 })), 67)).toBe('http://10.77.0.1:8080/loaders/snponly.efi')
  })

  test('H18 H20 iPXE hears the script and not the loader, and not to wait for a proxy', () => {
    expect(boot(offer(IPXE))).toEqual({
      siaddr: '10.77.0.1',
      file: SCRIPT_URL,
      60: undefined,
      66: undefined,
      67: SCRIPT_URL,
      43: undefined,
      97: undefined,
      175: 'b00101',
    })
  })

  test('a script URL too long for the field is in option 67 alone', () => {
    const bench = new Bench()
    const url = `http://10.77.0.1/boot.ipxe?${'x'.repeat(120)}`
    bench.fleet.plans.set(NODE1, { do: 'script', url })
    const message = offer(IPXE, bench)
    expect([message.file, text(message, 67)]).toEqual(['', url])
  })

  test('H01 a system that is not booting hears nothing to boot', () => {
    expect(boot(offer({ vendorClass: 'MSFT 5.0' }))).toEqual({ siaddr: '0.0.0.0', file: '' })
  })

  test('H05 firmware of an unknown architecture gets an address and the log its reason', () => {
    const reply = new Bench().reply(dhcp('discover', { ...UEFI, architecture: 99 }))
    expect([boot(reply.message), reply.said.plan]).toEqual([
      { siaddr: '0.0.0.0', file: '' },
      { do: 'nothing', reason: 'unsupported-architecture' },
    ])
  })
})

describe('answer', () => {
  const answerOf = (plan: { url: string; fingerprint: string }, said: Said = { asks: [...INSTALLER.asks] }) => {
    const bench = new Bench()
    bench.fleet.plans.set(NODE1, { do: 'answer', ...plan })
    const { message, notes } = bench.reply(dhcp('discover', said))
    return [text(message, 250), text(message, 251), notes]
  }

  test('H24 the installer hears the exact bytes, without NUL', () => {
    const url = 'https://10.77.0.1/answer/k3y'
    expect(answerOf({ url, fingerprint: 'AB:CD' })).toEqual([url, 'AB:CD', []])
  })

  test('H24 only where requested', () => {
    const plan = { url: 'https://10.77.0.1/answer/k3y', fingerprint: 'AB:CD' }
    expect(answerOf(plan, { asks: [1, 3, 251] })).toEqual([undefined, 'AB:CD', []])
    expect(answerOf(plan, { asks: [1, 3] })).toEqual([undefined, undefined, []])
  })

  test('H24 another machine hears nothing of it', () => {
    const bench = new Bench()
    bench.fleet.plans.set(NODE1, { do: 'answer', url: 'https://10.77.0.1/answer/k3y', fingerprint: 'AB:CD' })
    bench.fleet.plans.set(NODE2, { do: 'nothing', reason: 'no-answer-due' })
    const { message } = bench.reply(dhcp('discover', { mac: NODE2, asks: [...INSTALLER.asks] }))
    expect([text(message, 250), text(message, 251)]).toEqual([undefined, undefined])
  })

  test('H25 a URL that the installer could not read is left out, with its fingerprint, and noted', () => {
    expect(answerOf({ url: 'https://10.77.0.1/answer?a=1&b=2', fingerprint: 'AB:CD' })).toEqual([
      undefined,
      undefined,
      ['answer-unfit'],
    ])
  })

  test.each([
    ['https://10.77.0.1/answer/k3y', true],
    ['https://rack.example.org:8443/a/b-c_d.e~f?token=1', true],
    ['x'.repeat(255), true],
    ['x'.repeat(256), false],
    ['', false],
    ['a b', false],
    ['a"b', false],
    ["a'b", false],
    ['a`b', false],
    ['a$b', false],
    ['a\\b', false],
    ['a|b', false],
    ['a&b', false],
    ['a\0', false],
    ['a\n', false],
    ['aé', false],
  ])('H25 %j gets through a lease file: %s', (value, fits) => {
    expect(reachesInstaller(value)).toBe(fits)
  })
})

test('two machines at one desk get their own MAC back', () => {
  const bench = new Bench()
  const first = bench.reply(dhcp('discover', { mac: mac('52:54:00:00:00:01') })).message
  expect(Buffer.from(first.chaddr).toString('hex')).toBe('525400000001')
  expect(bytesOf(first.yiaddr).length).toBeGreaterThan(0)
})
