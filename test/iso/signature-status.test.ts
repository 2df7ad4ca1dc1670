import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dearmor, readStatus } from '../../services/iso/signature-status.ts'

const GOOD = [
  '[GNUPG:] NEWSIG',
  '[GNUPG:] SIG_ID abc 2026-01-01 1767225600',
  '[GNUPG:] GOODSIG 24B30F06ECC1836A Proxmox Trixie Release Key <proxmox-release@proxmox.com>',
  '[GNUPG:] VALIDSIG 24B30F06ECC1836AFF00 2026-01-01 1767225600 0 4 0 1 10 00 24B30F06ECC1836AFF00',
]
const NO_KEY = ['[GNUPG:] NEWSIG', '[GNUPG:] ERRSIG AAAA 1 10 00 1767225600 9 BBBB', '[GNUPG:] NO_PUBKEY AAAA']

test.each<[string, string[], string, string]>([
  ['signed', GOOD, 'good', 'signed by Proxmox Trixie Release Key <proxmox-release@proxmox.com>'],
  ['changed', ['[GNUPG:] BADSIG 24B3 Proxmox'], 'bad', 'the list was changed after it was signed'],
  ['one good and one bad', [...GOOD, '[GNUPG:] BADSIG 1 X'], 'bad', 'the list was changed after it was signed'],
  ['revoked', ['[GNUPG:] REVKEYSIG 1 X', ...GOOD.slice(3)], 'bad', 'the list was signed with a key that was revoked'],
  ['by another key', NO_KEY, 'unchecked', 'none of the keys given has signed the list'],
  ['by an old and a new key, of which one is known', [...NO_KEY, ...GOOD], 'good', GOOD[2]!.slice(35)],
  ['by an expired key', ['[GNUPG:] EXPKEYSIG 1 X'], 'unchecked', 'the key that signed the list has expired'],
  ['expired', ['[GNUPG:] EXPSIG 1 X'], 'unchecked', 'the signature of the list has expired'],
  ['nothing', [''], 'unchecked', 'the file of its signature has no signature that gpgv can read'],
  ['words of a user id', ['[GNUPG:] GOODSIG 1 X', 'VALIDSIG 1'], 'unchecked', 'the file of its signature has'],
])('%s', (_, lines, state, why) => {
  const signature = readStatus(lines.join('\n'))
  expect(signature.state).toBe(state)
  expect(signature.why).toContain(why)
})

test('keys in ASCII armour are unpacked, several of them one after the other', () => {
  const block = (bytes: Buffer, head: string, sum: string) =>
    `-----BEGIN PGP PUBLIC KEY BLOCK-----\n${head}\n${bytes.toString('base64')}\n${sum}-----END PGP PUBLIC KEY BLOCK-----\n`
  const text = `${block(Buffer.from('first key'), 'Version: 1\nComment: x\n', '=abcd\n')}\n${block(Buffer.from('second'), '', '')}`
  expect(Buffer.from(dearmor(text)!).toString()).toBe('first keysecond')
  expect(dearmor('\u0099\u0001 binary')).toBeUndefined()
})

test('no text makes them throw', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 500 }), text => {
      readStatus(text)
      dearmor(`-----BEGIN PGP PUBLIC KEY BLOCK-----\n${text}\n-----END PGP PUBLIC KEY BLOCK-----`)
    }),
  )
})
