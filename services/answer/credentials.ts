/** Forms of password hashes and public keys: the installer writes both down without a look at them. */

const SALT_64 = String.raw`[./A-Za-z0-9]`

/** crypt(5): the forms that Debian's libxcrypt verifies, by the id between the first two dollar signs. */
const HASHES: Record<string, RegExp> = {
  y: RegExp(String.raw`^\$y\$${SALT_64}+\$${SALT_64}{1,86}\$${SALT_64}{43}$`),
  gy: RegExp(String.raw`^\$gy\$${SALT_64}+\$${SALT_64}{1,86}\$${SALT_64}{43}$`),
  '7': RegExp(String.raw`^\$7\$${SALT_64}{11,97}\$${SALT_64}{43}$`),
  '2a': RegExp(String.raw`^\$2a\$\d\d\$${SALT_64}{53}$`),
  '2b': RegExp(String.raw`^\$2b\$\d\d\$${SALT_64}{53}$`),
  '2y': RegExp(String.raw`^\$2y\$\d\d\$${SALT_64}{53}$`),
  '6': RegExp(String.raw`^\$6\$(?:rounds=[1-9]\d*\$)?[^$:\s]{1,16}\$${SALT_64}{86}$`),
  '5': RegExp(String.raw`^\$5\$(?:rounds=[1-9]\d*\$)?[^$:\s]{1,16}\$${SALT_64}{43}$`),
  '1': RegExp(String.raw`^\$1\$[^$:\s]{1,8}\$${SALT_64}{22}$`),
}

/** Broken within hours on one graphics card. */
const WEAK = new Set(['1'])

export type HashVerdict = { mistake: string } | { doubt: string } | 'locked' | 'fine'

/** A locked account is `!` or `*` at the beginning. */
export function judgeHash(text: string): HashVerdict {
  if (/^[!*]/.test(text)) return /[:\s]/.test(text) ? { mistake: 'has a blank or a colon' } : 'locked'
  const id = /^\$([0-9a-z]+)\$/.exec(text)?.[1]
  if (id === undefined) return { mistake: 'is not a crypt hash' }
  const form = Object.hasOwn(HASHES, id) ? HASHES[id] : undefined
  if (!form) return { mistake: `has the method "${id}", which Debian cannot verify` }
  if (!form.test(text)) return { mistake: `is not a whole hash of the method "${id}": it was cut or changed` }
  return WEAK.has(id) ? { doubt: 'is MD5, which is guessed quickly' } : 'fine'
}

const ALGORITHMS = [
  'ssh-ed25519',
  'ssh-rsa',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
]
/** Of each, and `ssh-dss`, which OpenSSH no longer takes. */
const KNOWN = new Set([
  ...ALGORITHMS,
  ...ALGORITHMS.map(name => `${name.replace('@openssh.com', '')}-cert-v01@openssh.com`),
])
const FORMER = 'ssh-dss'

const LENGTH_OCTETS = 4

/** The strings that a key's octets hold, each behind its length (RFC 4251 §5); undefined if they do not fill the octets exactly. */
function stringsOf(octets: Uint8Array): Uint8Array[] | undefined {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  const strings: Uint8Array[] = []
  for (let at = 0; at < octets.length; ) {
    if (at + LENGTH_OCTETS > octets.length) return undefined
    const end = at + LENGTH_OCTETS + view.getUint32(at)
    if (end > octets.length) return undefined
    strings.push(octets.subarray(at + LENGTH_OCTETS, end))
    at = end
  }
  return strings
}

/** Options before the algorithm may hold blanks inside quotes only (sshd(8)). */
const KEY_LINE = /^(?:(?:[^\s"]|"(?:\\.|[^"\\])*")+[ \t]+)?([a-z0-9@.-]+)[ \t]+([A-Za-z0-9+/]+={0,2})(?:[ \t]|$)/

/** What is wrong with one line of `authorized_keys`; undefined if nothing is. */
export function findKeyMistake(line: string): string | undefined {
  if (line.includes('PRIVATE KEY')) return 'is a private key'
  const match = KEY_LINE.exec(line)
  const [, algorithm = '', base64 = ''] = match ?? []
  if (algorithm === FORMER) return 'is a DSA key, which OpenSSH refuses'
  if (!match || !KNOWN.has(algorithm)) return 'is not a public key'
  const [name, ...rest] = stringsOf(Buffer.from(base64, 'base64')) ?? []
  if (!name || rest.length === 0) return 'is a public key that was cut'
  return Buffer.from(name).toString() === algorithm ? undefined : `is not a key of the algorithm ${algorithm}`
}
