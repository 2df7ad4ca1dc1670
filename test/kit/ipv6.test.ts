import { isIPv6 } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isPlainIpv6 } from '../../services/kit/ipv6.ts'

test.each([
  ['2001:db8::1', true],
  ['::', true],
  ['1:2:3:4:5:6:7:8', true],
  ['1:2:3:4:5:6:7::', true],
  ['1:2:3:4:5:6:7:8::', false],
  ['1::2::3', false],
  [':1', false],
  ['12345::', false],
  ['', false],
  ['fe80::1%eth0', false],
  ['::ffff:10.77.0.5', false],
])('%s', (text, plain) => {
  expect(isPlainIpv6(text)).toBe(plain)
})

test('it agrees with Node where there is no zone and no dotted form', () => {
  const piece = fc.constantFrom(':', '::', '0', 'ab', 'ffff', '1:2:3', '12345', 'g')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
      const text = pieces.join('')
      expect(isPlainIpv6(text)).toBe(isIPv6(text))
    }),
    { numRuns: 3000 },
  )
})
