import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readVendorClasses, readVendorOptions } from '../../services/site/enterprise-blocks.ts'

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))

test.each([
  ['A24 nothing', '', []],
  ['A24 two classes of one vendor', '00000157' + '05' + '0161' + '026263', ['343 61', '343 6263']],
  ['A24 two vendors', '00000009' + '02' + '0161' + '00000157' + '02' + '0162', ['9 61', '343 62']],
  ['A24 a vendor with nothing to say', '00000009' + '00', []],
  ['A24 a length that is missing', '00000009', undefined],
  ['A24 a block that is cut off', '00000009' + '03' + '0161', undefined],
  ['A24 a string that runs past its block', '00000009' + '02' + '0261' + '00000157' + '00', undefined],
])('%s', (_, hex, classes) => {
  const read = readVendorClasses(bytes(hex))
  expect(read?.map(({ enterprise, data }) => `${enterprise} ${Buffer.from(data).toString('hex')}`)).toEqual(classes)
})

test.each([
  ['A24 two options of one vendor', '00000009' + '06' + '010161' + '0201ff', ['9 1 61', '9 2 ff']],
  ['A24 an option without a value', '00000009' + '02' + '0100', ['9 1 ']],
  ['A24 an option without a length', '00000009' + '01' + '01', undefined],
  ['A24 an option that runs past its block', '00000009' + '03' + '010261' + '00000157' + '00', undefined],
])('%s', (_, hex, options) => {
  const read = readVendorOptions(bytes(hex))
  const words = read?.map(({ enterprise, code, data }) => `${enterprise} ${code} ${Buffer.from(data).toString('hex')}`)
  expect(words).toEqual(options)
})

test('A24 property: reading never throws, and what is cut off anywhere inside a block is refused', () => {
  const block = fc.tuple(fc.integer({ min: 0, max: 0xffffffff }), fc.uint8Array({ minLength: 1, maxLength: 40 }))
  fc.assert(
    fc.property(block, fc.nat(100), ([enterprise, data], keep) => {
      const whole = new Uint8Array(6 + data.length)
      new DataView(whole.buffer).setUint32(0, enterprise)
      whole.set([data.length + 1, data.length], 4)
      whole.set(data, 6)
      expect(readVendorClasses(whole)).toEqual([{ enterprise, data }])
      const cut = whole.subarray(0, 1 + (keep % (whole.length - 1)))
      expect(readVendorClasses(cut)).toBeUndefined()
    }),
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), value => {
      expect(() => [readVendorClasses(value), readVendorOptions(value)]).not.toThrow()
    }),
  )
})
