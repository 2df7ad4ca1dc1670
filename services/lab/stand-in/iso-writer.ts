/**
 * Writes an ISO 9660 image with Rock Ridge names (ECMA-119, IEEE P1281 SUSP, IEEE P1282 RRIP): as much of it as Linux,
 * xorriso and the appliance's own reader ask for, so that a lab needs no Proxmox ISO and no mkisofs.
 */
import type { Segment } from '../../kit/segments.ts'
import { totalLength } from '../../kit/segments.ts'
import { continuationArea, directoryRecord, SECTOR } from './iso-record.ts'
import { layOut, type Directory, type IsoFile, type Leaf, type Layout } from './iso-tree.ts'

export type { IsoFile } from './iso-tree.ts'

/** Volume descriptors begin after 16 sectors that ISO 9660 leaves to boot loaders (§6.2.1). */
const SYSTEM_AREA = Buffer.alloc(16 * SECTOR)

/** Where the descriptor leaves 512 bytes to the application (§8.4.32), as an offset in the image. */
export const APPLICATION_USE = 16 * SECTOR + 883

/**
 * The image as segments, in order; contents are referenced, never copied. `volume` is the volume identifier, `note` is put
 * where `APPLICATION_USE` says.
 */
export function writeIso(files: readonly IsoFile[], volume: string, note = ''): Segment[] {
  const layout = layOut(files)
  return [
    memory(SYSTEM_AREA),
    memory(primaryDescriptor(layout, volume, note)),
    memory(terminator()),
    memory(pathTable(layout, 'little')),
    memory(pathTable(layout, 'big')),
    ...layout.directories.map(directory => memory(directoryExtent(directory))),
    memory(continuationArea()),
    ...layout.leaves.flatMap(padded),
  ]
}

/** `length` bytes that are not zero, so that a hole in a transfer shows; they take 64 KiB of memory however many they are. */
export function filler(length: number): Segment[] {
  const segments: Segment[] = []
  for (let left = length; left > 0; left -= FILLER.length) {
    segments.push(memory(left < FILLER.length ? FILLER.subarray(0, left) : FILLER))
  }
  return segments
}

/** 251 is prime, so that no two sectors of one run look alike. */
const FILLER = Buffer.from(Uint8Array.from({ length: 65_536 }, (_, index) => index % 251))

function memory(bytes: Uint8Array): Segment {
  return { from: 'memory', bytes }
}

function padded(leaf: Leaf): Segment[] {
  const rest = totalLength(leaf.segments) % SECTOR
  return rest === 0 ? leaf.segments : [...leaf.segments, memory(Buffer.alloc(SECTOR - rest))]
}

function text(target: Buffer, offset: number, length: number, value: string): void {
  target.write(value.padEnd(length).slice(0, length), offset, length, 'latin1')
}

/** Numbers "in both byte orders" (ECMA-119 §7.3.3). */
function both32(target: Buffer, offset: number, value: number): void {
  target.writeUInt32LE(value, offset)
  target.writeUInt32BE(value, offset + 4)
}

function both16(target: Buffer, offset: number, value: number): void {
  target.writeUInt16LE(value, offset)
  target.writeUInt16BE(value, offset + 2)
}

/** ECMA-119 §8.4. */
function primaryDescriptor(layout: Layout, volume: string, note: string): Buffer {
  const sector = Buffer.alloc(SECTOR)
  sector[0] = 1
  sector.write('CD001', 1, 'latin1')
  sector[6] = 1
  text(sector, 8, 32, 'LINUX')
  text(sector, 40, 32, volume.toUpperCase())
  both32(sector, 80, layout.sectors)
  both16(sector, 120, 1)
  both16(sector, 124, 1)
  both16(sector, 128, SECTOR)
  both32(sector, 132, layout.pathTableBytes)
  sector.writeUInt32LE(layout.pathTableLittle, 140)
  sector.writeUInt32BE(layout.pathTableBig, 148)
  const root = layout.directories[0]!
  directoryRecord({ identifier: '\0', extent: root.extent, length: root.length, directory: true }).copy(sector, 156)
  for (const [offset, length] of [
    [190, 128],
    [318, 128],
    [446, 128],
    [574, 128],
    [702, 37],
    [739, 37],
    [776, 37],
  ] as const) {
    text(sector, offset, length, '')
  }
  // Creation and modification are fixed, so that the same content is the same image; expiry and effect are "not specified".
  for (const offset of [813, 830]) sector.write('2026010100000000\0', offset, 'latin1')
  for (const offset of [847, 864]) sector.write('0000000000000000\0', offset, 'latin1')
  sector[881] = 1
  sector.write(note.slice(0, 512), 883, 'latin1')
  return sector
}

/** ECMA-119 §8.3. */
function terminator(): Buffer {
  const sector = Buffer.alloc(SECTOR)
  sector[0] = 255
  sector.write('CD001', 1, 'latin1')
  sector[6] = 1
  return sector
}

/** ECMA-119 §9.4; Linux does not read it, xorriso and firmware may. */
function pathTable(layout: Layout, order: 'little' | 'big'): Buffer {
  const records = layout.directories.map(directory => {
    const name = Buffer.from(directory.identifier, 'latin1')
    const record = Buffer.alloc(8 + name.length + (name.length % 2))
    record[0] = name.length
    const parent = layout.directories.indexOf(directory.parent) + 1
    if (order === 'little') {
      record.writeUInt32LE(directory.extent, 2)
      record.writeUInt16LE(parent, 6)
    } else {
      record.writeUInt32BE(directory.extent, 2)
      record.writeUInt16BE(parent, 6)
    }
    name.copy(record, 8)
    return record
  })
  const bytes = Buffer.concat(records)
  return Buffer.concat([bytes, Buffer.alloc(SECTOR - bytes.length)])
}

function directoryExtent(directory: Directory): Buffer {
  return Buffer.concat([directory.records(), Buffer.alloc(directory.length)], directory.length)
}
