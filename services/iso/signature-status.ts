/** What gpgv says, and keys in the form that it reads. Pure. */
import type { Verification } from './verification.ts'

export type Signature = { state: Verification['signature']; why?: string }

/** gpgv's words for one signature each (GnuPG's doc/DETAILS), the worst first. */
const VERDICTS: [word: string, state: Signature['state'], why: string][] = [
  ['BADSIG', 'bad', 'the list was changed after it was signed'],
  ['REVKEYSIG', 'bad', 'the list was signed with a key that was revoked'],
  ['EXPSIG', 'unchecked', 'the signature of the list has expired'],
  ['EXPKEYSIG', 'unchecked', 'the key that signed the list has expired'],
  ['ERRSIG', 'unchecked', 'none of the keys given has signed the list'],
]

/** One good signature is enough, unless another one is bad: lists may be signed by several keys. */
export function readStatus(status: string): Signature {
  const lines = status.split('\n').flatMap(line => (/^\[GNUPG:\] (\S+) ?(.*)$/.exec(line) ?? []).slice(1, 3).join(' '))
  const find = (word: string): string | undefined => lines.find(line => line.startsWith(`${word} `))
  const [bad, doubtful] = (['bad', 'unchecked'] as const).map(state =>
    VERDICTS.find(([word, of]) => of === state && find(word) !== undefined),
  )
  if (bad) return { state: 'bad', why: bad[2] }
  const good = find('GOODSIG')
  if (good && find('VALIDSIG'))
    return { state: 'good', why: `signed by ${good.split(' ').slice(2).join(' ').slice(0, 200)}` }
  return { state: 'unchecked', why: doubtful?.[2] ?? 'the file of its signature has no signature that gpgv can read' }
}

const ARMOUR =
  /-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(?:[^\n]*: [^\n]*\n)*\r?\n([A-Za-z0-9+/=\s]+?)(?:\r?\n=[A-Za-z0-9+/]{4}\s*)?-----END PGP PUBLIC KEY BLOCK-----/g

/** The bytes of the keys in ASCII armour (RFC 9580 §6.2), one after the other; undefined if there is none. */
export function dearmor(text: string): Uint8Array | undefined {
  const blocks = [...text.matchAll(ARMOUR)].map(([, base64]) => Buffer.from(base64!.replaceAll(/\s/g, ''), 'base64'))
  return blocks.length > 0 ? Buffer.concat(blocks) : undefined
}
