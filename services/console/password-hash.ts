/**
 * Passwords as they are kept: scrypt (RFC 7914) in the PHC string format, `$scrypt$ln=15,r=8,p=3$<salt>$<hash>` with unpadded base64. The parameters stand
 * in every hash, so they can grow: an older one is made anew when its owner signs in.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** `ln`: the binary logarithm of N, RFC 7914 §2. */
export type ScryptCost = { ln: number; r: number; p: number }
export type PasswordHash = { cost: ScryptCost; salt: Uint8Array; hash: Uint8Array }

/** 32 MiB and about a third of a second of one core: OWASP's third choice (2^15, 8, 3), since the packets of a rack come first. */
export const COST: ScryptCost = { ln: 15, r: 8, p: 3 }

const SALT_BYTES = 16
const HASH_BYTES = 32
/** What a file may ask for: a hash is no way to take the memory or the cores of the appliance (RFC 7914 §2 sets no such limits). */
const MOST: ScryptCost = { ln: 18, r: 16, p: 16 }
const LEAST: ScryptCost = { ln: 10, r: 1, p: 1 }
const MEMORY_MOST = 256 * 1024 ** 2

const PHC = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

/** Bytes that computing it takes: RFC 7914 §5's B and V. */
export function memoryOf({ ln, r, p }: ScryptCost): number {
  return 128 * r * (2 ** ln + p)
}

/** Undefined for anything that is not one, or that would cost more than 256 MiB. */
export function parsePasswordHash(text: string): PasswordHash | undefined {
  const match = PHC.exec(text)
  if (!match) return undefined
  const cost = { ln: Number(match[1]), r: Number(match[2]), p: Number(match[3]) }
  const fits = (['ln', 'r', 'p'] as const).every(name => cost[name] >= LEAST[name] && cost[name] <= MOST[name])
  if (!fits || memoryOf(cost) > MEMORY_MOST) return undefined
  return { cost, salt: Buffer.from(match[4]!, 'base64'), hash: Buffer.from(match[5]!, 'base64') }
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replaceAll('=', '')

export function formatPasswordHash({ cost, salt, hash }: PasswordHash): string {
  return `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${base64(salt)}$${base64(hash)}`
}

/** The same letters may come composed or not, by keyboard and system: RFC 8265 §4.2.2 has them composed. */
function derive(password: string, cost: ScryptCost, salt: Uint8Array, bytes: number): Promise<Uint8Array> {
  const options = { N: 2 ** cost.ln, r: cost.r, p: cost.p, maxmem: memoryOf(cost) + 1024 ** 2 }
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, bytes, options, (error, key) => (error ? reject(error) : resolve(key)))
  })
}

export async function hashPassword(
  password: string,
  cost: ScryptCost = COST,
  salt: Uint8Array = randomBytes(SALT_BYTES),
): Promise<PasswordHash> {
  return { cost, salt, hash: await derive(password, cost, salt, HASH_BYTES) }
}

export async function isPassword(password: string, { cost, salt, hash }: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await derive(password, cost, salt, hash.length), hash)
}

/** Whether it was made with less than is usual now. */
export function isOutdated({ cost }: PasswordHash, now: ScryptCost = COST): boolean {
  return cost.ln < now.ln || cost.r < now.r || cost.p < now.p
}

/** For names that nobody has: as much work as for a user, and no password fits it. */
export function nobodysHash(cost: ScryptCost): PasswordHash {
  return { cost, salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) }
}

/** Characters. Long enough against guessing at the rate of the sign-in, and by somebody who has the file. */
export const SHORTEST_PASSWORD = 12
/** Far above what anybody types; the work grows with it. */
export const LONGEST_PASSWORD = 1024

/** Why this is no password to set; undefined if it is one. */
export function weaknessOf(password: string, name: string): string | undefined {
  const length = [...password.normalize('NFC')].length
  if (length < SHORTEST_PASSWORD) return `it has ${length} characters, and ${SHORTEST_PASSWORD} are the least`
  if (password.length > LONGEST_PASSWORD) return `it is longer than ${LONGEST_PASSWORD} characters`
  if (/\p{Cc}/u.test(password)) return 'it has a control character, which nobody can type into the page'
  if (new Set(password).size < 4) return 'it repeats one or two characters'
  return password.toLowerCase().includes(name.toLowerCase()) && password.length < name.length + SHORTEST_PASSWORD / 2
    ? 'it is little more than the name'
    : undefined
}
