/** A FAT12 volume that holds one file, `/EFI/BOOT/BOOTX64.EFI` (Microsoft FAT specification; ECMA-107). */

const BLOCK = 512
const BLOCKS_PER_CLUSTER = 4
const CLUSTER = BLOCK * BLOCKS_PER_CLUSTER
const ROOT_ENTRIES = 64
const FAT_BLOCKS = 6
const FAT_START = 1
const ROOT_START = FAT_START + 2 * FAT_BLOCKS
const DATA_START = ROOT_START + (ROOT_ENTRIES * 32) / BLOCK
/** FAT12 ends here; the volumes of the lab have about 1500 clusters. */
const MOST_CLUSTERS = 4084
const END_OF_CHAIN = 0xfff
const FIXED_DISK = 0xf8
const FOLDER = 0x10
const ARCHIVE = 0x20

/** Clusters are counted from 2: the folder EFI, the folder BOOT in it, then the file. */
const EFI_CLUSTER = 2
const BOOT_CLUSTER = 3
const FILE_CLUSTER = 4

/** `blocks` of 512 bytes; `hidden` blocks lie before the volume on its disk. */
export function fatVolume(blocks: number, hidden: number, file: Uint8Array): Buffer {
  const clusters = Math.floor((blocks - DATA_START) / BLOCKS_PER_CLUSTER)
  const used = Math.ceil(file.length / CLUSTER)
  if (clusters > MOST_CLUSTERS || used > clusters - 2)
    throw new RangeError(`${blocks} blocks do not make a FAT12 volume`)
  const volume = Buffer.alloc(blocks * BLOCK)
  parameterBlock(blocks, hidden).copy(volume)
  const table = allocationTable(used)
  table.copy(volume, FAT_START * BLOCK)
  table.copy(volume, (FAT_START + FAT_BLOCKS) * BLOCK)
  entry('EFI', FOLDER, EFI_CLUSTER, 0).copy(volume, ROOT_START * BLOCK)
  const efi = [entry('.', FOLDER, EFI_CLUSTER, 0), entry('..', FOLDER, 0, 0), entry('BOOT', FOLDER, BOOT_CLUSTER, 0)]
  Buffer.concat(efi).copy(volume, at(EFI_CLUSTER))
  const name = entry('BOOTX64 EFI', ARCHIVE, FILE_CLUSTER, file.length)
  Buffer.concat([entry('.', FOLDER, BOOT_CLUSTER, 0), entry('..', FOLDER, EFI_CLUSTER, 0), name]).copy(
    volume,
    at(BOOT_CLUSTER),
  )
  Buffer.from(file).copy(volume, at(FILE_CLUSTER))
  return volume
}

function at(cluster: number): number {
  return (DATA_START + (cluster - 2) * BLOCKS_PER_CLUSTER) * BLOCK
}

function parameterBlock(blocks: number, hidden: number): Buffer {
  const block = Buffer.alloc(BLOCK)
  Buffer.from([0xeb, 0x3c, 0x90]).copy(block) // a jump over the parameters, as every volume has it
  block.write('RACKRISE', 3, 'latin1')
  block.writeUInt16LE(BLOCK, 11)
  block[13] = BLOCKS_PER_CLUSTER
  block.writeUInt16LE(FAT_START, 14)
  block[16] = 2
  block.writeUInt16LE(ROOT_ENTRIES, 17)
  block.writeUInt16LE(blocks, 19)
  block[21] = FIXED_DISK
  block.writeUInt16LE(FAT_BLOCKS, 22)
  block.writeUInt16LE(32, 24) // sectors of a track and heads: any, since blocks are counted
  block.writeUInt16LE(64, 26)
  block.writeUInt32LE(hidden, 28)
  block[36] = 0x80
  block[38] = 0x29 // serial number, label and type follow
  block.writeUInt32LE(0x5ac4_815e, 39)
  block.write('RACKRISE   FAT12   ', 43, 'latin1')
  block.writeUInt16LE(0xaa55, 510)
  return block
}

/** Twelve bits for each cluster, two in three bytes; the first two say what the medium is. */
function allocationTable(fileClusters: number): Buffer {
  const chain = Array.from({ length: fileClusters }, (_, index) =>
    index === fileClusters - 1 ? END_OF_CHAIN : FILE_CLUSTER + index + 1,
  )
  const values = [0xf00 | FIXED_DISK, END_OF_CHAIN, END_OF_CHAIN, END_OF_CHAIN, ...chain]
  const table = Buffer.alloc(FAT_BLOCKS * BLOCK)
  values.forEach((value, index) => {
    const offset = Math.floor((index * 3) / 2)
    const shift = index % 2 === 0 ? 0 : 4
    table.writeUInt16LE(table.readUInt16LE(offset) | (value << shift), offset)
  })
  return table
}

/** `name` is eight and three characters without a dot. */
function entry(name: string, attributes: number, cluster: number, size: number): Buffer {
  const record = Buffer.alloc(32)
  record.write(name.padEnd(11), 'latin1')
  record[11] = attributes
  record.writeUInt16LE(cluster, 26)
  record.writeUInt32LE(size, 28)
  return record
}
