/**
 * GRUB's configuration for one machine, where Secure Boot lets nothing but signed loaders run. The same decisions as in `script.ts`, in the words of GRUB 2.06
 * and later. Text of others stands in single quotes, with harmless characters only.
 */
import type { Ipv4 } from '../kit/ipv4.ts'
import type { AttemptId } from '../machine/event.ts'
import type { BootPart, Inquiry } from './inquiry.ts'
import { INSTALLER_WORDS, isForPeople, lines, LOCAL_DISK_CAUSES, type LocalDiskCause, sayable } from './script.ts'

/** The folder of everything that shim and GRUB ask for; GRUB has `/grub` built in, and shim looks beside itself. */
const GRUB_FOLDER = 'grub'

/** Seconds before each try; five within half a minute, as with iPXE. */
const WAITS_SECONDS = [0, 2, 4, 8, 16]
/** Any key ends it. */
const READING_SECONDS = 5

/** Memory ranges that GRUB is asked for, from SMBIOS; a machine that has one more is not judged. */
const MEMORY_RANGES_MOST = 3

const DESCRIBED = /^memory-((?:\d{1,10}-\d{1,10}_?){0,4})\.cfg$/
const FAILED = /^failed-(kernel|initrd|start)\.cfg$/
const KIB = 1024
/** The structure has the extended form for such a range (SMBIOS 3.6 §7.20). */
const BEYOND = 0xffffffff

/**
 * What GRUB says by the name of the configuration that it asks for; undefined if the name is none. Beside `grub.cfg` it may ask for variants by its MAC
 * and address first, which are the same here: who asks is known by the address.
 */
export function readGrubName(name: string): Omit<Inquiry, 'mac'> | undefined {
  const [folder, file = '', ...rest] = name.split('/')
  if (folder !== GRUB_FOLDER || rest.length > 0) return undefined
  const inquiry = { saysMac: false, identity: {}, canDescribe: true, diskFailed: false }
  if (/^grub\.cfg(-[\w.:-]{1,64})?$/.test(file)) return inquiry
  if (file === 'disk-failed.cfg') return { ...inquiry, diskFailed: true }
  const part = FAILED.exec(file)?.[1]
  if (part) return { ...inquiry, failed: { part: part as BootPart } }
  const ranges = DESCRIBED.exec(file)?.[1]
  if (ranges === undefined) return undefined
  const memoryBytes = memoryIn(ranges)
  // The signed loaders are for UEFI x64 only, so whoever runs them is that.
  return { ...inquiry, description: { architecture: 'amd64', ...(memoryBytes ? { memoryBytes } : {}) } }
}

/** Start and end in KiB, both included. Undefined if one says nothing, or if there may be more. */
function memoryIn(text: string): number | undefined {
  const ranges = text.split('_').filter(Boolean)
  if (ranges.length > MEMORY_RANGES_MOST) return undefined
  let bytes = 0
  for (const range of ranges) {
    const [start = 0, end = 0] = range.split('-').map(Number)
    if (start === BEYOND || end === BEYOND || end < start) return undefined
    bytes += (end - start + 1) * KIB
  }
  return bytes
}

/** Where GRUB loads from. */
export type GrubSource = { address: Ipv4; httpPort: number }

/** From where GRUB itself came, by TFTP or UEFI HTTP Boot: that is its `root` at the beginning. */
function configuration(file: string): string {
  return `configfile ($root)/${GRUB_FOLDER}/${file}`
}

/** Asks again, with the memory that SMBIOS tells: one range after the other, as long as there are any. */
export function grubDescribe(): string {
  const ask = (at: number): string[] => {
    if (at > MEMORY_RANGES_MOST + 1) return []
    const [start, end] = [4, 8].map(
      (offset, index) => `smbios --type 19 --match ${at} --get-dword ${offset} --set ${index === 0 ? 'start' : 'end'}`,
    )
    return [`if ${start}; then if ${end}; then`, `set memory="\${memory}\${start}-\${end}_"`, ...ask(at + 1), 'fi; fi']
  }
  return lines('set memory=', ...ask(1), configuration('memory-${memory}.cfg'))
}

export type GrubInstall = {
  attempt: AttemptId
  title: string
  kernelArgs: readonly string[]
  source: GrubSource
}

/**
 * By HTTP where GRUB can (Debian's from 2.12 on), else by TFTP: a GRUB without HTTP says at once that there is no such disk. It takes no other port than 80.
 */
export function grubInstall({ attempt, title, kernelArgs, source }: GrubInstall): string {
  const { address, httpPort } = source
  const from = [...(httpPort === 80 ? [`'(http,${address})'`] : []), `'(tftp,${address})'`]
  // The site's words hold no quote, no `$` and no backslash.
  const words = [...INSTALLER_WORDS, ...kernelArgs].map(word => `'${word}'`).join(' ')
  return lines(
    `echo '${sayable(`Rackrise: installing ${title}, attempt ${attempt}`)}'`,
    `for wait in ${WAITS_SECONDS.join(' ')}; do`,
    'sleep $wait',
    `for from in ${from.join(' ')}; do`,
    'set part=kernel',
    `if linux $from/boot/${attempt}/vmlinuz ${words}; then`,
    'set part=initrd',
    `if initrd $from/boot/${attempt}/initrd.img; then`,
    'set part=start',
    'boot',
    'fi; fi; done',
    `echo "Rackrise: the $part was not loaded, trying again"`,
    'done',
    configuration('failed-$part.cfg'),
    'exit 1',
  )
}

export type GrubLocalDisk = {
  because: LocalDiskCause
  title: string
  advice?: readonly string[]
  /** The disk has failed already in this boot. */
  diskFailed: boolean
}

/** Loaders of installed systems, Proxmox's first. They have to be signed as well. */
const DISK_LOADERS = ['/EFI/proxmox/shimx64.efi', '/EFI/proxmox/grubx64.efi', '/EFI/BOOT/BOOTX64.EFI']

/**
 * Starts the loader on the disk: a status other than 0 does not get out of GRUB and shim, and after 0 firmware shows its menu instead of trying
 * the next boot option (seen with OVMF). The loader finds its own files by `root`.
 */
export function grubLocalDisk({ because, title, advice = [], diskFailed }: GrubLocalDisk): string {
  const shown = isForPeople(because)
    ? [
        'echo "MAC $net_default_mac"',
        ...advice.map(line => `echo '${sayable(line)}'`),
        `sleep --interruptible ${READING_SECONDS}`,
      ]
    : []
  const boot = diskFailed
    ? ["echo 'Rackrise: no bootable local disk'", 'exit 1']
    : [
        'set home=$root',
        `for file in ${DISK_LOADERS.join(' ')}; do`,
        'if search --no-floppy --set=root --file $file; then if chainloader $file; then boot; fi; fi',
        'done',
        'set root=$home',
        configuration('disk-failed.cfg'),
        'exit 1',
      ]
  return lines(`echo '${sayable(`Rackrise: ${title}: ${LOCAL_DISK_CAUSES[because]}`)}'`, ...shown, ...boot)
}
