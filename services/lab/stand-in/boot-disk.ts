/**
 * The "installed system" of the lab: a disk that says one line on the first serial port and switches the machine off,
 * whether it is booted by a BIOS (the code in its first sector) or by UEFI (`/EFI/BOOT/BOOTX64.EFI` in its partition).
 */
import { bootSector } from './boot-sector.ts'
import { efiProgram } from './efi-program.ts'
import { fatVolume } from './fat-volume.ts'

/** What the disk says on the serial port when it is booted. */
export const DISK_BOOTED = 'RACKRISE DISK BOOTED'

const BLOCK = 512
const DISK_BLOCKS = 8192
/** 1 MiB, where partitioning tools put the first partition. */
const PARTITION_START = 2048

/** 4 MiB; to be written to the beginning of a disk of any size. */
export function bootDisk(): Buffer {
  const line = `\r\n${DISK_BOOTED}\r\n`
  const blocks = DISK_BLOCKS - PARTITION_START
  const disk = Buffer.alloc(DISK_BLOCKS * BLOCK)
  bootSector(line, { start: PARTITION_START, blocks }).copy(disk, 0)
  fatVolume(blocks, PARTITION_START, efiProgram(line)).copy(disk, PARTITION_START * BLOCK)
  return disk
}
