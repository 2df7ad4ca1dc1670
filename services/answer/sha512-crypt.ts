/**
 * The password hash `$6$` of crypt(5): SHA-crypt by Ulrich Drepper (SHA-crypt.txt 0.6, 2016), the letters of whose steps stand below. What
 * `chpasswd -e` of every Proxmox installer understands, with what Node has.
 */
import { hash } from 'node:crypto'

const DIGEST_BYTES = 64
/** The one number of rounds that stands in no hash. */
export const DEFAULT_ROUNDS = 5000
/** Rounds between two pauses: about a third of a millisecond. */
const ROUNDS_A_STEP = 100
const LONGEST_SALT = 16

const digest = (...parts: Uint8Array[]): Buffer => hash('sha512', Buffer.concat(parts), 'buffer')

/** `bytes` again and again, `length` octets in all. */
function repeated(bytes: Uint8Array, length: number): Buffer {
  return Buffer.alloc(length, bytes)
}

/** Steps 1 to 12. */
function beginning(key: Buffer, salt: Buffer): Buffer {
  const alternate = digest(key, salt, key)
  const bits = [...key.length.toString(2)].toReversed()
  const byBits = key.length === 0 ? [] : bits.map(bit => (bit === '1' ? alternate : key))
  return digest(key, salt, repeated(alternate, key.length), ...byBits)
}

/** Step 21, a hundred rounds between two yields: five thousand at once would hold up every packet of a rack. */
function* rounds(key: Buffer, salt: Buffer, count: number): Generator<undefined, Buffer> {
  const first = beginning(key, salt)
  const p = repeated(digest(...Array.from(key, () => key)), key.length)
  const s = repeated(digest(...Array.from({ length: 16 + first[0]! }, () => salt)), salt.length)
  let last = first
  for (let round = 0; round < count; round++) {
    const isOdd = round % 2 === 1
    const parts = [isOdd ? p : last, ...(round % 3 ? [s] : []), ...(round % 7 ? [p] : []), isOdd ? last : p]
    last = digest(...parts)
    if (round % ROUNDS_A_STEP === ROUNDS_A_STEP - 1) yield undefined
  }
  return last
}

const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Four characters for three octets, lowest bits first. */
function characters(value: number, count: number): string {
  return Array.from({ length: count }, (_, at) => ALPHABET[(value >> (6 * at)) & 63]).join('')
}

/** Step 22: octets are taken in threes, 21 apart, each time one place further round. */
function encode(last: Buffer): string {
  const threes = Array.from({ length: 21 }, (_, at) => {
    const places = [at, at + 21, at + 42]
    const [a, b, c] = places.map((_place, turn) => last[places[(turn + at) % 3]!]!)
    return characters((a! << 16) | (b! << 8) | c!, 4)
  })
  return threes.join('') + characters(last[DIGEST_BYTES - 1]!, 2)
}

/**
 * The hash as it stands in /etc/shadow. `pause` is waited for between steps.
 * @param salt at most 16 characters of `./0-9A-Za-z`; what is beyond counts for nothing, as in crypt(3)
 */
export async function sha512Crypt(
  password: string,
  salt: string,
  { pause = async () => {}, count = DEFAULT_ROUNDS }: { pause?: () => Promise<void>; count?: number } = {},
): Promise<string> {
  const used = salt.slice(0, LONGEST_SALT)
  const work = rounds(Buffer.from(password), Buffer.from(used), count)
  let step = work.next()
  while (!step.done) {
    await pause()
    step = work.next()
  }
  return `$6$${count === DEFAULT_ROUNDS ? '' : `rounds=${count}$`}${used}$${encode(step.value)}`
}
