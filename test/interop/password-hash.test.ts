/** Our SHA-crypt beside libcrypt, which `login` on the installed system asks (through perl's `crypt`), and OpenSSL's own. */
import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { sha512Crypt } from '../../services/answer/sha512-crypt.ts'

/** One text of each length, of letters and of what is no ASCII; a character of four octets may cross any border. */
const LENGTHS = Array.from({ length: 257 }, (_, length) => length)
const ODD = 'ß€𝄞 ~"\'\\$`'
const plain = (length: number): string => 'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(8).slice(0, length)

function odd(length: number): string {
  let text = ''
  while (Buffer.byteLength(text) < length) text += Array.from(ODD)[text.length % Array.from(ODD).length]
  return text
}

/** Few rounds, so that five hundred of them take no time. */
const COUNT = 1000

function libcrypt(passwords: readonly string[], salt: string): string[] {
  const program = 'binmode STDIN; while (<STDIN>) { chomp; print crypt(pack("H*", $_), $ARGV[0]), "\\n" }'
  const input = passwords.map(password => Buffer.from(password).toString('hex')).join('\n')
  return execFileSync('perl', ['-e', program, `$6$rounds=${COUNT}$${salt}`], { input: `${input}\n` })
    .toString()
    .trimEnd()
    .split('\n')
}

test.each([
  ['letters', plain],
  ['no ASCII', odd],
])('libcrypt makes the same of every length from 0 to 256 octets: %s', { timeout: 60_000 }, async (_, make) => {
  const passwords = LENGTHS.map(make)
  const ours: string[] = []
  for (const password of passwords) ours.push(await sha512Crypt(password, 'Zq./09azAZ', { count: COUNT }))
  expect(ours).toEqual(libcrypt(passwords, 'Zq./09azAZ'))
})

test.each([0, 1, 8, 15, 16])('a salt of %s characters', async length => {
  const salt = '0123456789abcdef'.slice(0, length)
  expect(await sha512Crypt('correct horse', salt, { count: COUNT })).toBe(libcrypt(['correct horse'], salt)[0])
})

// OpenSSL takes no empty password, and 256 octets at most.
test.each([1, 7, 8, 63, 64, 65, 127, 128, 129, 191, 192, 255, 256])(
  'openssl passwd -6 makes the same of %s octets',
  async length => {
    const password = odd(length).slice(0, -1) + plain(1)
    const hash = execFileSync('openssl', ['passwd', '-6', '-salt', 'saltstring', '-stdin'], { input: `${password}\n` })
    expect(await sha512Crypt(password, 'saltstring')).toBe(hash.toString().trimEnd())
  },
)
