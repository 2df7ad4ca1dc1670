import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { OpenFiles } from '../../services/http/open-files.ts'
import type { Segment } from '../../services/kit/segments.ts'

let folder: string
let files: OpenFiles
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-files-'))
  await writeFile(join(folder, 'a'), 'first')
  files = new OpenFiles()
})
afterEach(() => rm(folder, { recursive: true }))

const all = (name: string, length: number): Segment => ({ from: 'file', path: join(folder, name), offset: 0, length })
const descriptors = async (): Promise<number> => (await readdir('/proc/self/fd')).length

test('one descriptor for all who have the file, closed with the last of them', async () => {
  const before = await descriptors()
  const [one, other] = [await files.open([all('a', 5), all('a', 2)]), await files.open([all('a', 1)])]
  expect(one.get(join(folder, 'a'))!.handle).toBe(other.get(join(folder, 'a'))!.handle)
  expect(await descriptors()).toBe(before + 1)
  await files.release(one)
  expect(await descriptors()).toBe(before + 1)
  await files.release(other)
  expect(await descriptors()).toBe(before)
})

test('another file of that name is another one, and who has the old one keeps it', async () => {
  const path = join(folder, 'a')
  const old = await files.open([all('a', 5)])
  await writeFile(`${path}.new`, 'other')
  await rename(`${path}.new`, path)
  const now = await files.open([all('a', 5)])
  expect(now.get(path)!.identity).not.toBe(old.get(path)!.identity)
  expect((await old.get(path)!.handle.readFile()).toString()).toBe('first')
  await files.release(old)
  expect((await now.get(path)!.handle.readFile()).toString()).toBe('other')
  await files.release(now)
})

test.each([
  ['missing', 'b', 1, /ENOENT/],
  ['a folder', 'c', 0, /is no file|EISDIR/],
  ['too short', 'a', 6, /is shorter than it was/],
])('%s: refused, and nothing stays open', async (_, name, length, why) => {
  await mkdir(join(folder, 'c'))
  const before = await descriptors()
  await expect(files.open([all('a', 5), all(name, length)])).rejects.toThrow(why)
  expect(await descriptors()).toBe(before)
})
