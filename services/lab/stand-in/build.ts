/** Builds the stand-in ISO: to the appliance it is a Proxmox ISO, on a machine it behaves as the installer does, in 64 MB. */
import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import { programFile } from '../../kit/program-files.ts'
import { type Segment, totalLength } from '../../kit/segments.ts'
import { type CpioEntry, writeCpio } from './cpio.ts'
import type { SignedSystem } from './boot-disk.ts'
import { buildInitramfs, type Kernel, requirePrograms, STAND_IN } from './initramfs.ts'
import { APPLICATION_USE, filler, type IsoFile, writeIso } from './iso-writer.ts'

export type StandInRequest = {
  /** Where the ISO is put; made if it is not there. */
  folder: string
  /** `small`: parts of filler, for simulated machines that download and do not run it. `full`: runs on a machine. */
  kind: 'small' | 'full'
  /** As in `RELEASE` of `.cd-info`. */
  release?: string
  /** Size of a `full` one, 64 MiB if not said; about 16 are needed. A BIOS machine under emulation loads 1 MiB a second. */
  sizeMiB?: number
  /** Files of shim and GRUB, for a `full` one whose disk boots with Secure Boot. */
  signed?: { shim: string; grub: string }
}

const compress = promisify(zstdCompress)
const FULL_MIB = 64
const MIB = 1024 * 1024
const SMALL_KERNEL_BYTES = 150_000
const SMALL_INITRD_BYTES = 100_000
const SMALL_REST_BYTES = 100_000

/**
 * Returns the path of the ISO. One that is there already and was made from the same parts is left as it is.
 * Throws EnvironmentProblem when Debian packages are missing; `small` needs none.
 */
export async function buildStandIn(request: StandInRequest): Promise<{ file: string }> {
  const release = request.release ?? '9.2'
  const file = join(request.folder, `proxmox-ve_${release}-1.iso`)
  const kernel = request.kind === 'full' ? await requirePrograms() : undefined
  const bytes = (request.sizeMiB ?? FULL_MIB) * MIB
  const signed = request.signed && {
    shim: await readFile(request.signed.shim),
    grub: await readFile(request.signed.grub),
  }
  const key = await keyOf(`${release} ${kernel ? `${kernel.release} ${bytes}` : 'small'}`, kernel, signed)
  if ((await keyIn(file)) === key) return { file }
  await mkdir(request.folder, { recursive: true })
  await writeSegments(file, writeIso(await contents(release, key, { kernel, bytes, signed }), 'pve', key))
  return { file }
}

/** A name for all that goes into the image: the sources in this folder, and the host's kernel and programs by size and age. */
async function keyOf(facts: string, kernel: Kernel | undefined, signed: SignedSystem | undefined): Promise<string> {
  const hash = createHash('sha256').update(facts)
  if (signed) hash.update(signed.shim).update(signed.grub)
  const sources = programFile(STAND_IN)
  for (const name of (await readdir(sources)).toSorted()) hash.update(await readFile(join(sources, name)))
  for (const path of kernel ? [kernel.image, '/usr/bin/openssl', '/usr/bin/busybox', '/usr/sbin/dhclient'] : []) {
    const { size, mtimeMs } = await stat(path)
    hash.update(`${path} ${size} ${mtimeMs}`)
  }
  return hash.digest('hex')
}

/** The key that an image carries in its volume descriptor, if there is one. */
async function keyIn(file: string): Promise<string | undefined> {
  const handle = await open(file).catch(() => undefined)
  if (!handle) return undefined
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(64), 0, 64, APPLICATION_USE)
    return buffer.subarray(0, bytesRead).toString('latin1')
  } finally {
    await handle.close()
  }
}

function description(release: string): Buffer {
  const lines = [
    ['RELEASE', release],
    ['ISORELEASE', '1'],
    ['ISONAME', 'proxmox-ve'],
    ['PRODUCT', 'pve'],
    ['PRODUCTLONG', 'Proxmox VE'],
  ]
  return Buffer.from(lines.map(([name, value]) => `${name}='${value}'\n`).join(''))
}

type Parts = { kernel: Kernel | undefined; bytes: number; signed: SignedSystem | undefined }

async function contents(release: string, key: string, { kernel, bytes, signed }: Parts): Promise<IsoFile[]> {
  const info = description(release)
  const id = Buffer.from(
    `${key.slice(0, 8)}-${key.slice(8, 12)}-${key.slice(12, 16)}-${key.slice(16, 20)}-${key.slice(20, 32)}\n`,
  )
  const marks: CpioEntry[] = [
    { path: '.cd-info', kind: 'file', bytes: info },
    { path: '.pve-cd-id.txt', kind: 'file', bytes: id },
  ]
  const archive = kernel ? await buildInitramfs(kernel, marks, signed) : smallArchive(marks)
  const initrd = await compress(archive, { params: { [constants.ZSTD_c_compressionLevel]: 6 } })
  const files: IsoFile[] = [
    { path: '/.cd-info', content: info },
    { path: '/.disk/info', content: info },
    { path: '/.pve-cd-id.txt', content: id },
    { path: '/auto-installer-capable', content: Buffer.alloc(0) },
    { path: '/boot/linux26', content: kernel ? await readFile(kernel.image) : filler(SMALL_KERNEL_BYTES) },
    { path: '/boot/initrd.img', content: initrd },
  ]
  const rest = kernel ? bytes - totalLength(writeIso(files, 'pve')) : SMALL_REST_BYTES
  return [...files, { path: '/pve-base.squashfs', content: filler(Math.max(rest, 0)) }]
}

/** Bytes that do not shrink, so that the initrd has a size worth a progress bar; the same every time. */
function smallArchive(marks: CpioEntry[]): Buffer {
  const blocks = Array.from({ length: SMALL_INITRD_BYTES / 32 }, (_, index) =>
    createHash('sha256').update(String(index)).digest(),
  )
  return writeCpio([...marks, { path: 'filler', kind: 'file', bytes: Buffer.concat(blocks) }])
}

/** Under another name first: a folder of ISOs may be watched. */
async function writeSegments(file: string, segments: readonly Segment[]): Promise<void> {
  const partial = `${file}.partial-${process.pid}`
  try {
    const handle = await open(partial, 'w')
    try {
      await handle.writev(segments.flatMap(segment => (segment.from === 'memory' ? [segment.bytes] : [])))
    } finally {
      await handle.close()
    }
    await rename(partial, file)
  } finally {
    await rm(partial, { force: true })
  }
}
