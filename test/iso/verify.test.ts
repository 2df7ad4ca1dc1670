import { createHash } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { inspectFile, openCatalogue } from '../../services/iso/catalogue.ts'
import { identityOf } from '../../services/iso/identity.ts'
import { notesIn } from '../../services/iso/notes.ts'
import type { Verification } from '../../services/iso/verification.ts'
import { verifyFile } from '../../services/iso/verify.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import { silentLog } from '../../services/kit/log.ts'
import { proxmoxImage } from './small-image.ts'

const IMAGE = proxmoxImage()
const SUM = createHash('sha256').update(IMAGE).digest('hex')
const OTHER = 'ab'.repeat(32)
const AT = Date.UTC(2026, 0, 1)

let folder: string
let iso: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-verify-'))
  iso = join(folder, 'a.iso')
  await writeFile(iso, IMAGE)
})
afterEach(() => rm(folder, { recursive: true }))

const put = (name: string, text: string) => writeFile(join(folder, name), text)

async function verified(): Promise<Verification> {
  const found = await verifyFile(iso, { keyrings: [], now: () => AT })
  if (isProblem(found)) throw new Error(found.message)
  return found.verification
}

test('a file that its list names with its checksum is good', async () => {
  await put('SHA256SUMS', `${OTHER}  b.iso\n${SUM}  a.iso\n`)
  expect(await verified()).toEqual({ outcome: 'good', sha256: SUM, lists: ['SHA256SUMS'], signature: 'none', at: AT })
})

test.each([
  ['in a list beside others', 'SHA256SUMS', `${OTHER}  a.iso\n`],
  ['in a list of its own', 'a.iso.sha256', `${OTHER}\n`],
  ['twice in one list, once rightly', 'SHA256SUMS', `${SUM}  a.iso\n${OTHER}  a.iso\n`],
])('another checksum %s is a failure', async (_, name, text) => {
  await put(name, text)
  expect(await verified()).toMatchObject({
    outcome: 'failed',
    sha256: SUM,
    lists: [name],
    why: `${name} says ${OTHER}, it has ${SUM}`,
  })
})

test('every list that names it has to agree', async () => {
  await put('SHA256SUMS', `${SUM}  a.iso\n`)
  await put('a.iso.sha256', `${OTHER}  a.iso\n`)
  expect(await verified()).toMatchObject({ outcome: 'failed', lists: ['SHA256SUMS', 'a.iso.sha256'] })
})

test.each([
  ['there is no list', undefined],
  ['the list names others only', `${OTHER}  b.iso\n`],
  ['the list is about a file of that name elsewhere', `${OTHER}  old/a.iso\n`],
])('it is unlisted if %s', async (_, text) => {
  if (text) await put('SHA256SUMS', text)
  expect(await verified()).toMatchObject({ outcome: 'unlisted', sha256: SUM, lists: [] })
})

test('a signature that nobody has the key for is not checked, and says so', async () => {
  await put('SHA256SUMS', `${SUM}  a.iso\n`)
  await put('SHA256SUMS.asc', 'signature')
  expect(await verified()).toMatchObject({
    outcome: 'good',
    signature: 'unchecked',
    why: 'no key of Proxmox is installed here: name a file of keys with --keyring',
  })
})

test('a list that is a link is not followed', async () => {
  await put('elsewhere', `${SUM}  a.iso\n`)
  await symlink(join(folder, 'elsewhere'), join(folder, 'SHA256SUMS'))
  expect((await verified()).outcome).toBe('unlisted')
})

test('progress goes up to the whole', async () => {
  const seen: number[] = []
  await verifyFile(iso, { keyrings: [], now: () => AT, onProgress: (done, total) => seen.push(done / total) })
  expect(seen.at(-1)).toBe(1)
})

test.each([
  ['a file that is not there', 'b.iso', 'iso-unreadable'],
  ['a folder', '.', 'iso-not-regular'],
])('%s is a problem', async (_, name, code) => {
  expect(await verifyFile(join(folder, name), { keyrings: [], now: () => AT })).toMatchObject({ code })
})

test('a file that grows while it is read is a problem', async () => {
  const onProgress = (): void => appendFileSync(iso, 'x'.repeat(10))
  let left = 3
  const found = await verifyFile(iso, {
    keyrings: [],
    now: () => AT,
    onProgress: () => void (left-- > 0 && onProgress()),
  })
  expect(found).toMatchObject({ code: 'iso-changed' })
})

test('who serves others meanwhile rests after every chunk, and may end it before its end', async () => {
  await writeFile(iso, new Uint8Array(1_200_000))
  const abort = new AbortController()
  const told: number[] = []
  let rests = 0
  const options = {
    ...{ keyrings: [], now: () => AT, signal: abort.signal },
    onProgress: (done: number) => void told.push(done),
  }
  await verifyFile(iso, { ...options, rest: async () => void rests++ })
  expect([told, rests]).toEqual([[524_288, 1_048_576, 1_200_000], 3])
  const rest = async (): Promise<void> => abort.abort()
  await expect(verifyFile(iso, { ...options, rest })).rejects.toThrow(/aborted/)
  expect(told).toHaveLength(4)
})

test('the library notes what was found about a file of its own, and serves it no more when it failed', async () => {
  await writeFile(join(folder, 'SHA256SUMS'), `${'0'.repeat(64)}  a.iso\n`)
  const state = join(folder, 'state')
  const library = await openCatalogue(folder, silentLog, { notes: notesIn(state) })
  expect(await library.verify('a.iso', { keyrings: [], now: () => AT })).toMatchObject({ outcome: 'failed' })
  expect(await readdir(join(state, 'isos'))).toEqual(['a.iso.checksum.json'])
  expect(await library.verify('b.iso', { keyrings: [], now: () => AT })).toMatchObject({ code: 'iso-unreadable' })
})

describe('what was found is remembered', () => {
  const failed: Verification = {
    outcome: 'failed',
    sha256: SUM,
    lists: ['SHA256SUMS'],
    signature: 'none',
    why: 'no',
    at: AT,
  }
  let state: string
  beforeEach(() => {
    state = join(folder, 'state')
  })
  const identity = async () => identityOf(await stat(iso))

  test('for that very file only, in a file that is private', async () => {
    const notes = notesIn(state)
    await notes.keep('checksum', 'a.iso', await identity(), failed)
    expect(await notes.recall('checksum', 'a.iso', await identity())).toEqual(failed)
    expect(await notes.recall('initrd', 'a.iso', await identity())).toBeUndefined()
    expect(await notes.recall('checksum', 'b.iso', await identity())).toBeUndefined()
    const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)
    expect([await mode(join(state, 'isos')), await mode(join(state, 'isos', 'a.iso.checksum.json'))]).toEqual([
      '700',
      '600',
    ])
    expect(await readdir(join(state, 'isos'))).toEqual(['a.iso.checksum.json'])
    await utimes(iso, 1, 1)
    expect(await notes.recall('checksum', 'a.iso', await identity())).toBeUndefined()
  })

  test.each(['', '{}', '{"size":1}', 'x'.repeat(100_000)])('a note that was damaged is none: %.20j', async text => {
    const notes = notesIn(state)
    await notes.keep('checksum', 'a.iso', await identity(), failed)
    await writeFile(join(state, 'isos', 'a.iso.checksum.json'), text)
    expect(await notes.recall('checksum', 'a.iso', await identity())).toBeUndefined()
  })

  test('a file that failed is not served, and is served again once it is another one', async () => {
    const notes = notesIn(state)
    const clock = { now: () => Date.now() + 60_000 }
    const catalogue = await openCatalogue(folder, silentLog, { notes, clock })
    expect(catalogue.entries()).toHaveLength(1)
    await notes.keep('checksum', 'a.iso', await identity(), failed)
    await catalogue.rescan()
    expect(catalogue.entries()).toEqual([])
    expect(catalogue.find('a.iso')).toMatchObject({ code: 'iso-checksum-failed', severity: 'error' })
    expect(catalogue.find('pve:latest')).toMatchObject({ code: 'iso-unknown' })
    expect(catalogue.files()).toMatchObject([{ entry: { file: 'a.iso' }, verification: failed }])
    expect((await inspectFile(iso, { notes })).problems).toMatchObject([{ code: 'iso-checksum-failed' }])
    await writeFile(iso, IMAGE)
    await utimes(iso, 1000, 1000)
    await catalogue.rescan()
    expect(catalogue.entries()).toHaveLength(1)
    const { verification, ...good } = catalogue.files()[0]!
    expect([verification, good.problems]).toEqual([undefined, []])
  })
})
