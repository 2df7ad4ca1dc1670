import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isPlaceholderSerial, isPlaceholderUuid } from '../../services/site/identity.ts'

test.each([
  ['white-box board', 'To be filled by O.E.M.'],
  ['the same in capitals', 'TO BE FILLED BY O.E.M.'],
  ['mini PC', 'Default string'],
  ['ASUS desktop', 'System Serial Number'],
  ['Supermicro chassis', '0123456789'],
  ['Gigabyte', 'Not Specified'],
  ['nothing at all', ''],
  ['blanks', '   '],
  ['zeros', '0000000000'],
  ['zeros in groups', '0000-0000-0000'],
  ['dots of a Dell baseboard', '........'],
  ['Fs', 'FFFFFFFF'],
  ['two blanks between words', 'Default  string'],
  ['three dots', '...'],
  ['None', 'None'],
  ['twenty counted digits', '12345678901234567890'],
  ['counted from zero', '01234567'],
  ['three counted digits', '123'],
  ['template without blanks', 'ToBeFilledByO.E.M.'],
  ['AMI template', 'Type2 - Board Serial Number'],
])('serial of a %s says nothing', (_, serial) => {
  expect(isPlaceholderSerial(serial)).toBe(true)
})

test.each([
  ['Dell service tag', '7K2QX93'],
  ['Supermicro system', 'S452392X9B01234'],
  ['board with dots', '.7K2QX93.CNFCP0012300AB.'],
  ['digits only', '20413377'],
  ['digits that begin counted', '1234568'],
])('serial of a %s identifies it', (_, serial) => {
  expect(isPlaceholderSerial(serial)).toBe(false)
})

test.each([
  ['mini PC template', '03000200-0400-0500-0006-000700080009'],
  ['the same in wire order', '00020003-0004-0005-0006-000700080009'],
  ['not present', '00000000-0000-0000-0000-000000000000'],
  ['not settable', 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF'],
  ['one octet repeated', 'fefefefe-fefe-fefe-fefe-fefefefefefe'],
  ['words instead', 'Not Settable'],
  ['a Dell without service tag', '4C4C4544-0000-2010-8020-80C04F202020'],
  ['counted digits', '01234567-89ab-cdef-0123-456789abcdef'],
  ['nothing', ''],
])('uuid: %s says nothing', (_, uuid) => {
  expect(isPlaceholderUuid(uuid)).toBe(true)
})

test.each([
  ['Dell', '4c4c4544-004b-3210-8051-b7c04f583933'],
  ['the same in capitals', '4C4C4544-004B-3210-8051-B7C04F583933'],
  ['Supermicro, zeros before its MAC', '00000000-0000-0000-0000-ac1f6b0a0b0c'],
])('uuid of a %s identifies it', (_, uuid) => {
  expect(isPlaceholderUuid(uuid)).toBe(false)
})

test('random text never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      expect(typeof isPlaceholderSerial(text)).toBe('boolean')
      expect(typeof isPlaceholderUuid(text)).toBe('boolean')
    }),
  )
})
