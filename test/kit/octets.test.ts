import { expect, test } from 'vitest'
import { freshOctets } from '../../services/kit/octets.ts'

test('parts are zero, as long as asked for, and nobody else’s', () => {
  const lengths = [0, 1, 300, 576, 4096, 4097, 9216]
  const parts = Array.from({ length: 2000 }, (_, index) => freshOctets(lengths[index % lengths.length]!))
  for (const [index, part] of parts.entries()) {
    expect([part.length, part.some(octet => octet !== 0)]).toEqual([lengths[index % lengths.length], false])
    part.fill(index)
  }
  const changed = parts.filter((part, index) => part.some(octet => octet !== (index & 255)))
  expect(changed).toEqual([])
})
