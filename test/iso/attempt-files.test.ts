import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { attemptInitrd, kernelSegments } from '../../services/iso/attempt-files.ts'
import { type IsoEntry, openCatalogue } from '../../services/iso/catalogue.ts'
import { readFile, readImage } from '../../services/iso/iso9660.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import { type Segment, sliceSegments, totalLength } from '../../services/kit/segments.ts'
import { bytesOf } from './bytes-of.ts'
import { proxmoxImage, readerOf, smallImage } from './small-image.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-attempt-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function entry(): Promise<IsoEntry> {
  await writeFile(join(folder, 'a.iso'), proxmoxImage())
  const catalogue = await openCatalogue(folder, { debug() {}, info() {}, warn() {}, error() {} })
  return catalogue.entries()[0]!
}

test('the kernel is served out of the image', async () => {
  const segments = kernelSegments(await entry())
  expect(Buffer.from(await bytesOf(segments)).toString()).toBe('kernel bytes')
})

test("the initrd is the image with the attempt's mode file, then the original initrd", async () => {
  const segments = (await attemptInitrd(await entry(), 'mode = "http"\n')) as Segment[]
  const bytes = await bytesOf(segments)
  expect(Buffer.from(bytes.subarray(-12)).toString()).toBe('initrd bytes')
  // The head of the archive has 124 bytes; the image was 25 sectors and one more.
  const iso = bytes.subarray(124, 124 + 26 * 2048)
  const image = await readImage(readerOf(iso), iso.length)
  if (isProblem(image)) throw new Error(image.message)
  const mode = await readFile(image, '/auto-installer-mode.toml', 100)
  expect(Buffer.from(mode!).toString()).toBe('mode = "http"\n')
})

test('ranges of two requests fit together', async () => {
  const iso = await entry()
  const first = (await attemptInitrd(iso, 'mode = "http"\n')) as Segment[]
  const second = (await attemptInitrd(iso, 'mode = "http"\n')) as Segment[]
  const half = 30_001
  const joined = [...sliceSegments(first, 0, half), ...sliceSegments(second, half, totalLength(second) - half)]
  expect(Buffer.compare(await bytesOf(joined), await bytesOf(first))).toBe(0)
})

test.each<[string, (path: string) => Promise<void>]>([
  ['replaced', path => writeFile(path, smallImage({ files: [{ name: 'another', text: 'image' }] }))],
  ['removed', path => rm(path)],
])('an image that was %s since it was read is not served', async (_, change) => {
  const iso = await entry()
  await change(iso.path)
  expect(await attemptInitrd(iso, 'mode = "http"\n')).toMatchObject({ code: 'iso-changed', place: { file: iso.path } })
})
