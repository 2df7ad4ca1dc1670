import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseChecksums } from '../../services/iso/checksum-list.ts'

const A = 'ab'.repeat(32)
const B = '12'.repeat(32)

test.each([
  ['as sha256sum writes it', `${A}  a.iso\n${B} *b.iso\n`, undefined, ['a.iso', 'b.iso']],
  ['as sha256sum --tag writes it', `SHA256 (a.iso) = ${A}\nMD5 (a.iso) = ${'0'.repeat(32)}\n`, undefined, ['a.iso']],
  ['in upper case, with lines of Windows', `${A.toUpperCase()}  a.iso\r\n`, undefined, ['a.iso']],
  ['by a path', `${A}  ./a.iso\n${B}  iso/a.iso\n`, undefined, ['a.iso', 'iso/a.iso']],
  ['names with blanks', `${A}  my iso.iso\n`, undefined, ['my iso.iso']],
  ['a checksum alone, beside its file', `${A}\n`, 'a.iso', ['a.iso']],
  ['a checksum alone, in a list of many', `${A}\n`, undefined, []],
  ['checksums of other lengths', `${A}00  a.iso\n${A.slice(2)}  b.iso\n`, undefined, []],
  ['comments and prose', `# ${A}\nthe checksum is ${A}  a.iso\n\n`, undefined, []],
  ['a line without end', `${A}  ${'a'.repeat(5000)}`, undefined, []],
])('%s', (_, text, alone, names) => {
  const listed = parseChecksums(text, alone)
  expect(listed.map(({ name }) => name)).toEqual(names)
  for (const { sha256 } of listed) expect([A, B]).toContain(sha256)
})

test('no text makes it throw, and what it finds stands in the text', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), fc.string(), (text, alone) => {
      for (const { sha256 } of parseChecksums(`${text}\n${A}  a.iso\n${text}`, alone))
        expect(sha256).toMatch(/^[0-9a-f]{64}$/)
    }),
  )
})
