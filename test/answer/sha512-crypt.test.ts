/** SHA-crypt with the examples of its author's text, and what comes out of it in steps. test/interop compares it with glibc and OpenSSL. */
import { expect, test } from 'vitest'
import { DEFAULT_ROUNDS, sha512Crypt } from '../../services/answer/sha512-crypt.ts'

test.each([
  [
    'Hello world!',
    'saltstring',
    undefined,
    '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
  ],
  [
    'Hello world!',
    'saltstringsaltstring',
    10_000,
    '$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.',
  ],
  [
    'a very much longer text to encrypt.  This one even stretches over morethan one line.',
    'anotherlongsaltstring',
    1400,
    '$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1',
  ],
  ['', 'x', undefined, '$6$x$QSmr1Bx2g4O6BzKvdkgOcyU6H91X6I/XBv5pSalMhSPkwdH6Beo3F455xZJg0v//bxVK5F4OE5k1.0xuR26MK0'],
])('%s', async (password, salt, count, hash) => {
  expect(await sha512Crypt(password, salt, count === undefined ? {} : { count })).toBe(hash)
})

test('it pauses every hundred rounds, for whatever waits for the event loop', async () => {
  let pauses = 0
  await sha512Crypt('Hello world!', 'saltstring', { pause: async () => void pauses++ })
  expect(pauses).toBe(DEFAULT_ROUNDS / 100)
})
