/** Compares an ISO with the lists of checksums beside it, and those with their signatures. */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, lstat, open } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Instant } from '../kit/clock.ts'
import type { Problem } from '../kit/problem.ts'
import { type Listed, MOST_LIST_BYTES, parseChecksums } from './checksum-list.ts'
import { type Identity, identityOf, isSame } from './identity.ts'
import { checkSignature } from './signature.ts'
import type { Signature } from './signature-status.ts'
import type { Verification } from './verification.ts'

/** Less than a millisecond of hashing: between two of them whoever else has work on the event loop has his turn. */
const CHUNK_BYTES = 512 * 1024
/** Detached signatures, by what Proxmox, Debian and others call them. */
const SIGNATURE_ENDINGS = ['.asc', '.gpg', '.sign', '.sig']

export type VerifyOptions = {
  /** Files with public keys. */
  keyrings: string[]
  now: () => Instant
  /** Bytes read so far. */
  onProgress?: (done: number, total: number) => void
  /** Between two chunks: who serves others meanwhile rests longer than a turn of the event loop. */
  rest?: () => Promise<void>
  signal?: AbortSignal
}

/** `identity` is that of the file whose bytes were read. */
export type Verified = { verification: Verification; identity: Identity; bytes: number }

function problem(code: string, path: string, message: string, hint: string): Problem {
  return { code, message, hint, severity: 'error', place: { file: path } }
}

/** The bytes of a small plain file; undefined if there is none. */
async function readSmall(path: string): Promise<Uint8Array | undefined> {
  const status = await lstat(path).catch(() => undefined)
  if (!status?.isFile() || status.size > MOST_LIST_BYTES) return undefined
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MOST_LIST_BYTES), 0, MOST_LIST_BYTES, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

type List = { name: string; says: Listed[]; signature: Signature }

async function signatureOf(list: string, bytes: Uint8Array, keyrings: string[]): Promise<Signature> {
  for (const ending of SIGNATURE_ENDINGS) {
    if (await readSmall(`${list}${ending}`)) return checkSignature(keyrings, `${list}${ending}`, bytes)
  }
  return { state: 'none' }
}

/** The lists beside an ISO that say something about it. */
async function listsFor(path: string, keyrings: string[]): Promise<List[]> {
  const [folder, file] = [dirname(path), basename(path)]
  const lists: List[] = []
  for (const name of ['SHA256SUMS', `${file}.sha256`, `${file}.sha256sum`]) {
    const bytes = await readSmall(join(folder, name))
    const alone = name === 'SHA256SUMS' ? undefined : file
    const says = bytes && parseChecksums(new TextDecoder().decode(bytes), alone).filter(listed => listed.name === file)
    if (!bytes || !says || says.length === 0) continue
    lists.push({ name, says, signature: await signatureOf(join(folder, name), bytes, keyrings) })
  }
  return lists
}

async function hashOf(file: FileHandle, total: number, { onProgress, rest, signal }: VerifyOptions) {
  const hash = createHash('sha256')
  const buffer = Buffer.alloc(CHUNK_BYTES)
  let done = 0
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, done)
    if (bytesRead === 0) return { sha256: hash.digest('hex'), done }
    hash.update(buffer.subarray(0, bytesRead))
    done += bytesRead
    onProgress?.(done, total)
    await rest?.()
    signal?.throwIfAborted()
  }
}

/** The worst first: one list that was tampered with is enough. */
const BY_WORST: Signature['state'][] = ['bad', 'unchecked', 'none', 'good']

function judge(sha256: string, lists: List[], at: Instant): Verification {
  const names = lists.map(({ name }) => name)
  const worst = lists
    .map(({ signature }) => signature)
    .toSorted((a, b) => BY_WORST.indexOf(a.state) - BY_WORST.indexOf(b.state))[0]
  const found = { sha256, lists: names, signature: worst?.state ?? 'none', at } as const
  if (!worst) return { ...found, outcome: 'unlisted' }
  const other = lists.find(({ says }) => says.some(listed => listed.sha256 !== sha256))
  if (other) {
    const expected = other.says.find(listed => listed.sha256 !== sha256)!.sha256
    return { ...found, outcome: 'failed', why: `${other.name} says ${expected}, it has ${sha256}` }
  }
  const { state, why } = worst
  return { ...found, outcome: state === 'bad' ? 'failed' : 'good', ...(why === undefined ? {} : { why }) }
}

/**
 * Reads the whole file. Every list beside it that names it (`SHA256SUMS`, `NAME.sha256`) must have its checksum, and no
 * list may have a bad signature. Problems: `iso-unreadable`, `iso-not-regular`, `iso-changed` while it was read.
 * Rejects when a keyring cannot be read, and with the signal's reason.
 */
export async function verifyFile(path: string, options: VerifyOptions): Promise<Verified | Problem> {
  const lists = await listsFor(path, options.keyrings)
  let file: FileHandle | undefined
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const before = await file.stat()
    if (!before.isFile()) return problem('iso-not-regular', path, 'this is no plain file', 'name the ISO itself')
    const { sha256, done } = await hashOf(file, before.size, options)
    const identity = identityOf(before)
    if (done !== before.size || !isSame(identity, identityOf(await file.stat()))) {
      return problem('iso-changed', path, 'the file was changed while it was read', 'wait until it is copied wholly')
    }
    return { verification: judge(sha256, lists, options.now()), identity, bytes: done }
  } catch (error) {
    if (options.signal?.aborted) throw error
    const what = error instanceof Error ? error.message : String(error)
    return problem('iso-unreadable', path, `this ISO cannot be read: ${what}`, 'correct its name, or make it readable')
  } finally {
    await file?.close()
  }
}
