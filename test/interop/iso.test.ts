/** Foreign readers agree on what was injected: xorriso, cpio and Linux's isofs (in a guest kernel, from power-on). */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { attemptInitrd } from '../../services/iso/attempt-files.ts'
import { openCatalogue } from '../../services/iso/catalogue.ts'
import { injectFile } from '../../services/iso/inject.ts'
import { type IsoImage, readImage } from '../../services/iso/iso9660.ts'
import { renderModeFile } from '../../services/iso/mode-file.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import type { Segment } from '../../services/kit/segments.ts'
import { bytesOf } from '../iso/bytes-of.ts'
import { CD_INFO, readerOf } from '../iso/small-image.ts'
import { checksumsOf, findGuest, runGuest, writeGuestInitrd } from './isofs-guest.ts'

const NAME = 'auto-installer-mode.toml'
const MODE_TEXT = 'mode = "http"\npartition_label = "proxmox-ais"\n'
const MODE = { name: NAME, bytes: Buffer.from(MODE_TEXT) }

let work: string
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'rackrise-interop-iso-'))
})
afterAll(() => rmSync(work, { recursive: true, force: true }))

/** A folder like the root of an image: hidden files, folders in folders, an empty file, a link, a name with a blank. */
function makeSource(name: string, rootFiles: number, longNames = false): string {
  const source = join(work, name)
  for (const folder of ['boot/grub', '.disk', 'proxmox/packages']) mkdirSync(join(source, folder), { recursive: true })
  writeFileSync(join(source, '.cd-info'), CD_INFO)
  writeFileSync(join(source, '.disk/info'), CD_INFO)
  writeFileSync(join(source, 'auto-installer-capable'), '')
  writeFileSync(join(source, 'boot/linux26'), Buffer.alloc(70_000, 'k'))
  writeFileSync(join(source, 'boot/initrd.img'), Buffer.alloc(5_001, 'i'))
  writeFileSync(join(source, 'boot/grub/grub.cfg'), 'set timeout=5\n')
  writeFileSync(join(source, 'boot/efi image'), Buffer.alloc(65_536, 'e'))
  for (let index = 0; index < rootFiles; index++) {
    const stem = longNames ? 'a-name-that-needs-a-continuation-area-'.repeat(6) : 'file-'
    writeFileSync(join(source, `${stem}${index}.txt`), `${name} ${index}\n`)
  }
  return source
}

function makeImage(source: string, options: string[]): string {
  const image = `${source}.iso`
  execFileSync('xorriso', ['-as', 'mkisofs', '-quiet', '-V', 'PVE', ...options, '-o', image, source], { stdio: 'pipe' })
  return image
}

async function readImageFile(path: string): Promise<IsoImage> {
  const bytes = readFileSync(path)
  const image = await readImage(readerOf(bytes), bytes.length)
  if (isProblem(image)) throw new Error(image.message)
  return image
}

/** Bytes left in the last sector of each tree's root. */
function slackOf(image: IsoImage): number[] {
  return [image.primary, ...(image.joliet ? [image.joliet] : [])].map(tree => {
    const records = [...tree.links, ...tree.entries.flatMap(entry => entry.records)]
    let at = 0
    for (const { bytes } of records) at += ((at % 2048) + bytes.length > 2048 ? 2048 - (at % 2048) : 0) + bytes.length
    return tree.rootLength - at
  })
}

/** Adds files to the root, one at a time, until no tree has room for another: real images hit this by chance. */
async function makeCrowded(name: string, options: string[]): Promise<string> {
  for (let files = 8; files < 60; files++) {
    const source = makeSource(name, files)
    const image = makeImage(source, options)
    if (slackOf(await readImageFile(image)).some((slack, tree) => slack < (tree === 0 ? 120 : 60))) return image
  }
  throw new Error('no number of files filled the sector')
}

async function injected(path: string): Promise<string> {
  const image = await readImageFile(path)
  const segments = injectFile({ path, image }, MODE)
  if (isProblem(segments)) throw new Error(segments.message)
  const output = path.replace(/\.iso$/, '-injected.iso')
  writeFileSync(output, await bytesOf(segments))
  return output
}

function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** `checksum  ./path` for all files in a folder, as sha256sum prints it. */
function checksumsIn(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name =>
    statSync(join(folder, name)).isFile(),
  )
  return files.map(name => `${sha256(readFileSync(join(folder, name)))}  ./${name}`).toSorted()
}

function expectedFor(image: string): string[] {
  const mode = `${sha256(MODE_TEXT)}  ./${NAME}`
  return [...checksumsIn(image.replace(/(-injected)?\.iso$/, '')), mode].toSorted()
}

/** What xorriso finds, by Rock Ridge or (`norock`) by Joliet. */
function extracted(image: string, readFs: 'any' | 'norock'): string[] {
  const output = join(work, `out-${basename(image)}-${readFs}`)
  const messages = execFileSync(
    'sh',
    ['-c', 'xorriso -read_fs "$1" -osirrox on -indev "$2" -extract / "$3" 2>&1', 'sh', readFs, image, output],
    { encoding: 'utf8' },
  )
  expect(messages).not.toMatch(/FAILURE|SORRY|WARNING/)
  execFileSync('chmod', ['-R', 'u+w', output])
  return checksumsIn(output)
}

/** Made as Proxmox makes its own: boot images for BIOS and EFI listed in a GPT as well. */
const HYBRID = [
  '-e',
  'boot/efi image',
  '-no-emul-boot',
  '-isohybrid-gpt-basdat',
  '-c',
  'boot/cat',
  '--boot-catalog-hide',
]

function xorriso(...options: string[]): void {
  execFileSync('xorriso', options, { stdio: 'pipe' })
}

/** Rock Ridge 1.10, whose attributes are shorter. */
function makeOldRockRidge(): string {
  const source = makeSource('old-rock-ridge', 2)
  xorriso(
    '-compliance',
    'old_rr:no_emul_toc',
    '-outdev',
    `${source}.iso`,
    '-volid',
    'PVE',
    '-map',
    source,
    '/',
    '-commit',
  )
  return `${source}.iso`
}

/** A second session behind the first: the volume's descriptor tells of the newest tree only. */
function makeGrown(): string {
  const source = makeSource('grown', 3)
  const image = makeImage(source, ['-R', '-J'])
  writeFileSync(join(source, 'proxmox/added-later'), 'second session\n')
  xorriso(
    '-joliet',
    'on',
    '-dev',
    image,
    '-map',
    join(source, 'proxmox/added-later'),
    '/proxmox/added-later',
    '-commit',
  )
  return image
}

/** Baked in before, by the official tool or by hand. */
function makePrepared(): string {
  const source = makeSource('prepared', 3)
  writeFileSync(join(source, NAME), 'mode = "iso"\n')
  const image = makeImage(source, ['-R', '-J'])
  rmSync(join(source, NAME))
  return image
}

type Kind = { name: string; joliet: boolean; moves?: true; make: () => string | Promise<string> }

const plain = (name: string, options: string[], rootFiles = 3, longNames = false): Kind => ({
  name,
  joliet: options.includes('-J'),
  make: () => makeImage(makeSource(name, rootFiles, longNames), options),
})

const KINDS: Kind[] = [
  plain('rock', ['-R']),
  plain('joliet', ['-R', '-J']),
  plain('relaxed', ['-r', '-J', '-iso-level', '3', '-omit-version-number', '-joliet-long']),
  plain('large', ['-R', '-J'], 300),
  plain('continued', ['-R'], 9, true),
  plain('hybrid', ['-R', '-J', ...HYBRID]),
  plain('partition-offset', ['-R', '-J', ...HYBRID, '-partition_offset', '16']),
  plain('checksummed', ['-R', '--md5']),
  { name: 'crowded', joliet: false, moves: true, make: () => makeCrowded('crowded', ['-R']) },
  { name: 'crowded-joliet', joliet: true, moves: true, make: () => makeCrowded('crowded-joliet', ['-R', '-J']) },
  { name: 'old-rock-ridge', joliet: false, make: makeOldRockRidge },
  { name: 'grown', joliet: true, make: makeGrown },
  { name: 'prepared', joliet: true, make: makePrepared },
]

const images = new Map<string, { original: string; injected: string }>()
beforeAll(async () => {
  for (const { name, make } of KINDS) {
    const original = await make()
    images.set(name, { original, injected: await injected(original) })
  }
}, 120_000)

test.each(KINDS)('xorriso reads every file of an injected image: $name', ({ name, joliet }) => {
  const { injected: image } = images.get(name)!
  expect(extracted(image, 'any')).toEqual(expectedFor(image))
  if (joliet) expect(extracted(image, 'norock')).toEqual(expectedFor(image))
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
  const source = makeSource('library/proxmox-ve', 5)
  const all = [...images.values()].map(image => image.injected)
  writeGuestInitrd(guest, work, all, join(source, 'boot/initrd.img'))
  makeImage(source, ['-R', '-J', ...HYBRID])
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
  const printed = await runGuest(kernel, wrapped)
  expect(checksumsOf(printed, '/proxmox.iso', 'rock')).toEqual(expectedFor(iso))
  expect(checksumsOf(printed, '/proxmox.iso', 'norock')).toEqual(expectedFor(iso))
  for (const { name, joliet } of KINDS) {
    const image = images.get(name)!.injected
    const read = (how: 'rock' | 'norock') => ({ name, files: checksumsOf(printed, `/images/${basename(image)}`, how) })
    expect(read('rock')).toEqual({ name, files: expectedFor(image) })
    if (joliet) expect(read('norock')).toEqual({ name, files: expectedFor(image) })
  }
}, 300_000)

test('cpio lists and unpacks the image out of the wrapped initrd', () => {
  const { wrapped, iso } = attempt
  const unpacked = join(work, 'unpacked')
  mkdirSync(unpacked)
  const cpio = (options: string) =>
    execFileSync('sh', ['-c', `cpio --quiet ${options} < "$1"`, 'sh', wrapped], { cwd: unpacked, encoding: 'utf8' })
  expect(cpio('-tv')).toMatch(/^-r--r--r-- .* proxmox\.iso\n$/)
  cpio('-idm')
  expect(extracted(join(unpacked, 'proxmox.iso'), 'any')).toEqual(expectedFor(iso))
})
