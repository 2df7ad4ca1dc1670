import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { handedSockets } from '../../services/kit/activation.ts'
import { formatSize, parseDuration, parseRate, parseSize } from '../../services/kit/amount.ts'
import {
  broadcastOf,
  type Ipv4,
  ipv4FromNumber,
  ipv4ToNumber,
  maskOf,
  parseInterfaceAddress,
  parseIpv4,
  parsePrefix,
  parseRange,
  prefixContains,
} from '../../services/kit/ipv4.ts'
import { macFromBytes, macToBytes, parseMac } from '../../services/kit/mac.ts'
import { EnvironmentProblem, formatProblem } from '../../services/kit/problem.ts'
import { openSockets } from '../../services/kit/sockets.ts'
import { patchSegments, type Segment, sliceSegments, totalLength } from '../../services/kit/segments.ts'

describe('MAC addresses', () => {
  test.each([
    ['as Linux prints it', 'bc:24:11:ab:12:21', 'bc:24:11:ab:12:21'],
    ['upper case, as installers from 9.2 post it', 'BC:24:11:AB:12:21', 'bc:24:11:ab:12:21'],
    ['with dashes, as labels have it', 'BC-24-11-AB-12-21', 'bc:24:11:ab:12:21'],
    ['five octets', 'bc:24:11:ab:12', undefined],
    ['InfiniBand', '80:00:02:08:fe:80:00:00:00:00:00:00:f4:52:14:03:00:7b:cb:a1', undefined],
    ['not hexadecimal', 'bc:24:11:ab:12:2g', undefined],
  ])('%s', (_, text, mac) => {
    expect(parseMac(text)).toBe(mac)
  })

  test('property: octets there and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), octets => {
        expect(macToBytes(macFromBytes(octets)!)).toEqual(octets)
      }),
    )
  })
})

describe('IPv4', () => {
  test.each([
    ['10.77.0.1', true],
    ['010.0.0.1', false],
    ['10.77.0', false],
    ['10.77.0.256', false],
    ['::1', false],
    ['', false],
  ])('%s is an address: %s', (text, valid) => {
    expect(parseIpv4(text) !== undefined).toBe(valid)
  })

  test('prefixes', () => {
    const prefix = parsePrefix('10.77.0.0/23')!
    expect([maskOf(prefix), broadcastOf(prefix)]).toEqual(['255.255.254.0', '10.77.1.255'])
    expect(prefixContains(prefix, '10.77.1.9' as Ipv4)).toBe(true)
    expect(prefixContains(prefix, '10.77.2.0' as Ipv4)).toBe(false)
    expect(parsePrefix('10.77.0.1/23')).toBeUndefined()
    expect(parsePrefix('10.77.0.0/33')).toBeUndefined()
    expect(prefixContains(parsePrefix('0.0.0.0/0')!, '203.0.113.9' as Ipv4)).toBe(true)
    expect(parseInterfaceAddress('10.77.1.9/23')).toEqual({
      address: '10.77.1.9',
      prefix: { network: '10.77.0.0', length: 23 },
    })
  })

  test('ranges', () => {
    expect(parseRange('10.0.0.5-10.0.0.9')).toEqual({ first: '10.0.0.5', last: '10.0.0.9' })
    expect(parseRange('10.0.0.9-10.0.0.5')).toBeUndefined()
    expect(parseRange('10.0.0.5')).toBeUndefined()
  })

  test('property: numbers there and back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), value => {
        expect(ipv4ToNumber(ipv4FromNumber(value))).toBe(value)
      }),
    )
  })
})

test.each([
  ['90s', 90_000],
  ['1h', 3_600_000],
  ['500ms', 500],
  ['1', undefined],
  ['-1s', undefined],
  ['1 h', undefined],
  ['1w', undefined],
])('the duration %s', (text, value) => {
  expect(parseDuration(text)).toBe(value)
})

test('sizes', () => {
  expect([parseSize('1MiB'), parseSize('2GiB'), parseSize('1MB')]).toEqual([1_048_576, 2_147_483_648, undefined])
  expect([formatSize(512), formatSize(1_836_000_000)]).toEqual(['512 B', '1.7 GiB'])
})

test('rates', () => {
  expect([parseRate('20MiB/s'), parseRate('20MiB'), parseRate('160Mb/s'), parseRate('/s')]).toEqual([
    20_971_520,
    undefined,
    undefined,
    undefined,
  ])
})

describe('segments', () => {
  const bytes = (...values: number[]): Segment => ({ from: 'memory', bytes: Uint8Array.from(values) })
  const flatten = (segments: Segment[]): number[] =>
    segments.flatMap(segment => (segment.from === 'memory' ? [...segment.bytes] : []))

  test('a slice of a file segment moves its offset', () => {
    expect(sliceSegments([{ from: 'file', path: 'a', offset: 100, length: 50 }], 10, 20)).toEqual([
      { from: 'file', path: 'a', offset: 110, length: 20 },
    ])
  })

  test('property: a slice of the list is the list of the slice', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 8 })), fc.nat(40), fc.nat(40), (parts, offset, length) => {
        const all = parts.flatMap(part => [...part])
        expect(
          flatten(
            sliceSegments(
              parts.map(part => ({ from: 'memory', bytes: part })),
              offset,
              length,
            ),
          ),
        ).toEqual(all.slice(offset, offset + length))
      }),
    )
  })

  test('a patch keeps the length and changes its bytes only', () => {
    const patched = patchSegments([bytes(1, 2, 3), bytes(4, 5, 6)], 2, Uint8Array.of(9, 9))
    expect(flatten(patched)).toEqual([1, 2, 9, 9, 5, 6])
    expect(totalLength(patched)).toBe(6)
    expect(() => patchSegments([bytes(1)], 0, Uint8Array.of(1, 2))).toThrow(RangeError)
  })
})

describe('sockets from the service manager', () => {
  test('are found by name', () => {
    expect(handedSockets({ LISTEN_PID: '42', LISTEN_FDS: '3', LISTEN_FDNAMES: 'dhcp:tftp:http' }, 42)).toEqual(
      new Map([
        ['dhcp', 3],
        ['tftp', 4],
        ['http', 5],
      ]),
    )
  })

  test('of another process are not ours', () => {
    expect(handedSockets({ LISTEN_PID: '41', LISTEN_FDS: '1', LISTEN_FDNAMES: 'dhcp' }, 42)).toEqual(new Map())
  })
})

test('an interface that does not exist is told once, not once a port', async () => {
  const request = { interface: 'nope0', address: '127.0.0.1' as Ipv4, dhcp: true, httpPort: 8080, tlsPort: 8443 }
  const error = await openSockets(request, new Map()).catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(EnvironmentProblem)
  expect((error as EnvironmentProblem).message).toBe(
    'there is no interface nope0; see `ip link` for the names, and set network.interface',
  )
})

test('a problem is one line: what, where, what to do', () => {
  expect(
    formatProblem({
      code: 'x',
      message: 'unknown key "domian"',
      hint: 'did you mean "domain"?',
      severity: 'error',
      place: { file: 'site.toml', line: 3, column: 1 },
    }),
  ).toBe('site.toml:3:1: error: unknown key "domian"; did you mean "domain"?')
})
