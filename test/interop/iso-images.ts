/** Images of many layouts, as foreign programs make them, with and without an injected mode file. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { injectFiles } from '../../services/iso/inject.ts'
import { leaveOutFolder } from '../../services/iso/leave-out.ts'
import { type IsoImage, readImage } from '../../services/iso/iso9660.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import { bytesOf } from '../iso/bytes-of.ts'
import { CD_INFO, readerOf } from '../iso/small-image.ts'

export const MODE_NAME = 'auto-installer-mode.toml'
export const MODE_TEXT = 'mode = "http"\npartition_label = "proxmox-ais"\n'
const MODE = { name: MODE_NAME, bytes: Buffer.from(MODE_TEXT) }

const LONG_STEM = 'a-name-that-needs-a-continuation-area-'.repeat(6)
const DEEP = 'one/two/three/four/five/six/seven/eight/nine/ten'

/** A folder like the root of an image: hidden files, folders in folders, an empty file, a name with a blank. */
export function makeSource(folder: string, name: string, rootFiles: readonly string[]): string {
  const source = join(folder, name)
  for (const part of ['boot/grub/i386-pc', '.disk', 'proxmox/packages'])
    mkdirSync(join(source, part), { recursive: true })
  writeFileSync(join(source, '.cd-info'), CD_INFO)
  writeFileSync(join(source, '.disk/info'), CD_INFO)
  writeFileSync(join(source, 'auto-installer-capable'), '')
  writeFileSync(join(source, 'boot/linux26'), Buffer.alloc(70_000, 'k'))
  writeFileSync(join(source, 'boot/initrd.img'), Buffer.alloc(5_001, 'i'))
  writeFileSync(join(source, 'boot/grub/grub.cfg'), 'set timeout=5\n')
  writeFileSync(join(source, 'boot/grub/i386-pc/eltorito.img'), Buffer.alloc(30_000, 'b'))
  writeFileSync(join(source, 'efi image'), Buffer.alloc(65_536, 'e'), { mode: 0o600 })
  writeFileSync(join(source, 'proxmox/packages/runs.sh'), '#!/bin/sh\n', { mode: 0o755 })
  for (const file of rootFiles) writeFileSync(join(source, file), `${name} ${file}\n`)
  return source
}

export function makeImage(source: string, options: readonly string[]): string {
  const image = `${source}.iso`
  const [program, ...all] = options[0] === 'genisoimage' ? options : ['xorriso', '-as', 'mkisofs', ...options]
  execFileSync(program!, [...all, '-quiet', '-V', 'PVE', '-o', image, source], { stdio: 'pipe' })
  return image
}

export async function readImageFile(path: string): Promise<IsoImage> {
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

const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `file-${index}.txt`)

/** Adds files to the root, one at a time, until no tree has room for another: real images hit this by chance. */
async function makeCrowded(folder: string, name: string, options: string[]): Promise<string> {
  for (let files = 8; files < 60; files++) {
    const image = makeImage(makeSource(folder, name, numbered(files)), options)
    if (slackOf(await readImageFile(image)).some((slack, tree) => slack < (tree === 0 ? 120 : 60))) return image
  }
  throw new Error('no number of files filled the sector')
}

/** The records end with the sector, to the byte: a name is made as much longer as there was room. */
async function makeExact(folder: string, name: string): Promise<string> {
  // Short identifiers of level 1 do not grow with the name; the Rock Ridge name does.
  const make = (files: number, letters: number) =>
    makeImage(
      makeSource(join(folder, `${name}-${files}-${letters}`), name, [...numbered(files), 'z'.repeat(letters)]),
      ['-R', '-iso-level', '1'],
    )
  for (let files = 8; files < 20; files++) {
    const [slack] = slackOf(await readImageFile(make(files, 8)))
    const image = slack! < 120 ? make(files, 8 + slack!) : undefined
    if (image && slackOf(await readImageFile(image))[0] === 0) return image
  }
  throw new Error('no name filled the sector to the byte')
}

/** As grub-mkrescue calls it, which Proxmox's images look like: protective MBR with boot code, GPT, APM, HFS+, El Torito. */
export function hybridOptions(folder: string): string[] {
  const mbr = join(folder, 'mbr.img')
  writeFileSync(mbr, Buffer.alloc(512, 'm'))
  const bios = ['-b', 'boot/grub/i386-pc/eltorito.img', '-no-emul-boot', '-boot-load-size', '4', '-boot-info-table']
  const hybrid = ['--grub2-boot-info', '--grub2-mbr', mbr, '-hfsplus', '-apm-block-size', '2048']
  const efi = ['--efi-boot', 'efi image', '-efi-boot-part', '--efi-boot-image', '--protective-msdos-label']
  return ['-r', ...bios, ...hybrid, ...efi]
}

/** The other way to be hybrid: one partition of MBR and GPT holds the whole image, as in images with isolinux. */
function isohybridOptions(folder: string): string[] {
  const mbr = join(folder, 'isohdp.img')
  writeFileSync(mbr, Buffer.alloc(432, 'm'))
  const bios = ['-b', 'boot/grub/i386-pc/eltorito.img', '-no-emul-boot', '-boot-load-size', '4', '-boot-info-table']
  const efi = ['-eltorito-alt-boot', '-e', 'efi image', '-no-emul-boot', '-isohybrid-gpt-basdat']
  return ['-R', '-J', '-isohybrid-mbr', mbr, ...bios, ...efi]
}

function xorriso(...options: string[]): void {
  execFileSync('xorriso', options, { stdio: 'pipe' })
}

/** Rock Ridge 1.10, whose attributes are shorter. */
function makeOldRockRidge(folder: string): string {
  const source = makeSource(folder, 'old-rock-ridge', numbered(2))
  const compliance = ['-compliance', 'old_rr:no_emul_toc', '-outdev', `${source}.iso`]
  xorriso(...compliance, '-volid', 'PVE', '-map', source, '/', '-commit')
  return `${source}.iso`
}

/** A second session behind the first: the volume's descriptor tells of the newest tree only. */
function makeGrown(folder: string): string {
  const source = makeSource(folder, 'grown', numbered(3))
  const image = makeImage(source, ['-R', '-J'])
  const later = join(source, 'proxmox/added-later')
  writeFileSync(later, 'second session\n')
  xorriso('-joliet', 'on', '-dev', image, '-map', later, '/proxmox/added-later', '-commit')
  return image
}

/** Baked in before, by the official tool or by hand. */
function makePrepared(folder: string): string {
  const source = makeSource(folder, 'prepared', [])
  writeFileSync(join(source, MODE_NAME), 'mode = "iso"\n')
  const image = makeImage(source, ['-R', '-J'])
  rmSync(join(source, MODE_NAME))
  return image
}

/** Deeper than the eight levels of ECMA-119 §6.8.2.1: genisoimage moves the lower ones to a folder of the root, xorriso does not care. */
function makeDeep(folder: string, name: string, options: readonly string[]): string {
  const source = makeSource(folder, name, numbered(2))
  mkdirSync(join(source, DEEP), { recursive: true })
  writeFileSync(join(source, DEEP, 'leaf'), 'far down\n')
  return makeImage(source, options)
}

export type Kind = {
  name: string
  joliet: boolean
  /** The root has no room, and goes to the end. */
  moves?: true
  make: (folder: string) => string | Promise<string>
}

function kind(name: string, options: readonly string[], rootFiles = numbered(3)): Kind {
  const make = (folder: string) => makeImage(makeSource(folder, name, rootFiles), options)
  return { name, joliet: options.includes('-J'), make }
}

/** With boot sectors, which are files of the folder that the image is made in. */
function bootable(name: string, joliet: boolean, optionsIn: (folder: string) => string[]): Kind {
  return { name, joliet, make: folder => makeImage(makeSource(folder, name, numbered(3)), optionsIn(folder)) }
}

const relaxed = ['-iso-level', '3', '-omit-version-number']
const ofGenisoimage = [
  'genisoimage',
  ...['-b', 'boot/grub/i386-pc/eltorito.img', '-c', 'boot.cat', '-no-emul-boot', '-boot-load-size', '4'],
  // Readers do not agree on what is in it.
  ...['-hide', 'boot.cat', '-hide-joliet', 'boot.cat'],
]

export const KINDS: readonly Kind[] = [
  kind('rock', ['-R']),
  kind('joliet', ['-R', '-J']),
  kind('relaxed', ['-r', '-J', ...relaxed, '-joliet-long']),
  kind('large', ['-R', '-J'], numbered(300)),
  kind(
    'continued',
    ['-R'],
    numbered(9).map(file => LONG_STEM + file),
  ),
  bootable('proxmox-like', false, hybridOptions),
  bootable('isohybrid', true, isohybridOptions),
  bootable('partition-offset', true, folder => [...isohybridOptions(folder), '-partition_offset', '16']),
  kind('checksummed', ['-R', '--md5']),
  kind('genisoimage', [...ofGenisoimage, '-R']),
  kind('genisoimage-joliet', [...ofGenisoimage, '-r', '-J', '-joliet-long', '-T']),
  kind('genisoimage-large', [...ofGenisoimage, '-R', '-J'], numbered(200)),
  { name: 'crowded', joliet: false, moves: true, make: folder => makeCrowded(folder, 'crowded', ['-R']) },
  { name: 'crowded-joliet', joliet: true, moves: true, make: f => makeCrowded(f, 'crowded-joliet', ['-R', '-J']) },
  {
    name: 'genisoimage-crowded',
    joliet: true,
    moves: true,
    make: folder => makeCrowded(folder, 'genisoimage-crowded', [...ofGenisoimage, '-R', '-J']),
  },
  { name: 'exact', joliet: false, moves: true, make: folder => makeExact(folder, 'exact') },
  { name: 'deep', joliet: true, make: folder => makeDeep(folder, 'deep', ['-R', '-J']) },
  { name: 'deep-moved', joliet: false, make: folder => makeDeep(folder, 'deep-moved', [...ofGenisoimage, '-R']) },
  { name: 'old-rock-ridge', joliet: false, make: makeOldRockRidge },
  { name: 'grown', joliet: true, make: makeGrown },
  { name: 'prepared', joliet: true, make: makePrepared },
]

/** Writes the injected image beside the original; `lean`: without the data in `/boot`, as attempts get it. */
export async function writeInjected(path: string, form: 'whole' | 'lean' = 'whole'): Promise<string> {
  const image = await readImageFile(path)
  const whole = { segments: [{ from: 'file', path, offset: 0, length: image.size } as const], image }
  const source = form === 'whole' ? whole : await leaveOutFolder(path, image, 'boot')
  if (!source) throw new Error(`nothing can be left out of ${path}`)
  const segments = injectFiles(source, [MODE])
  if (isProblem(segments)) throw new Error(segments.message)
  const output = path.replace(/\.iso$/, form === 'whole' ? '-injected.iso' : '-lean.iso')
  writeFileSync(output, await bytesOf(segments))
  return output
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** `checksum  ./path` for all files in a folder, as sha256sum prints it. */
export function checksumsIn(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name =>
    statSync(join(folder, name)).isFile(),
  )
  return files.map(name => `${sha256(readFileSync(join(folder, name)))}  ./${name}`).toSorted()
}

/** What xorriso finds, by Rock Ridge or (`norock`) by Joliet, and what it complains of. */
export function extracted(folder: string, image: string, readFs: 'any' | 'norock') {
  const output = join(folder, `out-${basename(image)}-${readFs}`)
  const said = execFileSync(
    'sh',
    ['-c', 'xorriso -read_fs "$1" -osirrox on -indev "$2" -extract / "$3" 2>&1', 'sh', readFs, image, output],
    { encoding: 'utf8' },
  )
  execFileSync('chmod', ['-R', 'u+w', output])
  const files = checksumsIn(output)
  rmSync(output, { recursive: true })
  return { files, complaints: said.split('\n').filter(line => /FAILURE|SORRY|WARNING/.test(line)) }
}

/** The same files, with those in `/boot` empty: but for one that has its data in common with a boot image. */
export function withoutBoot(files: readonly string[]): string[] {
  return files.map(line => line.replace(/^\w+ (?= \.\/boot\/)/, `${sha256('')} `)).toSorted()
}

/** The files of the original image, and the mode file that was put in. */
export function withMode(files: readonly string[]): string[] {
  const mode = `  ./${MODE_NAME}`
  return [...files.filter(line => !line.endsWith(mode)), `${sha256(MODE_TEXT)}${mode}`].toSorted()
}
