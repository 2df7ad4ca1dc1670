/**
 * The "installed system" of the lab: a disk that says one line on the first serial port and switches the machine off,
 * whether it is booted by a BIOS (the code in its first sector) or by UEFI (`/EFI/BOOT/BOOTX64.EFI` in its partition).
 */
import { bootSector } from './boot-sector.ts'
import { efiProgram } from './efi-program.ts'
import { type FatFile, fatVolume } from './fat-volume.ts'

/** What the disk says on the serial port when it is booted. */
export const DISK_BOOTED = 'RACKRISE DISK BOOTED'

/** shim and GRUB as a distribution signs them: with Secure Boot nothing of our own runs. */
export type SignedSystem = { shim: Uint8Array; grub: Uint8Array }

const BLOCK = 512
const DISK_BLOCKS = 8192
/** 8 MiB; FAT12 ends there with our clusters. */
const SIGNED_DISK_BLOCKS = 18_000
/** 1 MiB, where partitioning tools put the first partition. */
const PARTITION_START = 2048

/** 4 MiB, or nearly 9 with signed loaders; to be written to the beginning of a disk of any size. */
export function bootDisk(signed?: SignedSystem): Buffer {
  const line = `\r\n${DISK_BOOTED}\r\n`
  const all = signed ? SIGNED_DISK_BLOCKS : DISK_BLOCKS
  const blocks = all - PARTITION_START
  const disk = Buffer.alloc(all * BLOCK)
  bootSector(line, { start: PARTITION_START, blocks }).copy(disk, 0)
  fatVolume(blocks, PARTITION_START, filesOf(line, signed)).copy(disk, PARTITION_START * BLOCK)
  return disk
}

function filesOf(line: string, signed: SignedSystem | undefined): FatFile[] {
  if (!signed) return [{ path: '/EFI/BOOT/BOOTX64.EFI', bytes: efiProgram(line) }]
  return [
    { path: '/EFI/BOOT/BOOTX64.EFI', bytes: signed.shim },
    { path: '/EFI/BOOT/GRUBX64.EFI', bytes: signed.grub },
    // Where Debian's GRUB looks.
    { path: '/EFI/DEBIAN/GRUB.CFG', bytes: Buffer.from(`echo "${DISK_BOOTED}"\nsleep 1\nhalt\n`) },
  ]
}
