/** Foreign readers agree on what was injected: xorriso, cpio and Linux's isofs (in a guest kernel, from power-on). */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { attemptInitrd } from '../../services/iso/attempt-files.ts'
import { openCatalogue } from '../../services/iso/catalogue.ts'
import { renderModeFile } from '../../services/iso/mode-file.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import type { Segment } from '../../services/kit/segments.ts'
import { bytesOf } from '../iso/bytes-of.ts'
import {
  extracted,
  hybridOptions,
  KINDS,
  makeImage,
  makeSource,
  readImageFile,
  withMode,
  withoutBoot,
  writeInjected,
} from './iso-images.ts'
import { checksumsOf, findGuest, runGuest, writeGuestInitrd } from './isofs-guest.ts'

let work: string
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'rackrise-interop-iso-'))
})
afterAll(() => rmSync(work, { recursive: true, force: true }))

type Pair = { original: string; injected: string; lean: string; expected: string[]; complaints: string[] }
const images = new Map<string, Pair>()
beforeAll(async () => {
  for (const { name, make } of KINDS) {
    const original = await make(work)
    const { files, complaints } = extracted(work, original, 'any')
    const [injected, lean] = [await writeInjected(original), await writeInjected(original, 'lean')]
    images.set(name, { original, injected, lean, expected: withMode(files), complaints })
  }
}, 120_000)

test.each(KINDS)('xorriso reads every file of an injected image: $name', ({ name, joliet }) => {
  const { injected: image, expected: files, complaints } = images.get(name)!
  // genisoimage's empty files begin where its boot catalog does, which xorriso does not like in the original either.
  expect(extracted(work, image, 'any')).toEqual({ files, complaints })
  if (joliet) expect(extracted(work, image, 'norock').files).toEqual(files)
})

test.each(KINDS)('what is left out of an image leaves all else where it was: $name', ({ name, joliet }) => {
  const { original, lean, expected } = images.get(name)!
  const files = withoutBoot(expected)
  expect(extracted(work, lean, 'any').files).toEqual(files)
  if (joliet) expect(extracted(work, lean, 'norock').files).toEqual(files)
  // Kernel, initrd, boot menu and loader have 53 sectors.
  expect(statSync(original).size - statSync(lean).size).toBeGreaterThan(40 * 2048)
})

test.each(KINDS)('the root stays where it is if there is room, and moves if not: $name', async ({ name, moves }) => {
  const { original, injected: image } = images.get(name)!
  const trees = async (path: string) => {
    const { primary, joliet } = await readImageFile(path)
    return [primary.rootOffset, joliet?.rootOffset]
  }
  const before = await trees(original)
  const after = await trees(image)
  expect(before.some((offset, index) => offset !== after[index])).toBe(moves === true)
})

type Attempt = { wrapped: string; kernel: string; iso: string }

async function makeAttempt(): Promise<Attempt> {
  const guest = findGuest()
  const source = makeSource(work, 'library/proxmox-ve', ['a', 'b', 'c', 'd', 'e'])
  const all = [...images.values()].flatMap(image => [image.injected, image.lean])
  writeGuestInitrd(guest, work, all, join(source, 'boot/initrd.img'))
  makeImage(source, [...hybridOptions(work), '-J'])
  const catalogue = await openCatalogue(join(work, 'library'), { debug() {}, info() {}, warn() {}, error() {} })
  const entry = catalogue.find('pve:latest')
  if (isProblem(entry)) throw new Error(entry.message)
  const initrd = await attemptInitrd(entry, renderModeFile(entry.release, {}))
  if (isProblem(initrd)) throw new Error(initrd.message)
  const wrapped = join(work, 'initrd.wrapped')
  writeFileSync(wrapped, await bytesOf(initrd as Segment[]))
  return { wrapped, kernel: guest.kernel, iso: `${source}.iso` }
}

let attempt: Attempt
beforeAll(async () => {
  attempt = await makeAttempt()
}, 60_000)

test('the kernel unpacks the wrapped initrd, and its isofs reads every file of every image', async () => {
  const { wrapped, kernel, iso } = attempt
  const expected = withoutBoot(withMode(extracted(work, iso, 'any').files))
  const printed = await runGuest(kernel, wrapped)
  expect(checksumsOf(printed, '/proxmox.iso', 'rock')).toEqual(expected)
  expect(checksumsOf(printed, '/proxmox.iso', 'norock')).toEqual(expected)
  for (const { name, joliet } of KINDS) {
    const { injected, lean, expected: files } = images.get(name)!
    for (const [image, there] of [
      [injected, files],
      [lean, withoutBoot(files)],
    ] as const) {
      const read = (how: 'rock' | 'norock') => checksumsOf(printed, `/images/${basename(image)}`, how)
      expect({ image, files: read('rock') }).toEqual({ image, files: there })
      if (joliet) expect({ image, files: read('norock') }).toEqual({ image, files: there })
    }
  }
}, 300_000)

test('cpio lists and unpacks the image out of the wrapped initrd', () => {
  const { wrapped, iso } = attempt
  const expected = withoutBoot(withMode(extracted(work, iso, 'any').files))
  const unpacked = join(work, 'unpacked')
  mkdirSync(unpacked)
  const cpio = (options: string) =>
    execFileSync('sh', ['-c', `cpio --quiet ${options} < "$1"`, 'sh', wrapped], { cwd: unpacked, encoding: 'utf8' })
  expect(cpio('-tv')).toMatch(/^-r--r--r-- .* proxmox\.iso\n$/)
  cpio('-idm')
  expect(extracted(work, join(unpacked, 'proxmox.iso'), 'any').files).toEqual(expected)
})
