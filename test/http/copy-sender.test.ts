/** Downloads share what may be handed to the kernel in one turn of the event loop. */
import { expect, test } from 'vitest'
import { shareOf } from '../../services/http/copy-sender.ts'

const KIB = 1024

test.each([
  ['one download has a whole buffer', 1, 1024],
  ['two have one each', 2, 1024],
  ['eight are a rack that installs', 8, 256],
  ['a hundred keep enough to be worth a system call', 100, 64],
])('%s', (_, underWay, kibibytes) => {
  expect(shareOf(underWay) / KIB).toBe(kibibytes)
})
