import { describe, expect, test } from 'vitest'
import { findKeyMistake, judgeHash } from '../../services/answer/credentials.ts'
import { ECDSA, ED25519, HASH } from './samples.ts'

const SHA512 = '$6$saltsalt$hRM5XZ86KXEw9UOmjigeVqFgULtFB2sgpC9lXQDfMib3Zgw7mEiUvBJI2EplzfAqxL5Vvwp2scFtv/uamSo5z0'
const BCRYPT = '$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW'

describe('password hashes', () => {
  test.each([
    ['yescrypt, as mkpasswd makes it', HASH, 'fine'],
    ['SHA-512', SHA512, 'fine'],
    ['SHA-512 with rounds', SHA512.replace('$6$', '$6$rounds=65536$'), 'fine'],
    ['SHA-256', `$5$saltsalt$${'a'.repeat(43)}`, 'fine'],
    ['bcrypt', BCRYPT, 'fine'],
    ['scrypt', `$7$CU..../....${'a'.repeat(22)}$${'b'.repeat(43)}`, 'fine'],
    ['locked', '!', 'locked'],
    ['locked, with its hash behind', `!${SHA512}`, 'locked'],
    ['never had one', '*', 'locked'],
  ])('%s', (_, text, verdict) => {
    expect(judgeHash(text)).toBe(verdict)
  })

  test.each([
    ['a password', 'correct horse', 'is not a crypt hash'],
    ['nothing', '', 'is not a crypt hash'],
    ['DES, which looks like a password', 'rl.3StKT.4T8M', 'is not a crypt hash'],
    ['cut', SHA512.slice(0, -1), 'is not a whole hash of the method "6": it was cut or changed'],
    ['with a line break', `${SHA512}\n`, 'is not a whole hash of the method "6": it was cut or changed'],
    ['a colon, which ends the field of the shadow file', '!:', 'has a blank or a colon'],
    [
      'dollars that a shell has replaced',
      '$y$j9T$/wY7bT0o2s9',
      'is not a whole hash of the method "y": it was cut or changed',
    ],
    ['Argon2', '$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA', 'has the method "argon2id", which Debian cannot verify'],
    ['a method named like a property', '$constructor$a$b', 'has the method "constructor", which Debian cannot verify'],
  ])('%s', (_, text, mistake) => {
    expect(judgeHash(text)).toEqual({ mistake })
  })

  test('MD5 is taken, and guessed quickly', () => {
    expect(judgeHash('$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/')).toEqual({ doubt: 'is MD5, which is guessed quickly' })
  })
})

const [ALGORITHM = '', BASE64 = ''] = ED25519.split(' ')

describe('public keys', () => {
  test.each([
    ['Ed25519', ED25519],
    ['without a comment', `${ALGORITHM} ${BASE64}`],
    ['ECDSA', ECDSA],
    ['with options', `no-pty,no-X11-forwarding ${ED25519}`],
    ['with a command that holds blanks and quotes', `command="echo \\"ssh-rsa AAAA\\"",from="10.*" ${ED25519}`],
    ['between tabs', `${ALGORITHM}\t${BASE64}\tops`],
  ])('%s', (_, line) => {
    expect(findKeyMistake(line)).toBeUndefined()
  })

  test.each([
    ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----', 'is a private key'],
    ['a host', 'ops@example.org', 'is not a public key'],
    ['the body alone', BASE64, 'is not a public key'],
    ['cut', `${ALGORITHM} ${BASE64.slice(0, 40)}`, 'is a public key that was cut'],
    ['cut at a border of three', `${ALGORITHM} ${BASE64.slice(0, -4)}`, 'is a public key that was cut'],
    ['the algorithm of another key', `ssh-rsa ${BASE64}`, 'is not a key of the algorithm ssh-rsa'],
    ['DSA', 'ssh-dss AAAAB3NzaC1kc3MAAACBAP', 'is a DSA key, which OpenSSH refuses'],
    ['a quote without end', `command="x ${ED25519}`, 'is not a public key'],
    ['the form of a certificate authority file', `@cert-authority *.example.org ${ED25519}`, 'is not a public key'],
  ])('%s', (_, line, mistake) => {
    expect(findKeyMistake(line)).toBe(mistake)
  })

  test('a long line of quotes takes no time', () => {
    expect(findKeyMistake(`${'"a" '.repeat(100_000)}`)).toBe('is not a public key')
    expect(findKeyMistake('"'.repeat(400_000))).toBe('is not a public key')
  })
})
